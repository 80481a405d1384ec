"""Runs every small world there is, on all cores, and prints what that covered."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.table import Table

from waypost.simulate.world.exhaust.attempts import LAYERS, Covered, Task, attempt
from waypost.simulate.world.exhaust.updates import MOST, sets
from waypost.simulate.world.homes import HOMES, run_scenario
from waypost.simulate.world.pool import on_all_cores
from waypost.simulate.world.story import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

_SHOWN: Final = 10
"""So many broken worlds are printed at most; the smallest comes first, and is told."""


def exhaust(
    console: Console,
    most: int = MOST,
    one_in: int = 1,
    attempt: Callable[[Task], Covered] = attempt,
) -> bool:
    """Run every small world of up to ``most`` updates, in both homes, and print what it covered.

    Args:
        console: where to print.
        most: so many different updates come in at most.
        one_in: for a sample; see `Task`.
        attempt: does a task, in a process of its own.

    Returns:
        Whether every invariant held in all of them.
    """
    began = time.monotonic()
    groups = [updates for updates in sets() if len(updates) <= most]
    # The large ones first, so that no core is idle in the end.
    tasks = [Task(home, some, one_in) for some in reversed(groups) for home in reversed(HOMES)]
    covered = list(on_all_cores("Sets", tasks, attempt, console))
    _print(covered, console)
    disagreeing = _disagreeing(covered)
    for updates in disagreeing:
        console.print(f"The homes do not agree on: {', '.join(updates)}")
    violated = sum(len(one.broken) for one in covered) + len(disagreeing)
    _tell_broken(covered, console)
    _sum_up(covered, violated, time.monotonic() - began, console)
    return not violated


def _print(covered: Sequence[Covered], console: Console) -> None:
    table = Table("worlds", *HOMES, box=None, pad_edge=False)
    for layer in LAYERS:
        table.add_row(layer, *(f"{_worlds(covered, home, layer):,}" for home in HOMES))
    table.add_section()
    faults = sum((one.faults for one in covered), Counter[str]())
    by_home = {
        home: sum((c.faults for c in covered if c.task.home == home), Counter[str]())
        for home in HOMES
    }
    table.add_row()
    table.add_row("[bold]what went wrong[/]")
    for kind, _ in faults.most_common():
        table.add_row(kind, *(f"{by_home[home][kind]:,}" for home in HOMES))
    for column in table.columns[1:]:
        column.justify = "right"
    console.print(table)


def _worlds(covered: Sequence[Covered], home: str, layer: str) -> int:
    return sum(one.worlds[layer] for one in covered if one.task.home == home)


def _disagreeing(covered: Sequence[Covered]) -> list[tuple[str, ...]]:
    """Return the sets of updates that come to something else in the one home and in the other."""
    ends: dict[tuple[str, ...], set[str]] = {}
    for one in covered:
        ends.setdefault(one.task.updates, set()).add(str(sorted(one.states.items())))
    return [updates for updates, states in ends.items() if len(states) > 1]


def _tell_broken(covered: Sequence[Covered], console: Console) -> None:
    broken = [one for each in covered for one in each.broken]
    broken.sort(key=lambda one: (len(one[0].order), len(one[0].faults)))
    for case, found in broken[:_SHOWN]:
        console.print(f"\n{case}", markup=False)
        for what in found:
            console.print(f"  breaks {what}", markup=False)
    if len(broken) > _SHOWN:
        console.print(f"\nand {len(broken) - _SHOWN} more")
    for case, _ in broken[:1]:
        console.print("\nThe first of them:")
        for line in tell(run_scenario(case.scenario)):
            console.print(line)


def _sum_up(covered: Sequence[Covered], violated: int, seconds: float, console: Console) -> None:
    worlds = sum(one.worlds.total() for one in covered)
    sets_ = len({one.task.updates for one in covered})
    console.print(
        f"\n{worlds:,} worlds of {sets_} sets of updates, {sum(c.orders for c in covered):,} "
        f"orders, {sum(c.struck for c in covered):,} crash points, "
        f"{sum(c.checks for c in covered):,} invariants checked, {violated:,} violated, "
        f"{seconds:.0f} s",
        highlight=False,
    )
