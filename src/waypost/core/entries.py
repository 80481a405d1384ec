"""What the log holds: updates, retractions, operators' acts and code mappings, and their JSON.

All are facts, appended once and replayed for ever. The JSON form is what `waypost export updates`
writes and `waypost import` reads; going out and in again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

from waypost.core import times
from waypost.core.fields import Fields
from waypost.core.statuses import CONDITIONS, Status
from waypost.core.updates import (
    CODE_LIMIT,
    DESCRIPTION_LIMIT,
    EVENT_ID_LIMIT,
    ID_LIMIT,
    Location,
    Place,
    References,
    ShipmentUpdate,
    digest,
    fingerprint,
    read_location,
    read_references,
)

OPERATOR: Final = "waypost.operator"
"""The sender of everything that a person does here; no producer may claim it."""
MAPPINGS: Final = "\x1fmappings"
"""The reserved shipment id of code mappings: not printable, so no producer can use it."""
RETRACTS: Final = "retract:"
"""A retraction's event id is this and the id that it retracts."""


class Action(StrEnum):
    """What an operator can do to a condition of a shipment."""

    ACK = "ack"
    """Seen: no further alert for the open episode."""
    RESOLVE = "resolve"
    """Over: closes the open episode."""
    MUTE = "mute"
    """No alerts for this condition until unmuted, or until the number is used anew."""
    UNMUTE = "unmute"
    """Alerts again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """A sender takes back what it said (EPCIS errorDeclaration, DCSA retractedEventID). Final.

    Attributes:
        retracts: the event id that is taken back: the same sender's, or, from an operator, any
            sender's. It works whenever it comes, before its target too.
        reason: why, as the sender says it.
    """

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    retracts: str
    reason: str | None = None
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An operator did something about a condition of a shipment."""

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    action: Action
    condition: Status
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMapping:
    """An operator said what a carrier's code means; it re-derives history, and changes no row.

    Attributes:
        carrier: whose code, compared without case; None for updates that name no carrier.
        code: the code, or the word where the sender has none, compared without case.
        status: what it means; UNKNOWN takes an earlier mapping back.
    """

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    carrier: str | None
    code: str
    status: Status
    fingerprint: str


Entry = ShipmentUpdate | Retraction | Act | CodeMapping


def identity(entry: Entry) -> tuple[str, str, str, int, str]:
    """Return what makes two entries the same: if all of it is equal, one is a DUPLICATE."""
    return (
        entry.shipment_id,
        entry.sender,
        entry.event_id,
        entry.event_time,
        entry.fingerprint,
    )


def retraction(
    shipment_id: str,
    retracts: str,
    *,
    sender: str,
    event_time: int,
    record_time: int,
    reason: str | None = None,
) -> Retraction:
    """Make the retraction of an event id."""
    return Retraction(
        shipment_id=shipment_id,
        sender=sender,
        event_id=RETRACTS + retracts,
        event_time=event_time,
        record_time=record_time,
        retracts=retracts,
        reason=reason,
        fingerprint=digest("retraction", retracts),
    )


def act(
    shipment_id: str,
    action: Action,
    condition: Status,
    *,
    event_id: str,
    event_time: int,
    record_time: int,
) -> Act:
    """Make an operator's act. ``event_time`` is no earlier than the newest member acted on."""
    return Act(
        shipment_id=shipment_id,
        sender=OPERATOR,
        event_id=event_id,
        event_time=event_time,
        record_time=record_time,
        action=action,
        condition=condition,
        fingerprint=digest("act", action.value, condition.value),
    )


def mapping(
    carrier: str | None,
    code: str,
    status: Status,
    *,
    event_id: str,
    event_time: int,
    record_time: int,
) -> CodeMapping:
    """Make the mapping of a carrier's code to a status."""
    return CodeMapping(
        shipment_id=MAPPINGS,
        sender=OPERATOR,
        event_id=event_id,
        event_time=event_time,
        record_time=record_time,
        carrier=carrier,
        code=code,
        status=status,
        fingerprint=digest("mapping", carrier, code, status.value),
    )


