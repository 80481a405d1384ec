"""Short ways to write histories: times are hours after `NOON`, a Monday."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.support.clocks import NOON
from waypost.core.entries import OPERATOR, Act, Action, CodeMapping, Retraction, act
from waypost.core.entries import mapping as make_mapping
from waypost.core.entries import retraction as make_retraction
from waypost.core.incidents import incident_json, incidents, shipment_json
from waypost.core.statuses import Status
from waypost.core.times import HOUR
from waypost.core.updates import ShipmentUpdate, fingerprint

if TYPE_CHECKING:
    from waypost.core.shipments import Shipment
    from waypost.core.updates import Location

SHIPMENT: Final = "SHIP-1"
SENDER: Final = "logistics.shipments"


def at(hours: float) -> int:
    """Return the instant so many hours after `NOON`."""
    return NOON + round(hours * HOUR)


def update(
    status: str,
    hours: float,
    event_id: str | None = None,
    *,
    sender: str = SENDER,
    carrier: str | None = None,
    location: Location | None = None,
    eta: float | None = None,
    code: str | None = None,
    reason: str | None = None,
    recorded: float | None = None,
) -> ShipmentUpdate:
    """Return an update; without an id, its status and time are its id."""
    meaning = Status.read(status)
    arrival = None if eta is None else at(eta)
    return ShipmentUpdate(
        shipment_id=SHIPMENT,
        sender=sender,
        event_id=event_id or f"{status}@{hours}",
        event_time=at(hours),
        record_time=at(hours if recorded is None else recorded),
        zone="Z",
        status=meaning,
        status_word=status,
        status_code=code,
        reason_code=reason,
        carrier=carrier,
        location=location,
        eta=arrival,
        raw_event="{}",
        fingerprint=fingerprint(
            meaning,
            code=code or status,
            carrier=carrier,
            location=location,
            eta=arrival,
            reason_code=reason,
        ),
    )


def take_back(event_id: str, hours: float = 0, sender: str = SENDER) -> Retraction:
    """Return the retraction of an event id."""
    return make_retraction(
        SHIPMENT, event_id, sender=sender, event_time=at(hours), record_time=at(hours)
    )


def operator_takes_back(event_id: str, hours: float = 0) -> Retraction:
    """Return an operator's retraction of an event id."""
    return take_back(event_id, hours, OPERATOR)


def do(action: Action, condition: Status, hours: float, event_id: str | None = None) -> Act:
    """Return an operator's act."""
    return act(
        SHIPMENT,
        action,
        condition,
        event_id=event_id or f"{action}@{hours}",
        event_time=at(hours),
        record_time=at(hours),
    )


def means(
    code: str,
    status: Status,
    hours: float = 0,
    event_id: str = "mapping",
    *,
    carrier: str | None = None,
) -> CodeMapping:
    """Return the mapping of a code."""
    return make_mapping(
        carrier, code, status, event_id=event_id, event_time=at(hours), record_time=at(hours)
    )


def exported(shipment: Shipment) -> str:
    """Return all that is ever written of a shipment, as text, to compare byte by byte."""
    said = [shipment_json(shipment), *map(incident_json, incidents(shipment))]
    return json.dumps(said) + repr(shipment)
