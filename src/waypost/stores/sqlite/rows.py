"""Log entries as rows of the table ``log``, and back again without loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from waypost.core.entries import Act, Action, CodeMapping, Entry, Retraction, location_json
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
    """Return the entry of a row."""
    if row[2] != "update":
        return _read_other(row)
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


def _body(entry: Retraction | Act | CodeMapping) -> tuple[str, dict[str, str | None]]:
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


def _read_other(row: Sequence[Any]) -> Entry:
    common = {
        "shipment_id": row[0],
        "sender": row[4],
        "event_id": row[5],
        "event_time": row[6],
        "record_time": row[7],
        "fingerprint": row[8],
    }
    body = orjson.loads(row[18])
    if row[2] == "retraction":
        return Retraction(**common, **body)
    if row[2] == "act":
        action, condition = Action(body["action"]), STATUSES[body["condition"]]
        return Act(**common, action=action, condition=condition)
    return CodeMapping(**common, **{**body, "status": STATUSES[body["status"]]})


def _read_location(text: str | None) -> Location | None:
    if text is None:
        return None
    value = orjson.loads(text)
    if isinstance(value, str):
        return value
    value["postal_code"] = value.pop("postalCode", None)
    return Place(**value)