def location_json(location: Location | None) -> str | dict[str, str | float] | None:
    """Return a location as JSON has it: a text, or an object of the members that are known."""
    if not isinstance(location, Place):
        return location
    members = {
        "name": location.name,
        "unlocode": location.unlocode,
        "country": location.country,
        "postalCode": location.postal_code,
        "latitude": location.latitude,
        "longitude": location.longitude,
    }
    return {name: value for name, value in members.items() if value is not None}


def references_json(references: References) -> dict[str, str] | list[str] | None:
    """Return references as they were given: an object, or a list where they have no names."""
    if not references:
        return None
    if any(name for name, _ in references):
        return dict(references)
    return [value for _, value in references]


def to_json(entry: Entry) -> dict[str, Any]:
    """Return the JSON form of an entry: nothing of where a store keeps it, absent members out."""
    common = {
        "shipmentId": entry.shipment_id,
        "eventId": entry.event_id,
        "sender": entry.sender,
        "eventTime": times.format_time(entry.event_time),
        "recordTime": times.format_time(entry.record_time),
    }
    match entry:
        case ShipmentUpdate():
            eta = None if entry.eta is None else times.format_time(entry.eta)
            members = {
                "zone": entry.zone,
                "status": entry.status.value,
                "statusWord": entry.status_word,
                "statusCode": entry.status_code,
                "reasonCode": entry.reason_code,
                "carrier": entry.carrier,
                "location": location_json(entry.location),
                "eta": eta,
                "description": entry.description,
                "references": references_json(entry.references),
                "schemaVersion": entry.schema_version,
                "rawEvent": entry.raw_event,
            }
            kind = "update"
        case Retraction():
            kind, members = "retraction", {"retracts": entry.retracts, "reason": entry.reason}
        case Act():
            kind = "act"
            members = {"action": entry.action.value, "condition": entry.condition.value}
        case CodeMapping():
            kind = "mapping"
            members = {"carrier": entry.carrier, "code": entry.code, "status": entry.status.value}
        case _:
            assert_never(entry)
    known = {name: value for name, value in members.items() if value is not None}
    return {"kind": kind, **common, **known}


def from_json(value: object, *, now: int) -> Entry:
    """Read an entry back from its JSON form; the fingerprint is computed, never trusted.

    Args:
        value: what `to_json` made, or somebody else.
        now: the present, epoch ms; nothing may be recorded or have happened long after it.

    Raises:
        InvalidUpdate: with all the problems.
    """
    fields = Fields(value)
    common = _read_common(fields, now)
    entry: Entry | None = None
    match fields.get("kind"):
        case "update":
            entry = _read_update(fields, common)
        case "retraction":
            entry = _read_retraction(fields, common)
        case "act":
            entry = _read_act(fields, common)
        case "mapping":
            entry = _read_mapping(fields, common)
        case _:
            fields.note("kind", "must be update, retraction, act or mapping")
    fields.check()
    if entry is None:  # pragma: no cover (every reader that gives None has noted why)
        raise AssertionError
    return entry


@dataclass(frozen=True, slots=True)
class _Common:
    """What all entries have; where a problem was noted, a stand-in."""

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int


def _read_common(fields: Fields, now: int) -> _Common:
    if fields.get("kind") == "mapping":
        shipment_id: str | None = MAPPINGS
        if fields.get("shipmentId") not in (None, MAPPINGS):
            fields.note("shipmentId", "must be left out of a mapping")
    else:
        shipment_id = fields.text("shipmentId", ID_LIMIT, required=True)
    latest, words = now + times.MAX_AHEAD, "more than a day ahead of now"
    event_time = fields.time("eventTime", latest=latest, latest_words=words, required=True)
    record_time = fields.time("recordTime", latest=latest, latest_words=words, required=True)
    return _Common(
        shipment_id=shipment_id or "",
        sender=fields.text("sender", EVENT_ID_LIMIT, required=True) or "",
        event_id=fields.text("eventId", EVENT_ID_LIMIT + len(RETRACTS), required=True) or "",
        event_time=event_time[0] if event_time else 0,
        record_time=record_time[0] if record_time else 0,
    )


