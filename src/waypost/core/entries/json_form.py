"""The JSON form of entries, which `waypost export updates` writes and `waypost import` reads.

Going out and in again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, assert_never

from waypost.core import times
from waypost.core.entries.kinds import (
    MAPPINGS,
    OPERATOR,
    RETRACTS,
    Act,
    Action,
    CodeMapping,
    Entry,
    Retraction,
    Unread,
    act,
    mapping,
    retraction,
)
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
    fingerprint,
    read_location,
    read_references,
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
    """Return the JSON form of an entry: nothing of where a store keeps it, absent members out.

    Raises:
        NewerEntry: if this version cannot read the entry.
    """
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
        case Unread():
            raise entry.error
        case _:  # pragma: no cover (the type checker proves that there is no other)
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
    kind = fields.get("kind")
    _refuse_others(fields, kind)
    match kind:
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


_ALL: Final = frozenset({"kind", "shipmentId", "eventId", "sender", "eventTime", "recordTime"})
_MEMBERS: Final = {
    "update": _ALL
    | {"zone", "status", "statusWord", "statusCode", "reasonCode", "carrier", "location", "eta"}
    | {"description", "references", "schemaVersion", "rawEvent", "fingerprint"},
    "retraction": _ALL | {"retracts", "reason", "fingerprint"},
    "act": _ALL | {"action", "condition", "fingerprint"},
    "mapping": _ALL | {"carrier", "code", "status", "fingerprint"},
}
"""By kind. A fingerprint may be there, and is not read."""
_PLACE: Final = frozenset({"name", "unlocode", "country", "postalCode", "latitude", "longitude"})


def _refuse_others(fields: Fields, kind: object) -> None:
    """Note the members that would be lost on the way in: a newer version may have added them."""
    known = _MEMBERS.get(kind) if isinstance(kind, str) else None
    if known is None:
        return
    _refuse(fields, known)
    if isinstance(fields.get("location"), dict):
        _refuse(fields.nested("location"), _PLACE)


def _refuse(fields: Fields, known: frozenset[str]) -> None:
    for name in sorted(fields.names() - known):
        fields.note(name, "is not known to this version: import it with the one that wrote it")


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
    if common.sender == OPERATOR:
        fields.note("sender", f"must not be {OPERATOR}, which sends no updates")
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
