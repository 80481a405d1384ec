"""What happens to a world: who sends what and when, what operators do, and what goes wrong.

A scenario is plain data, and a part of a scenario is a scenario.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Final

from waypost.core.entries import Entry
from waypost.core.statuses import Status
from waypost.core.times import HOUR, SECOND, format_time, parse_time
from waypost.operate import DETAIL_TYPE, SOURCE
from waypost.simulate.world.faults import FaultKind, Plan

START: Final = parse_time("2026-11-23T08:00:00Z")[0]
"""When every world begins: a Monday."""
MINUTE: Final = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Sending:
    """An event that a producer puts on the bus.

    Attributes:
        at: when, epoch ms.
        event: as the bus hands it on.
    """

    at: int
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deed:
    """An entry that an operator has recorded: an act, a mapping, a retraction, an import.

    Attributes:
        at: when, epoch ms.
        entry: what.
        quiet: whether it shall alert nobody.
    """

    at: int
    entry: Entry
    quiet: bool = False


Ending = tuple[Status, int]
"""The progress of a shipment, and its leg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All that makes a world what it is.

    Attributes:
        seed: of what chance decides beside: orders, latencies, and faults where there is a rate.
        sendings: what producers send.
        deeds: what operators do.
        refolds: when operators have every shipment folded again, epoch ms.
        latency: the least and the most milliseconds of a call's way to a service, and back.
        plan: what goes wrong.
        endings: how far shipments have come in the end, and on which leg, as far as that is known.
        rate: the probability that a call meets a fault that chance draws; 0 where the plan is all.
        is_storm: whether all that is sent opens one incident each, and no call goes wrong.
        parts: the attributes that are tuples of what happens; of each anything can be left out.
    """

    parts: ClassVar[tuple[str, ...]] = ("refolds", "deeds", "sendings")
    seed: int
    sendings: tuple[Sending, ...]
    deeds: tuple[Deed, ...] = ()
    refolds: tuple[int, ...] = ()
    latency: tuple[int, int] = (1, 20)
    endings: Mapping[str, Ending] = field(default_factory=lambda: MappingProxyType({}))
    plan: Plan = field(default_factory=Plan)
    rate: float = 0.0
    is_storm: bool = False

    @property
    def events(self) -> tuple[Sending, ...]:
        """Everything that comes in, whichever way."""
        return self.sendings

    @property
    def end(self) -> int:
        """When the last event has been sent, the last deed done and the last outage is over."""
        ends = [s.at for s in self.sendings] + [d.at for d in self.deeds]
        return max([START, *ends, *(outage.end for outage in self.plan.outages)])


def sending(at: int, name: str, detail: Any) -> Sending:
    """Return an event as the bus hands it on, sent at ``at`` (epoch ms) by a producer."""
    event = {
        "version": "0",
        "id": f"event-{name}",
        "detail-type": DETAIL_TYPE,
        "source": SOURCE,
        "account": "123456789012",
        "time": format_time(at // SECOND * SECOND),
        "region": "eu-central-1",
        "resources": [],
        "detail": json.loads(json.dumps(detail)),
    }
    return Sending(at, event)


def kinds_of(actor: str, operation: str) -> tuple[tuple[FaultKind, int], ...]:
    """Return what can go wrong at a call: each kind, and for how many ms at the most."""
    if actor in FUNCTIONS:
        return _READS if operation.startswith(("query", "batch_get")) else _WRITES
    if actor == "bus":
        return _DELIVERY
    if actor == "scheduler":
        return ((FaultKind.DOUBLED, 10 * SECOND),)
    if actor.endswith((" mapping", " invoker")):
        return ((FaultKind.UNACKNOWLEDGED, 0),)
    if actor.startswith("shipment-") and "-dlq-" not in actor:
        return ((FaultKind.DOUBLED, 0),)
    return ()


FUNCTIONS: Final = frozenset({"processor", "notifier", "sweep"})
"""The actors that are Lambda functions."""
_DELIVERY: Final = ((FaultKind.DELAYED, 6 * HOUR), (FaultKind.DOUBLED, 2 * HOUR))
_CALL: Final = (
    (FaultKind.CRASH_BEFORE, 0),
    (FaultKind.CRASH_AFTER, 0),
    (FaultKind.TIMED_OUT, 0),
    (FaultKind.ANSWER_LOST, 0),
    (FaultKind.THROTTLED, 0),
    (FaultKind.BROKEN, 0),
    (FaultKind.SLOW, 12 * SECOND),
    (FaultKind.ZOMBIE, 30 * MINUTE),
)
_WRITES: Final = (*_CALL, (FaultKind.LATE, MINUTE), (FaultKind.TWICE, 0))
_READS: Final = (*_CALL, *[(FaultKind.STALE, 0)] * 6)
