from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from waypost.simulate.world.kernel import Chance, Ended, Kernel, Killed, Stuck, VirtualClock


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel(1_000)
    yield kernel
    kernel.stop()


def ignore(_: Ended) -> None:
    pass


def test_a_world_that_never_rests_is_stuck() -> None:
    kernel = Kernel(0, steps=50)

    def again() -> None:
        kernel.after(1, again)

    again()
    with pytest.raises(Stuck):
        kernel.run()


def test_a_killed_process_unwinds_but_can_do_nothing_more(kernel: Kernel) -> None:
    said: list[str] = []
    ends: list[Ended] = []

    def work() -> None:
        try:
            kernel.sleep(100)
            said.append("slept")
        finally:
            kernel.sleep(1)  # as a call in a handler's `finally` would
            said.append("called")

    process = kernel.start("worker", work, ends.append)
    kernel.at(1_050, process.kill)
    kernel.run()

    assert said == []
    assert [ended.killed for ended in ends] == [True]
    assert kernel.now < 1_200


def test_a_process_that_swallows_its_death_still_counts_as_killed(kernel: Kernel) -> None:
    ends: list[Ended] = []

    def work() -> str:
        try:
            kernel.sleep(100)
        except BaseException:  # noqa: BLE001 (the worst that a handler can do)
            return "alive"
        return "done"

    kernel.start("worker", work, ends.append)
    kernel.at(1_050, lambda: None)
    kernel.run(until=1_050)
    kernel.stop()

    assert ends[0].killed


def test_what_a_process_raises_is_told(kernel: Kernel) -> None:
    ends: list[Ended] = []

    def work() -> None:
        raise ValueError("a bug")

    kernel.start("worker", work, ends.append)
    kernel.run()

    assert isinstance(ends[0].error, ValueError)
    assert not ends[0].killed


def test_actions_happen_in_the_order_of_time_and_then_of_making(kernel: Kernel) -> None:
    seen: list[tuple[int, str]] = []
    for delay, name in ((20, "c"), (10, "a"), (10, "b")):
        kernel.after(delay, lambda name=name: seen.append((kernel.now, name)))  # type: ignore[misc]  # mypy knows no default of a lambda
    kernel.run()

    assert seen == [(1_010, "a"), (1_010, "b"), (1_020, "c")]


def test_processes_interleave_where_they_sleep_and_nowhere_else(kernel: Kernel) -> None:
    seen: list[str] = []

    def worker(name: str, pause: int) -> str:
        for step in range(2):
            seen.append(f"{name}{step}")
            seen.append(f"{name}{step}'")
            kernel.sleep(pause)
        return name

    ends: list[Ended] = []
    kernel.start("a", lambda: worker("a", 10), ends.append)
    kernel.start("b", lambda: worker("b", 3), ends.append)
    kernel.run()

    assert seen == ["a0", "a0'", "b0", "b0'", "b1", "b1'", "a1", "a1'"]
    assert [ended.value for ended in ends] == ["b", "a"]


def test_threads_are_used_again_and_given_back() -> None:
    kernel = Kernel(0)
    before = set(threading.enumerate())
    for start in range(5):
        kernel.at(start * 100, lambda: kernel.start("w", lambda: kernel.sleep(10), ignore))
    kernel.run()

    assert len(set(threading.enumerate()) - before) == 1
    kernel.stop()
    assert set(threading.enumerate()) <= before


def test_equal_worlds_have_equal_digests_and_others_do_not() -> None:
    def world(word: str) -> str:
        kernel = Kernel(0)
        kernel.after(5, lambda: kernel.note("somebody", word))
        kernel.run()
        return kernel.digest()

    assert world("hello") == world("hello") != world("goodbye")


def test_chance_depends_on_what_it_is_asked_for_and_not_on_what_was_asked_before() -> None:
    chance, other = Chance(1), Chance(1)
    other.unit("something else")

    assert chance.between(1, 6, "die", 3) == other.between(1, 6, "die", 3)
    assert {Chance(seed).between(1, 6, "die") for seed in range(60)} == {1, 2, 3, 4, 5, 6}
    assert all(0 <= chance.unit(i) < 1 for i in range(100))


def test_a_virtual_clock_is_ahead_by_its_skew_and_makes_ids_of_its_own(kernel: Kernel) -> None:
    clock, other = VirtualClock(kernel, "a", skew=500), VirtualClock(kernel, "b")
    kernel.run(until=2_000)

    assert (clock.now(), other.now()) == (2_500, 2_000)
    ids = [clock.new_id(), clock.new_id(), other.new_id()]
    assert len(set(ids)) == 3
    assert all(len(one) == 36 for one in ids)


def test_only_a_process_can_sleep(kernel: Kernel) -> None:
    with pytest.raises(RuntimeError):
        kernel.sleep(1)


def test_a_process_can_kill_itself(kernel: Kernel) -> None:
    ends: list[Ended] = []

    def work() -> None:
        process = kernel.current
        assert process is not None
        process.die()

    kernel.start("worker", work, ends.append)
    kernel.run()

    assert isinstance(ends[0].error, Killed)