def _read_update(fields: Fields, common: _Common) -> ShipmentUpdate:
    status = _read_status(fields, "status", _SENT) or Status.UNKNOWN
    word = fields.text("statusWord", ID_LIMIT, required=True) or ""
    eta = fields.time("eta", latest=times.LATEST, latest_words="after 2100-01-01")
    raw = fields.get("rawEvent")
    if not isinstance(raw, str) or not _encodable(raw):
        fields.note("rawEvent", "must be text")
    code = fields.text("statusCode", CODE_LIMIT)
    reason = fields.text("reasonCode", CODE_LIMIT)
    carrier = fields.text("carrier", ID_LIMIT)
    location = read_location(fields)
    arrival = eta[0] if eta else None
    return ShipmentUpdate(
        shipment_id=common.shipment_id,
        sender=common.sender,
        event_id=common.event_id,
        event_time=common.event_time,
        record_time=common.record_time,
        zone=fields.text("zone", ID_LIMIT, required=True) or "",
        status=status,
        status_word=word,
        status_code=code,
        reason_code=reason,
        carrier=carrier,
        location=location,
        eta=arrival,
        description=fields.prose("description", DESCRIPTION_LIMIT),
        references=read_references(fields) if "references" in fields else (),
        schema_version=fields.text("schemaVersion", CODE_LIMIT),
        raw_event=str(raw),
        fingerprint=fingerprint(
            status,
            code=code or word,
            carrier=carrier,
            location=location,
            eta=arrival,
            reason_code=reason,
        ),
    )


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _read_retraction(fields: Fields, common: _Common) -> Retraction:
    retracts = fields.text("retracts", EVENT_ID_LIMIT, required=True) or ""
    if common.event_id and common.event_id != RETRACTS + retracts:
        fields.note("eventId", f"must be {RETRACTS} and the id that is retracted")
    return retraction(
        common.shipment_id,
        retracts,
        sender=common.sender,
        event_time=common.event_time,
        record_time=common.record_time,
        reason=fields.text("reason", DESCRIPTION_LIMIT),
    )


def _read_act(fields: Fields, common: _Common) -> Act:
    _read_operator(fields, common)
    action = fields.text("action", CODE_LIMIT, required=True)
    if action is not None and action not in set(Action):
        fields.note("action", f"must be {', '.join(Action)}")
        action = None
    return act(
        common.shipment_id,
        Action(action or Action.ACK),
        _read_status(fields, "condition", CONDITIONS) or Status.LOST,
        event_id=common.event_id,
        event_time=common.event_time,
        record_time=common.record_time,
    )


def _read_mapping(fields: Fields, common: _Common) -> CodeMapping:
    _read_operator(fields, common)
    return mapping(
        fields.text("carrier", ID_LIMIT),
        fields.text("code", ID_LIMIT, required=True) or "",
        _read_status(fields, "status", _SENT) or Status.UNKNOWN,
        event_id=common.event_id,
        event_time=common.event_time,
        record_time=common.record_time,
    )


def _read_operator(fields: Fields, common: _Common) -> None:
    if common.sender and common.sender != OPERATOR:
        fields.note("sender", f"must be {OPERATOR}")


_SENT: Final = tuple(s for s in Status if Status.read(s.value) is s)


def _read_status(fields: Fields, name: str, allowed: tuple[Status, ...]) -> Status | None:
    word = fields.text(name, ID_LIMIT, required=True)
    if word is None:
        return None
    for status in allowed:
        if status.value == word:
            return status
    fields.note(name, f"must be one of {', '.join(allowed)}")
    return None
