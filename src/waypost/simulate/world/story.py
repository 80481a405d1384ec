"""The story of a world: who did what and when, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rich.text import Text

from waypost.ports import LocalStore
from waypost.simulate.world.machine.calls import WRITES
from waypost.simulate.world.scenario import START

if TYPE_CHECKING:
    from waypost.simulate.world.kernel import Line
    from waypost.simulate.world.running import Outcome

LINES: Final = 200
"""So many lines are told at most: the first and the last, in halves."""
_READS: Final = ("query ", "batch_get_item ", "get_queue_url ")
"""What begins like this reads a service of AWS."""
_LOOKS: Final = frozenset(name for name in dir(LocalStore) if not name.startswith("_")) - WRITES
"""What a machine asks its file."""


def tell(outcome: Outcome) -> Iterator[Text]:
    """Yield the story line by line, to be printed; reads that went well are left out."""
    scenario = outcome.scenario
    yield Text.assemble(
        f"Seed {scenario.seed}: ",
        f"{len(scenario.events)} events, {len(scenario.deeds)} deeds, ",
        f"{len(outcome.struck)} faults, {len(scenario.plan.outages)} outages.",
    )
    for outage in scenario.plan.outages:
        yield Text(
            f"{_time(outage.start)}  {outage.service} is down until {_time(outage.end)}", "red"
        )
    for actor, skew in scenario.plan.skews.items():
        yield Text(f"The clock of {actor} is {skew / 1_000:+,.1f} s ahead.", "red")
    told = [line for line in outcome.lines if _is_told(line)]
    left_out = len(told) - LINES
    for number, line in enumerate(told):
        if left_out <= 0 or number < LINES // 2 or number >= len(told) - LINES // 2:
            yield _line(line)
        elif number == LINES // 2:
            yield Text(f"... {left_out} lines left out ...", "dim")
    for violation in outcome.violations[:_VIOLATIONS]:
        name = violation.invariant.replace("_", " ")
        yield Text.assemble(("BROKEN: ", "bold red"), (f"{name}: ", "bold"), violation.what)


_VIOLATIONS: Final = 5


def _is_told(line: Line) -> bool:
    return not line.what.startswith(_READS) and line.what not in _LOOKS


def _line(line: Line) -> Text:
    style = "red" if "FAULT" in line.what else ""
    return Text.assemble((_time(line.at), "dim"), f"  {line.who:<26} ", (line.what[:_WIDTH], style))


_WIDTH: Final = 200


def _time(at: int) -> str:
    """Return an instant as hours, minutes, seconds and ms since the world began."""
    minutes, millis = divmod(at - START, 60_000)
    return f"{minutes // 60:>3}:{minutes % 60:02}:{millis / 1_000:06.3f}"
