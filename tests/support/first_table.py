"""The first design and this one under the same faults: what each loses, doubles and keeps silent.

`make docs` writes the table into `docs/explanation/first-design.md`; the same seeds give the same one.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from tests.support.first_home import FirstHome
from tests.support.seed_handler import CRITICAL
from waypost.core.times import HOUR, SECOND, format_time
from waypost.ports import AlertKind
from waypost.simulate.world.aws import REJECTED
from waypost.simulate.world.faults import Calls, Drawn, FaultKind, Outage, Plan
from waypost.simulate.world.kernel import Chance, Kernel
from waypost.simulate.world.running import World
from waypost.simulate.world.scenario import MINUTE, START, Scenario, Sending, sending

if TYPE_CHECKING:
    from waypost.simulate.world.faults import Planner

WORLDS: Final = 8
SHIPMENTS: Final = 8
RATE: Final = 0.1
"""The share of calls, or of deliveries, that meet the fault."""
Alert = tuple[str, str]
"""Status and shipment id."""
_FUNCTIONS: Final = frozenset({"processor", "notifier", "sweep"})
_OF_THE_BUS: Final = frozenset({FaultKind.DOUBLED, FaultKind.DELAYED})
_SPAN: Final = HOUR
_LOOK: Final = 10 * MINUTE


@dataclass(frozen=True)
class Row:
    """A kind of trouble.

    Attributes:
        name: as the table has it.
        kind: what befalls one call in ten, or one delivery, if any does.
        longest: how long it lasts at the most, ms.
        gone: the service that is gone, if one is.
        location: where the producers say that everything happens.
        at_once: whether a shipment's updates come at the same moment.
        again: whether producers send everything twice.
    """

    name: str
    kind: FaultKind | None = None
    longest: int = 0
    gone: str | None = None
    location: Any = "Bremen"
    at_once: bool = False
    again: bool = False


ROWS: Final = (
    Row("nothing goes wrong"),
    Row("a function is killed before a call", FaultKind.CRASH_BEFORE),
    Row("a function is killed after a call", FaultKind.CRASH_AFTER),
    Row("a call times out, without effect", FaultKind.TIMED_OUT),
    Row("a call takes effect, its answer is lost", FaultKind.ANSWER_LOST),
    Row("a call is throttled", FaultKind.THROTTLED),
    Row("a call is answered with 500", FaultKind.BROKEN),
    Row("a call hangs for up to two minutes", FaultKind.SLOW, 2 * MINUTE),
    Row("the bus delivers an event twice", FaultKind.DOUBLED, HOUR),
    Row("the bus delivers an event hours late", FaultKind.DELAYED, 6 * HOUR),
    Row("DynamoDB is gone for 20 minutes", gone="dynamodb"),
    Row("SNS is gone for 20 minutes", gone="sns"),
    Row("CloudWatch is gone for 20 minutes", gone="cloudwatch"),
    Row("producers send everything twice", again=True),
    Row("the updates of a shipment come at once", at_once=True),
    Row(
        "places have coordinates", location={"name": "Bremen", "latitude": 53.08, "longitude": 8.81}
    ),
)


@dataclass
class Tally:
    """What a design made of updates, and of the alerts that they called for.

    Attributes:
        lost: updates that are nowhere.
        doubled: rows beyond the first of an update.
        silent: alerts that nobody got.
        repeated: alerts beyond the first of the same thing.
    """

    lost: int = 0
    doubled: int = 0
    silent: int = 0
    repeated: int = 0

    def add(self, fleet: Fleet, kept: Counter[str], alerts: Counter[Alert]) -> None:
        """Add what a world came to: how often each update is kept, and each alert was sent."""
        self.lost += len(fleet.updates - kept.keys())
        self.doubled += sum(count - 1 for count in kept.values())
        self.silent += len(fleet.alerts - alerts.keys())
        self.repeated += sum(count - 1 for count in alerts.values())

    def __str__(self) -> str:
        return f"{self.lost} | {self.doubled} | {self.silent} | {self.repeated}"


class Fleet:
    """What producers send in one world: every shipment ends with something to alert of.

    Attributes:
        sendings: what is put on the bus.
        updates: the event ids.
        alerts: what people must be told.
    """

    def __init__(self, row: Row, seed: int) -> None:
        rng = Random(f"first design {seed}")
        self.sendings: list[Sending] = []
        self.updates: set[str] = set()
        self.alerts: set[Alert] = set()
        for number in range(SHIPMENTS):
            shipment_id = f"SHIP-{seed}-{number}"
            begin = START + rng.randrange(_SPAN)
            last = rng.choice(CRITICAL)
            self.alerts.add((last, shipment_id))
            for step, status in enumerate(("PICKED_UP", "IN_TRANSIT", last)):
                event_id = f"{shipment_id}-{step}"
                self.updates.add(event_id)
                detail = {
                    "shipmentId": shipment_id,
                    "eventId": event_id,
                    "status": status,
                    "occurredAt": format_time(begin + step * SECOND),
                    "carrier": "DHL",
                    "location": row.location,
                }
                at = begin if row.at_once else begin + step * rng.randrange(1, _SPAN // 3)
                self._send(at, f"{event_id}-first", detail)
                if row.again:
                    self._send(at + rng.randrange(MINUTE), f"{event_id}-again", detail)

    def _send(self, at: int, name: str, detail: dict[str, Any]) -> None:
        self.sendings.append(sending(at, name, detail))


@dataclass(frozen=True)
class Comparison:
    """What both designs made of the same worlds."""

    row: Row
    updates: int
    first: Tally
    ours: Tally

    def __str__(self) -> str:
        return f"| {self.row.name} | {self.updates} | {self.first} | {self.ours} |"


def compare(row: Row, worlds: int = WORLDS) -> Comparison:
    """Run both designs through the same worlds."""
    first, ours, updates = Tally(), Tally(), 0
    for seed in range(1, worlds + 1):
        fleet = Fleet(row, seed)
        updates += len(fleet.updates)
        first.add(fleet, *_run_first(row, seed, fleet))
        ours.add(fleet, *_run_ours(row, seed, fleet))
    return Comparison(row, updates, first, ours)


def _scenario(row: Row, seed: int, fleet: Fleet) -> Scenario:
    outage = Outage(row.gone or "", START + _SPAN // 3, START + _SPAN // 3 + 20 * MINUTE)
    return Scenario(
        seed=seed,
        sendings=tuple(fleet.sendings),
        plan=Plan(outages=(outage,) if row.gone else ()),
    )


def _planner(row: Row, chance: Chance) -> Planner:
    def kinds(actor: str, _: str) -> tuple[tuple[FaultKind, int], ...]:
        actors = {"bus"} if row.kind in _OF_THE_BUS else _FUNCTIONS
        return ((row.kind, row.longest),) if row.kind and actor in actors else ()

    return Drawn(chance, RATE, kinds)


def _run_first(row: Row, seed: int, fleet: Fleet) -> tuple[Counter[str], Counter[Alert]]:
    scenario = _scenario(row, seed, fleet)
    kernel, chance = Kernel(START), Chance(seed)
    calls = Calls(kernel, _planner(row, chance), chance, outages=scenario.plan.outages)
    home = FirstHome(calls)
    for one in scenario.sendings:
        kernel.at(one.at, partial(home.bus.put, one.event))
    kernel.run(scenario.end)
    while not home.is_idle:
        kernel.run(kernel.now + _LOOK)
    kernel.stop()
    return Counter(detail["eventId"] for detail in home.rows()), home.alerts


def _run_ours(row: Row, seed: int, fleet: Fleet) -> tuple[Counter[str], Counter[Alert]]:
    world = World(_scenario(row, seed, fleet))
    world.calls._planner = _planner(row, world.calls.chance)
    world.live()
    world.mend()
    world.kernel.stop()
    assert not world.home.items(REJECTED), "all that these producers send is an update"
    alerts = Counter(
        (alert["condition"], alert["shipmentId"])
        for published in world.home.watch.published
        if published.message.kind is AlertKind.INCIDENT
        for alert in published.message.alerts
    )
    return Counter(entry.event_id for entry in world.log), alerts


def table() -> str:
    """Return the table in Markdown; what the functions log meanwhile is left out."""
    names = "lost | stored twice | alerts lost | alerts repeated"
    head = f"| | updates | {names} | *Waypost*: {names} |"
    logging.disable()
    try:
        return "\n".join([head, f"|---|{'---:|' * 9}", *(str(compare(row)) for row in ROWS)])
    finally:
        logging.disable(logging.NOTSET)
