"""What happens to a machine: what happens to every world, and what only a machine knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import ClassVar, Final

from waypost.core.times import DAY, HOUR, SECOND
from waypost.simulate.world.drawing import draw
from waypost.simulate.world.faults import FaultKind, Outage, Plan
from waypost.simulate.world.machine.calls import DISK, MAIL, WRITES
from waypost.simulate.world.scenario import MINUTE, START, Scenario, Sending


@dataclass(frozen=True, slots=True)
class Import:
    """A file of events that an operator imports.

    Attributes:
        at: when, epoch ms.
        sendings: the events in it.
        quiet: whether they shall alert nobody.
    """

    at: int
    sendings: tuple[Sending, ...]
    quiet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineScenario(Scenario):
    """All that makes the world of one machine what it is.

    Attributes:
        imports: files that operators import; of the events in them nothing is sent.
        deaths: when the process is killed by something else than a fault of a call, epoch ms.
        clock_sets: when its clock is set, and how many milliseconds it is ahead from then on.
        is_durable: whether the store is a file; else it is in memory, and the process never dies.
    """

    parts: ClassVar[tuple[str, ...]] = ("deaths", "clock_sets", "imports", *Scenario.parts)
    imports: tuple[Import, ...] = ()
    deaths: tuple[int, ...] = ()
    clock_sets: tuple[tuple[int, int], ...] = ()
    is_durable: bool = True

    @property
    def events(self) -> tuple[Sending, ...]:
        """What is sent, and what is in the files."""
        return (*self.sendings, *(sending for file in self.imports for sending in file.sendings))

    @property
    def over(self) -> int:
        """When the last of all that happens has happened."""
        times = [file.at for file in self.imports] + [at for at, _ in self.clock_sets]
        return max([self.end, *times, *self.deaths])


_CALL: Final = ((FaultKind.BROKEN, 0), (FaultKind.SLOW, 5 * SECOND))
_DEATH: Final = ((FaultKind.CRASH_BEFORE, 0), (FaultKind.CRASH_AFTER, 0))
_READS: Final = frozenset({"changes", "history", "saved", "pending", "deliveries"})
"""Reads that fail. What befell the others would be what befalls the calls around them."""
_WRITE: Final = (*_CALL, (FaultKind.DISK_FULL, 0), (FaultKind.ANSWER_LOST, 0))
_SEND: Final = (
    *_CALL,
    (FaultKind.TIMED_OUT, 0),
    (FaultKind.ANSWER_LOST, 0),
    (FaultKind.LATE, MINUTE),
)
_RATES: Final = (0.0, 0.01, 0.04, 0.12)
_OUTAGES: Final = ((DISK, 2 * HOUR), (MAIL, 3 * HOUR), (MAIL, 30 * HOUR))
"""What is gone, and for how long at the most: after some 20 hours a message is given up."""
_SKEW: Final = 10 * MINUTE


def kinds_of(actor: str, operation: str) -> tuple[tuple[FaultKind, int], ...]:
    """Return what can go wrong at a call of a machine with a file: each kind, and its most ms."""
    kinds = kinds_without_death(actor, operation)
    return (*kinds, *_DEATH) if kinds and actor != "producer" else kinds


def kinds_without_death(actor: str, operation: str) -> tuple[tuple[FaultKind, int], ...]:
    """Return what can go wrong at a call of a machine whose store is in memory."""
    if actor == "producer":
        return ((FaultKind.ANSWER_LOST, 0),)
    if operation.startswith("send "):
        return _SEND
    if operation in WRITES:
        return _WRITE
    return _CALL if operation in _READS else ()


def draw_machine(seed: int) -> MachineScenario:
    """Return the scenario of a seed."""
    rng = Random(f"machine {seed}")
    drawn = draw(seed)
    if drawn.is_storm:
        return MachineScenario(seed=seed, sendings=drawn.sendings, is_storm=True)
    sendings, imports = _imported(rng, (*drawn.sendings, *_twins(rng, drawn.sendings)))
    span = max(MINUTE, drawn.end - START)
    is_durable = rng.random() < 0.8  # noqa: PLR2004 (a share)
    some = sorted(rng.randrange(START, START + 2 * span) for _ in range(rng.choice((0, 0, 1, 2))))
    plan = Plan(
        outages=tuple(_outages(rng, span)),
        skews=MappingProxyType({"machine": rng.choice((0, 0, rng.randint(-_SKEW, _SKEW)))}),
    )
    return MachineScenario(
        seed=seed,
        sendings=sendings,
        deeds=drawn.deeds,
        plan=plan,
        rate=rng.choice(_RATES),
        imports=imports,
        deaths=tuple(some) if is_durable else (),
        clock_sets=tuple(_clock_sets(rng, span)),
        is_durable=is_durable,
    )


def _twins(rng: Random, sendings: tuple[Sending, ...]) -> Iterator[Sending]:
    """Yield events that say, of the same moment, that a shipment was somewhere else."""
    for number in range(rng.choice((0, 0, 1, 2))):
        sending = rng.choice(sendings)
        detail = sending.event["detail"]
        if isinstance(detail, dict) and "eventId" in detail:
            place = rng.choice(("Here", "There"))
            twin = {**detail, "eventId": f"{detail['eventId']}-twin", "location": place}
            event = {**sending.event, "id": f"{sending.event['id']}-twin-{number}", "detail": twin}
            yield Sending(rng.choice(sendings).at, event)


def _imported(
    rng: Random, sendings: tuple[Sending, ...]
) -> tuple[tuple[Sending, ...], tuple[Import, ...]]:
    """Take some of what was to be sent into a file."""
    if rng.random() < 0.6 or len(sendings) < 3:  # noqa: PLR2004 (a share; and few events)
        return sendings, ()
    first = rng.randrange(len(sendings) - 1)
    some = sendings[first : first + rng.randint(1, 12)]
    rest = tuple(s for s in sendings if s not in some)
    at = rng.choice(sendings).at
    return rest, (Import(at, tuple(replace(s, at=at) for s in some), rng.random() < 0.5),)  # noqa: PLR2004 (a share)


def _outages(rng: Random, span: int) -> Iterator[Outage]:
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        service, longest = rng.choice(_OUTAGES)
        start = START + rng.randrange(span)
        yield Outage(service, start, start + rng.randint(longest // 10, longest))


def _clock_sets(rng: Random, span: int) -> Iterator[tuple[int, int]]:
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        ahead = rng.choice((rng.randint(-_SKEW, _SKEW), -DAY // 2, DAY // 2))
        yield START + rng.randrange(span), ahead
