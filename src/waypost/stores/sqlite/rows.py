"""Log entries as rows of the table ``log``, and back again without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from waypost.core.entries import (
    MAPPINGS,
    Act,
    Action,
    CodeMapping,
    Entry,
    Retraction,
    Unread,
    location_json,
    unknown_word,
)
from waypost.core.statuses import Status
from waypost.core.updates import Location, Place, ShipmentUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRY_COLUMNS: Final = (
    "shipment_id, timestamp, kind, quiet, sender, event_id, event_time, record_time, fingerprint, "
    "zone, status, status_word, status_code, reason_code, carrier, location, eta, raw_event, body"
)
"""In the order in which `entry_row` gives and `read_entry` takes them."""
QUIET: Final = 3
"""The place of ``quiet`` in a row."""

STATUSES: Final = {status.value: status for status in Status}
"""By name: several times as fast as the enumeration's own look-up."""
_NO_UPDATE: Final = (None,) * 9


def entry_row(entry: Entry, timestamp: int, *, quiet: bool) -> tuple[Any, ...]:
    """Return the row of an entry that is kept at ``timestamp``."""
    if isinstance(entry, ShipmentUpdate):
        place = entry.location
        return (
            entry.shipment_id,
            timestamp,
            "update",
            int(quiet),
            entry.sender,
            entry.event_id,
            entry.event_time,
            entry.record_time,
            entry.fingerprint,
            entry.zone,
            entry.status.value,
            entry.status_word,
            entry.status_code,
            entry.reason_code,
            entry.carrier,
            None if place is None else orjson.dumps(location_json(place)).decode(),
            entry.eta,
            entry.raw_event,
            _update_body(entry),
        )
    kind, body = _body(entry)
    return (
        entry.shipment_id,
        timestamp,
        kind,
        int(quiet),
        entry.sender,
        entry.event_id,
        entry.event_time,
        entry.record_time,
        entry.fingerprint,
        *_NO_UPDATE,
        orjson.dumps(body).decode(),
    )


def read_entry(row: Sequence[Any]) -> Entry:
    """Return the entry of a row; members that this version does not know mean nothing."""
    try:
        return _read_update(row) if row[2] == "update" else _read_other(row)
    except (KeyError, ValueError):
        if (unread := _read_newer(row)) is not None:
            return unread
        raise


def _read_update(row: Sequence[Any]) -> ShipmentUpdate:
    body = orjson.loads(row[18]) if row[18] else {}
    return ShipmentUpdate(
        shipment_id=row[0],
        sender=row[4],
        event_id=row[5],
        event_time=row[6],
        record_time=row[7],
        fingerprint=row[8],
        zone=row[9],
        status=STATUSES[row[10]],
        status_word=row[11],
        status_code=row[12],
        reason_code=row[13],
        carrier=row[14],
        location=_read_location(row[15]),
        eta=row[16],
        raw_event=row[17],
        description=body.get("description"),
        references=tuple((name, value) for name, value in body.get("references", ())),
        schema_version=body.get("schemaVersion"),
    )


def _update_body(update: ShipmentUpdate) -> str | None:
    """Return what few updates have and the fold never reads."""
    body: dict[str, Any] = {}
    if update.description is not None:
        body["description"] = update.description
    if update.references:
        body["references"] = update.references
    if update.schema_version is not None:
        body["schemaVersion"] = update.schema_version
    return orjson.dumps(body).decode() if body else None


def _body(entry: Retraction | Act | CodeMapping | Unread) -> tuple[str, dict[str, str | None]]:
    match entry:
        case Retraction():
            return "retraction", {"retracts": entry.retracts, "reason": entry.reason}
        case Act():
            return "act", {"action": entry.action, "condition": entry.condition}
        case CodeMapping():
            return "mapping", {
                "carrier": entry.carrier,
                "code": entry.code,
                "status": entry.status,
            }
        case Unread():
            raise entry.error


def _read_common(row: Sequence[Any]) -> dict[str, Any]:
    return {
        "shipment_id": row[0],
        "sender": row[4],
        "event_id": row[5],
        "event_time": row[6],
        "record_time": row[7],
        "fingerprint": row[8],
    }


def _read_other(row: Sequence[Any]) -> Entry:
    common = _read_common(row)
    body = orjson.loads(row[18] or "{}")
    match row[2]:
        case "retraction":
            return Retraction(**common, retracts=body["retracts"], reason=body["reason"])
        case "act":
            action, condition = Action(body["action"]), STATUSES[body["condition"]]
            return Act(**common, action=action, condition=condition)
        case "mapping":
            status = STATUSES[body["status"]]
            return CodeMapping(**common, carrier=body["carrier"], code=body["code"], status=status)
        case kind:
            message = f"no entry is of the kind {kind}"
            raise ValueError(message)


def _read_newer(row: Sequence[Any]) -> Unread | None:
    """Return what a newer version wrote, None if none did."""
    body = orjson.loads(row[18] or "{}")
    words = {"kind": row[2], "status": row[10], **body}
    word = unknown_word({name: text for name, text in words.items() if isinstance(text, str)})
    if word is None:
        return None
    common = _read_common(row)
    code = (body["carrier"], body["code"]) if common["shipment_id"] == MAPPINGS else None
    return Unread(**common, word=word, code=code)


def _read_location(text: str | None) -> Location | None:
    if text is None:
        return None
    value = orjson.loads(text)
    if isinstance(value, str):
        return value
    return Place(
        name=value.get("name"),
        unlocode=value.get("unlocode"),
        country=value.get("country"),
        postal_code=value.get("postalCode"),
        latitude=value.get("latitude"),
        longitude=value.get("longitude"),
    )
