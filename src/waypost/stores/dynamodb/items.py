"""Log entries as items of the table of updates, and back again without loss.

An update's attributes are named as in its JSON form; ``status``, ``location``, ``carrier``,
``eventTime`` and ``rawEvent`` have been there since before there was anything else.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from waypost.core import times
from waypost.core.entries import (
    MAPPINGS,
    Act,
    Action,
    CodeMapping,
    Entry,
    Retraction,
    Unread,
    identity,
    to_json,
    unknown_word,
)
from waypost.core.errors import InvalidUpdate, StoreUnusable
from waypost.core.statuses import Status
from waypost.core.updates import Location, Place, ShipmentUpdate
from waypost.stores.dynamodb.early import read_early
from waypost.stores.dynamodb.table import Item
from waypost.stores.dynamodb.texts import pack_json, raw_attributes, unpack, unpack_json

_UNREADABLE: Final = (InvalidUpdate, KeyError, ValueError, zlib.error)

STATUSES: Final = {status.value: status for status in Status}
"""By name: several times as fast as the enumeration's own look-up."""


def to_item(entry: Entry, *, quiet: bool) -> Item:
    """Return the item of an entry, its ``timestamp`` apart, which is where it is kept."""
    members = to_json(entry)
    item: Item = {name: {"S": value} for name, value in members.items() if isinstance(value, str)}
    item["fingerprint"] = {"S": entry.fingerprint}
    if quiet:
        item["quiet"] = {"BOOL": True}
    if isinstance(entry, ShipmentUpdate):
        item |= raw_attributes(entry.raw_event)
        if entry.references:
            item["references"] = pack_json(entry.references)
        if isinstance(entry.location, Place):
            # No number may be one in DynamoDB: its 38 digits do not hold every float.
            place = {name: {"S": str(value)} for name, value in members["location"].items()}
            item["location"] = {"M": place}
    return item


def read_entry(item: Item) -> Entry:
    """Return the entry of an item; attributes that this version does not know mean nothing.

    Raises:
        StoreUnusable: if no version of ours, nor our forerunner, wrote it.
    """
    try:
        return _read(item) if "kind" in item else read_early(item)
    except _UNREADABLE as error:
        if (unread := _read_newer(item)) is not None:
            return unread
        key = f"{item['shipmentId']['S']} at {item['timestamp']['N']}"
        raise StoreUnusable(
            f"the entry of {key} cannot be read: something else wrote it. Take it out"
        ) from error


def is_same(item: Item, entry: Entry) -> bool:
    """Tell whether an item holds that very entry, so that the latter is a duplicate."""
    return identity(read_entry(item)) == identity(entry)


def is_quiet(item: Item) -> bool:
    """Tell whether the entry of an item shall alert nobody; those of our forerunner did."""
    return "quiet" in item or "kind" not in item


def _read_common(item: Item) -> dict[str, Any]:
    return {
        "shipment_id": item["shipmentId"]["S"],
        "sender": item["sender"]["S"],
        "event_id": item["eventId"]["S"],
        "event_time": times.parse_time(item["eventTime"]["S"])[0],
        "record_time": times.parse_time(item["recordTime"]["S"])[0],
        "fingerprint": item["fingerprint"]["S"],
    }


def _read_newer(item: Item) -> Unread | None:
    """Return what a newer version wrote, None if none did."""
    word = unknown_word({name: value["S"] for name, value in item.items() if "S" in value})
    if word is None:
        return None
    try:
        common = _read_common(item)
        code = None
        if common["shipment_id"] == MAPPINGS:
            code = _text(item, "carrier"), item["code"]["S"]
    except _UNREADABLE:
        return None
    return Unread(**common, word=word, code=code)


def _read(item: Item) -> Entry:
    common = _read_common(item)
    match item["kind"]["S"]:
        case "update":
            return _read_update(item, common)
        case "retraction":
            retracts = item["retracts"]["S"]
            return Retraction(**common, retracts=retracts, reason=_text(item, "reason"))
        case "act":
            action, condition = Action(item["action"]["S"]), STATUSES[item["condition"]["S"]]
            return Act(**common, action=action, condition=condition)
        case "mapping":
            return CodeMapping(
                **common,
                carrier=_text(item, "carrier"),
                code=item["code"]["S"],
                status=STATUSES[item["status"]["S"]],
            )
        case kind:
            message = f"no entry is of the kind {kind}"
            raise ValueError(message)


def _read_update(item: Item, common: dict[str, Any]) -> ShipmentUpdate:
    references = unpack_json(item["references"]) if "references" in item else ()
    return ShipmentUpdate(
        **common,
        zone=item["zone"]["S"],
        status=STATUSES[item["status"]["S"]],
        status_word=item["statusWord"]["S"],
        status_code=_text(item, "statusCode"),
        reason_code=_text(item, "reasonCode"),
        carrier=_text(item, "carrier"),
        location=_read_location(item),
        eta=times.parse_time(item["eta"]["S"])[0] if "eta" in item else None,
        description=_text(item, "description"),
        references=tuple((name, value) for name, value in references),
        schema_version=_text(item, "schemaVersion"),
        raw_event=unpack(item["rawEvent"]),
    )


def _text(item: Item, name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _read_location(item: Item) -> Location | None:
    place = item.get("location", {}).get("M")
    if place is None:
        return _text(item, "location")
    degrees = {name: float(place[name]["S"]) for name in ("latitude", "longitude") if name in place}
    return Place(
        name=_text(place, "name"),
        unlocode=_text(place, "unlocode"),
        country=_text(place, "country"),
        postal_code=_text(place, "postalCode"),
        **degrees,
    )
