"""Small worlds of one machine, made by hand."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from waypost.core.times import SECOND, format_time
from waypost.operate import DETAIL_TYPE, SOURCE
from waypost.simulate.world.faults import Fault, FaultKind, Plan
from waypost.simulate.world.machine.running import run_machine
from waypost.simulate.world.machine.scenario import Import, MachineScenario
from waypost.simulate.world.scenario import START, Sending

if TYPE_CHECKING:
    from collections.abc import Iterator


def sending(number: int, shipment_id: str, status: str, **detail: Any) -> Sending:
    """Return what a producer sends ten seconds after the one before."""
    at = START + number * 10 * SECOND
    event = {
        "version": "0",
        "id": f"event-{number}",
        "detail-type": DETAIL_TYPE,
        "source": SOURCE,
        "account": "123456789012",
        "time": format_time(at),
        "region": "eu-central-1",
        "resources": [],
        "detail": {
            "shipmentId": shipment_id,
            "status": status,
            "eventId": f"e{number}",
            "occurredAt": format_time(START - (9 - number) * SECOND),
            **detail,
        },
    }
    return Sending(at, event)


SMALL: Final = MachineScenario(
    seed=1,
    sendings=(
        sending(0, "A", "PICKED_UP"),
        sending(1, "A", "LOST"),
        replace(sending(1, "A", "LOST"), at=START + 30 * SECOND),
        sending(3, "B", "DAMAGED"),
        sending(4, "B", "no status at all", occurredAt="yesterday"),
    ),
)
"""Two shipments with something wrong, a duplicate, and an update that is none."""
QUIET: Final = replace(
    SMALL, sendings=SMALL.sendings[3:], imports=(Import(START, SMALL.sendings[:2], quiet=True),)
)
_NOON: Final = {"occurredAt": "2026-11-22T12:00:00Z"}
TIES: Final = replace(
    SMALL,
    sendings=tuple(
        sending(number, "A", "IN_TRANSIT", location=place, **_NOON)
        for number, place in enumerate(("Aachen", "Bonn", "Celle"))
    ),
)
STORM: Final = replace(
    SMALL,
    sendings=tuple(
        replace(sending(number, f"S-{number}", "DELAYED"), at=START + number * 250)
        for number in range(160)
    ),
    is_storm=True,
)
"""A shipment is delayed every quarter of a second."""


MOVED: Final = replace(
    SMALL,
    sendings=(
        sending(6, "A", "LOST"),
        replace(sending(5, "A", "LOST"), at=START + 600 * SECOND),
    ),
)
"""What opens an incident comes long after people were told of it."""
_CALLS: Final = {"writer": 10, "follower": 20, "deliverer": 14}
"""So many calls does a thread make, more or less, while something is going on."""


def deaths(thread: str) -> Iterator[MachineScenario]:
    """Yield the small world with each death that a thread can die at one of its calls."""
    for number in range(_CALLS[thread]):
        for kind in (FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER):
            faults = MappingProxyType({(thread, number): Fault(kind)})
            yield replace(SMALL, plan=Plan(faults=faults))


def broken(scenario: MachineScenario) -> dict[str, str]:
    """Return the laws that do not hold in a world, each with what was found instead."""
    return {found.invariant: found.what for found in run_machine(scenario).violations}
