"""Threads: errors end what was begun, and nothing more is."""

from __future__ import annotations

from concurrent.futures import wait
from threading import Barrier, Event, current_thread, main_thread

import pytest

from waypost.aws_lambda import workers as module
from waypost.aws_lambda.workers import Workers

MANY = range(50)


def test_after_an_error_no_further_calls_begin_and_those_under_way_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, ended = [], []
    given_up = Event()

    def wait_for_the_rest(calls: object) -> object:
        given_up.set()
        return wait(calls)  # type: ignore[arg-type] # as the function itself gave them

    def call(value: int) -> None:
        begun.append(value)
        if value == 0:
            raise KeyError(value)
        assert given_up.wait(60)
        ended.append(value)

    monkeypatch.setattr(module, "wait", wait_for_the_rest)
    with pytest.raises(KeyError, match="0"):
        Workers(2).each(call, MANY)
    assert set(begun) <= {0, 1, 2}, "each of two threads may have begun one more"
    assert sorted([0, *ended]) == sorted(begun)


def test_results_come_in_the_order_of_the_values() -> None:
    assert Workers(4).each(str, MANY) == [str(value) for value in MANY]
    assert Workers(4).each(str, []) == []


def test_all_threads_work_at_once_and_stay() -> None:
    meeting = Barrier(4)
    workers = Workers(4)

    def meet(_: int) -> int | None:
        meeting.wait(60)
        return current_thread().ident

    assert set(workers.each(meet, range(4))) == set(workers.each(meet, range(4)))


@pytest.mark.parametrize(("count", "values"), [(4, [1]), (1, [1, 2])])
def test_one_worker_or_one_value_needs_no_thread(count: int, values: list[int]) -> None:
    threads = Workers(count).each(lambda _: current_thread(), values)
    assert set(threads) == {main_thread()}
