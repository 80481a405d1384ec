"""Which small worlds there are, and which are left out because another one shows the same.

What is left out, and why nothing is lost by it:

* **To die at a read.** A read changes nothing, and what dies has no memory afterwards: it leaves
  what it leaves if it dies at its next change. So deaths fall on changes alone, and a read fails.
* **To die after a change of a machine** is to die before its next one: all its threads die
  together. Only after an append is it something else, for somebody waits for the answer.
* **What an idle home calls after its last change.** It looks for work and finds none; if that
  fails, it looks again.
* **A machine, updates apart, and a fault before the last of them.** It is over when the next one
  comes; and what it left in the file is compared, in the world without those that follow, with
  what is left where nothing goes wrong: state, who was told of what, and what they were sent. From
  there on both go alike. What a thread that failed may remember wrongly shows where updates are
  close together. On AWS nothing is left out: a queue hides a message for longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations, product
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.core.times import SECOND
from waypost.simulate.world import scenario as aws
from waypost.simulate.world.exhaust.updates import delivered
from waypost.simulate.world.faults import Fault, FaultKind, Made, Place, Plan
from waypost.simulate.world.machine import scenario as machine
from waypost.simulate.world.machine.calls import WRITES
from waypost.simulate.world.scenario import START, Deed, Scenario, Sending

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from waypost.simulate.world.running import Outcome

CLOSE: Final = SECOND
"""Milliseconds between two updates that are followed together: on AWS one batch of the stream."""
APART: Final = 90 * SECOND
"""Between two of which the first is followed before the second comes. It is longer than a window,
and shorter than a queue hides a message: what is tried again comes after the next update."""
READS_FAIL_UP_TO: Final = {"aws": 4, "machine": 2}
"""Reads fail where there are so many different updates at most."""
_DEATHS: Final = frozenset({FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER})


@dataclass(frozen=True, slots=True)
class Case:
    """A small world: plain data, which another process can be given.

    Attributes:
        home: whose world it is.
        order: the updates that come in, by name; one that is in it twice is a duplicate.
        gaps: milliseconds between each and the next.
        faults: what goes wrong, and where.
    """

    home: str
    order: tuple[str, ...]
    gaps: tuple[int, ...]
    faults: tuple[tuple[Place, FaultKind], ...] = ()

    @property
    def scenario(self) -> Scenario:
        """The case as a scenario of its home."""
        parts: list[Sending | Deed] = []
        for place, (name, gap) in enumerate(zip(self.order, (0, *self.gaps), strict=True)):
            at = parts[-1].at + gap if parts else START
            parts.append(delivered(name, place, at))
        kind = machine.MachineScenario if self.home == "machine" else Scenario
        return kind(
            seed=1,
            sendings=tuple(part for part in parts if isinstance(part, Sending)),
            deeds=tuple(part for part in parts if isinstance(part, Deed)),
            plan=Plan(MappingProxyType({place: Fault(kind) for place, kind in self.faults})),
        )

    @property
    def last_at(self) -> int:
        """When the last update comes, epoch ms."""
        return START + sum(self.gaps)

    @property
    def is_deadly(self) -> bool:
        """Whether what goes wrong last is a death."""
        return self.faults[-1][1] in _DEATHS

    def __str__(self) -> str:
        """Return it in words."""
        words = self.order[0]
        for gap, name in zip(self.gaps, self.order[1:], strict=True):
            words += f", {name} {gap / SECOND:g} s later"
        faults = [f"{actor} at call {number} {kind}" for (actor, number), kind in self.faults]
        return f"{self.home}: {words}: {'; '.join(faults) or 'nothing goes wrong'}"


def undisturbed(home: str, updates: Sequence[str]) -> Iterator[Case]:
    """Yield every order of some updates, in every split into what is followed together."""
    together = 0 if home == "machine" else CLOSE
    for order in permutations(updates):
        for gaps in product((together, APART), repeat=len(updates) - 1):
            yield Case(home, order, gaps)


def orders(home: str, updates: Sequence[str]) -> Iterator[Case]:
    """Yield every order of some updates, all of them close together and all apart."""
    for order in permutations(updates):
        yield from _spaced(home, order)


def repeated(home: str, updates: Sequence[str]) -> Iterator[Case]:
    """Yield every order of some updates in which one of them, whichever, comes twice."""
    for twice in updates:
        for order in sorted(set(permutations((*updates, twice)))):
            yield from _spaced(home, order)


def _spaced(home: str, order: tuple[str, ...]) -> Iterator[Case]:
    for gap in (CLOSE, APART) if len(order) > 1 else (CLOSE,):
        yield Case(home, order, (gap,) * (len(order) - 1))


def struck(case: Case, outcome: Outcome) -> Iterator[Case]:
    """Yield a case with one more fault, of each kind, at each call that followed its last one.

    Args:
        case: with the faults that it has already.
        outcome: what it came to, which tells what was called.
    """
    calls = outcome.made
    if case.faults:
        last = case.faults[-1][0]
        calls = calls[[made.place for made in calls].index(last) + 1 :]
    elif case.home == "machine" and APART in case.gaps:
        calls = [made for made in calls if made.at >= case.last_at]
    for made in _until_idle(calls):
        for kind in _kinds(case, made):
            yield replace(case, faults=(*case.faults, (made.place, kind)))


def _until_idle(calls: list[Made]) -> list[Made]:
    changes = [place for place, made in enumerate(calls) if _changes(made)]
    return calls[: changes[-1] + 1] if changes else []


def _changes(made: Made) -> bool:
    return made.operation.split(" ")[0] in _CHANGES


_CHANGES: Final = WRITES | {
    "send",  # mail
    "hear",  # the producer of its answer
    "put_item",
    "update_item",
    "transact_write_items",
    "publish",
    "send_message",
    "send_message_batch",
    "delete",  # a queue's message
    "note",  # how far a stream was read
}


def _kinds(case: Case, made: Made) -> Iterator[FaultKind]:
    """Yield what goes wrong at a call, of all that can in a drawn world."""
    is_machine = case.home == "machine"
    possible = (machine if is_machine else aws).kinds_of(made.place[0], made.operation)
    if not _changes(made):
        wanted = _ERRORS if len(set(case.order)) <= READS_FAIL_UP_TO[case.home] else frozenset()
    elif is_machine and made.operation != "append":
        wanted = _OF_CHANGES - {FaultKind.CRASH_AFTER}
    else:
        wanted = _OF_CHANGES
    error = FaultKind.BROKEN if is_machine else FaultKind.THROTTLED
    return (kind for kind, _ in possible if kind in wanted and kind not in _ERRORS - {error})


_ERRORS: Final = frozenset({FaultKind.BROKEN, FaultKind.THROTTLED})
"""A call is refused: the two homes' ways to say so."""
_OF_CHANGES: Final = _DEATHS | _ERRORS | {FaultKind.ANSWER_LOST, FaultKind.UNACKNOWLEDGED}
