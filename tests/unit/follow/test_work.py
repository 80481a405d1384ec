"""Workers: they go on, whatever happens, and say when they are unwell."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from waypost.core.errors import StoreUnavailable
from waypost.follow import work
from waypost.follow.work import STUCK, Worker

if TYPE_CHECKING:
    from collections.abc import Callable


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, for a minute at most."""
    ready = threading.Event()
    for _ in range(6_000):
        if condition():
            return
        ready.wait(0.01)
    pytest.fail("it did not happen")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreUnavailable("disk full"), "StoreUnavailable: disk full"),
        # A bug's message may quote what a sender wrote, and /readyz shows it to anybody.
        (ZeroDivisionError("Jane Doe, 12 High Street"), "ZeroDivisionError"),
    ],
)
def test_a_step_that_fails_is_tried_again_and_the_worker_says_that_it_is_unwell(
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(work, "FIRST_PAUSE", 0.001)
    steps = 0
    mended = threading.Event()

    def step() -> bool:
        nonlocal steps
        steps += 1
        if not mended.is_set():
            raise error
        return False

    worker = Worker("follower", step)
    worker.start()
    until(lambda: steps >= STUCK)
    until(lambda: worker.problem() is not None)
    assert worker.problem() == f"follower: {said}"
    fields = [getattr(record, "fields", None) for record in caplog.records]
    assert {"error": said, "pause": 0.001} in fields
    mended.set()
    until(lambda: worker.problem() is None)
    assert worker.stop(60)


def test_a_worker_that_was_stopped_or_never_started_is_not_well() -> None:
    worker = Worker("follower", lambda: False)
    assert worker.problem() == "follower is not running"
    assert worker.stop(60)


def test_a_worker_wakes_at_once_when_told_and_goes_on_while_there_is_more() -> None:
    todo = 0
    done = 0

    def step() -> bool:
        nonlocal todo, done
        if todo:
            todo -= 1
            done += 1
        return todo > 0

    worker = Worker("follower", step)
    worker.start()
    for _ in range(5):
        before = done
        todo = 3
        worker.wake()
        until(lambda: done == before + 3)  # noqa: B023 (called before the loop goes on)
    assert worker.stop(60)
    assert not worker.is_alive()


def test_stopping_says_when_a_step_does_not_end_in_time() -> None:
    entered, leave = threading.Event(), threading.Event()

    def step() -> bool:
        entered.set()
        leave.wait(60)
        return False

    worker = Worker("smtp", step)
    worker.start()
    assert entered.wait(60)
    assert not worker.stop(0.05)
    leave.set()
    assert worker.stop(60)
