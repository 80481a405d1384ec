"""Runs the worlds of one seed after the other, on all cores, and sums up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.table import Table

from waypost.simulate.world.homes import HOMES, run_home
from waypost.simulate.world.machine.scenario import MachineScenario
from waypost.simulate.world.pool import on_all_cores

if TYPE_CHECKING:
    from rich.console import Console

    from waypost.simulate.world.running import Outcome

_CHUNK: Final = 4


@dataclass(slots=True)
class Tally:
    """What worlds came to.

    Attributes:
        worlds: how many there were.
        events: how many events were accepted in them.
        faults: by what happened, how often.
        checks: how many times an invariant was looked at.
        alerts: how many alerts people got.
        repeats: how many of them they had got before.
        broken: by home and seed, the invariants that did not hold.
    """

    worlds: int = 0
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    alerts: int = 0
    repeats: int = 0
    broken: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add what other worlds came to."""
        self.worlds += other.worlds
        self.events += other.events
        self.faults += other.faults
        self.checks += other.checks
        self.alerts += other.alerts
        self.repeats += other.repeats
        self.broken |= other.broken


def try_seed(seed: int) -> Tally:
    """Run the two worlds of a seed: the functions on AWS, and one machine."""
    tally = Tally()
    for home in HOMES:
        tally.add(_tallied(home, run_home(home, seed), seed))
    return tally


def _tallied(home: str, outcome: Outcome, seed: int) -> Tally:
    scenario = outcome.scenario
    faults = Counter(fault.kind.value for fault in outcome.struck.values())
    faults.update(f"{outage.service} down" for outage in scenario.plan.outages)
    faults.update(["a clock wrong"] * len(scenario.plan.skews))
    if isinstance(scenario, MachineScenario):
        faults.update(["killed at any moment"] * len(scenario.deaths))
        faults.update(["the clock is set"] * len(scenario.clock_sets))
    names = sorted({violation.invariant for violation in outcome.violations})
    return Tally(
        worlds=1,
        events=outcome.events,
        faults=faults,
        checks=outcome.checks,
        alerts=outcome.alerts,
        repeats=outcome.repeats,
        broken={(home, seed): names} if names else {},
    )


def prove(
    first: int, seeds: int, console: Console, attempt: Callable[[int], Tally] = try_seed
) -> Tally:
    """Run the worlds of some seeds, one process a core, and print what they came to.

    Args:
        first: the first seed.
        seeds: how many.
        console: where to print.
        attempt: runs the worlds of one seed, in a process of its own.
    """
    began = time.monotonic()
    tally = Tally()
    tasks = range(first, first + seeds)
    for one in on_all_cores("Seeds", tasks, attempt, console, chunk=_CHUNK):
        tally.add(one)
    _sum_up(tally, time.monotonic() - began, console)
    return tally


def _sum_up(tally: Tally, seconds: float, console: Console) -> None:
    table = Table("what went wrong", "times", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for kind, count in tally.faults.most_common():
        table.add_row(kind, f"{count:,}")
    console.print(table)
    console.print(
        f"\n{tally.alerts:,} alerts, {tally.repeats:,} of them again: for want of an answer, or "
        "because two were at it at once."
    )
    for (home, seed), names in sorted(tally.broken.items()):
        console.print(
            f"{home}, seed {seed} breaks: {', '.join(name.replace('_', ' ') for name in names)}"
        )
    console.print(
        f"{tally.worlds:,} worlds, {tally.events:,} events, {tally.faults.total():,} faults of "
        f"{len(tally.faults)} kinds, {tally.checks:,} invariants checked, "
        f"{len(tally.broken):,} violated, {seconds:.0f} s",
        highlight=False,
    )
