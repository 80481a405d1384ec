from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from waypost.simulate.world.faults import Calls, Drawn, Fault, FaultKind, Outage, Plan, Planned
from waypost.simulate.world.kernel import Chance, Ended, Kernel


class Failed(Exception):
    """What the client of these tests raises."""


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel(0)
    yield kernel
    kernel.stop()


def run(
    kernel: Kernel, fault: Fault | None, *, stale: bool = False, outage: Outage | None = None
) -> tuple[list[int], Ended, Calls]:
    """Make one call that writes down when it took effect; return that, and how it ended."""
    plan = Plan({("worker", 0): fault} if fault else {}, (outage,) if outage else ())
    calls = Calls(kernel, Planned(plan), Chance(1), outages=plan.outages)
    effects: list[int] = []
    ends: list[Ended] = []

    def effect() -> str:
        effects.append(kernel.now)
        return "fresh"

    def old() -> str:
        return "stale"

    def work() -> object:
        errors: Callable[[FaultKind], Exception] = Failed
        return calls.make(
            "worker", "table", "put", effect, errors=errors, stale=old if stale else None
        )

    kernel.start("worker", work, ends.append)
    kernel.run()
    return effects, ends[0], calls


@pytest.mark.parametrize(
    ("kind", "times"),
    [(FaultKind.CRASH_BEFORE, 0), (FaultKind.CRASH_AFTER, 1)],
)
def test_a_crash_kills_before_or_after_the_effect(
    kernel: Kernel, kind: FaultKind, times: int
) -> None:
    effects, ended, _ = run(kernel, Fault(kind))

    assert ended.killed
    assert len(effects) == times


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        (FaultKind.TIMED_OUT, 0),
        (FaultKind.THROTTLED, 0),
        (FaultKind.BROKEN, 0),
        (FaultKind.DISK_FULL, 0),
        (FaultKind.ANSWER_LOST, 1),
    ],
)
def test_an_error_is_raised_with_or_without_effect(
    kernel: Kernel, kind: FaultKind, times: int
) -> None:
    effects, ended, _ = run(kernel, Fault(kind))

    assert isinstance(ended.error, Failed)
    assert ended.error.args == (kind,)
    assert len(effects) == times


def test_a_late_effect_comes_after_the_error(kernel: Kernel) -> None:
    effects, ended, _ = run(kernel, Fault(FaultKind.LATE, 30_000))

    assert isinstance(ended.error, Failed)
    assert len(effects) == 1
    assert effects[0] >= 30_000


def test_a_call_that_its_client_repeats_takes_effect_twice(kernel: Kernel) -> None:
    effects, ended, _ = run(kernel, Fault(FaultKind.TWICE))

    assert ended.value == "fresh"
    assert len(effects) == 2


@pytest.mark.parametrize("kind", [FaultKind.SLOW, FaultKind.ZOMBIE])
def test_a_slow_call_and_a_zombie_take_effect_in_the_end(kernel: Kernel, kind: FaultKind) -> None:
    effects, ended, _ = run(kernel, Fault(kind, 5_000))

    assert ended.value == "fresh"
    assert effects[0] >= 5_000


def test_only_a_read_that_may_be_stale_is(kernel: Kernel) -> None:
    assert run(kernel, Fault(FaultKind.STALE), stale=True)[1].value == "stale"
    effects, ended, calls = run(kernel, Fault(FaultKind.STALE))

    assert (ended.value, len(effects)) == ("fresh", 1)
    assert calls.struck == {}


def test_during_an_outage_no_call_takes_effect(kernel: Kernel) -> None:
    effects, ended, _ = run(kernel, None, outage=Outage("table", 0, 1_000))

    assert isinstance(ended.error, Failed)
    assert effects == []
    assert run(kernel, None, outage=Outage("another", 0, 10**9))[1].value == "fresh"


def test_what_struck_is_written_down_so_that_a_plan_repeats_it() -> None:
    def world(planner: Drawn | Planned) -> tuple[Kernel, Calls]:
        kernel = Kernel(0)
        calls = Calls(kernel, planner, Chance(7))

        def work() -> None:
            for number in range(40):
                try:
                    calls.make("worker", "table", f"put {number}", lambda: None, errors=Failed)
                except Failed:
                    kernel.note("worker", "tries the next")

        kernel.start("worker", work, lambda _: None)
        kernel.run()
        kernel.stop()
        return kernel, calls

    kinds = ((FaultKind.THROTTLED, 0), (FaultKind.SLOW, 900))
    drawn, calls = world(Drawn(Chance(7), 0.3, lambda *_: kinds))
    again, _ = world(Planned(Plan(calls.struck)))

    assert len(calls.struck) > 3
    assert {fault.kind for fault in calls.struck.values()} == {kind for kind, _ in kinds}
    assert drawn.digest() == again.digest()


def test_a_plan_without_some_faults_has_the_others() -> None:
    throttled = Fault(FaultKind.THROTTLED)
    plan = Plan({("a", 0): throttled, ("a", 1): throttled})

    assert plan.without({("a", 0)}).faults == {("a", 1): throttled}
