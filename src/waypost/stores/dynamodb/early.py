"""Rows from before there was an event id: what the first processor wrote, read as updates.

Such a row is ``shipmentId``, ``timestamp`` (when it was processed), ``status, location, carrier``
as they came, whatever their types, and ``rawEvent``, the detail as JSON.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from waypost.core.errors import InvalidUpdate, Problem
from waypost.core.fields import decode
from waypost.core.statuses import Status
from waypost.core.updates import Event, ShipmentUpdate, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from waypost.stores.dynamodb.table import Item

_SENDER: Final = "logistics.shipments"
"""The only source that the rule let through."""
_STAND_INS: Final = {"shipmentId": "unfit", "status": Status.UNKNOWN.value}


def read_early(item: Item) -> ShipmentUpdate:
    """Return the update of a row.

    It is read as if its detail came now, with the row's timestamp as the envelope's time, and
    ``seed:<timestamp>`` as its id. Nothing was checked when it was written, so what is wrong with
    it is left out; it stays in the raw event.

    Raises:
        InvalidUpdate: if even its timestamp is no time.
        KeyError: if it is no such row.
    """
    shipment_id, timestamp = item["shipmentId"]["S"], int(item["timestamp"]["N"])
    raw = item["rawEvent"]["S"]
    detail = _detail(raw, item) | {"shipmentId": shipment_id}
    event = Event(id=f"seed:{timestamp}", source=_SENDER, time=timestamp, detail=detail, raw=raw)
    try:
        return parse(event, now=timestamp)
    except InvalidUpdate as error:
        sound = replace(event, detail=_sound(detail, error.problems))
        return replace(parse(sound, now=timestamp), shipment_id=shipment_id)


def _detail(raw: str, item: Item) -> dict[str, Any]:
    try:
        detail = decode(raw)
    except InvalidUpdate:
        detail = None
    if isinstance(detail, dict):
        return detail
    return {name: item[name]["S"] for name in ("status", "carrier") if "S" in item.get(name, {})}


def _sound(detail: dict[str, Any], problems: Iterable[Problem]) -> dict[str, Any]:
    bad = {problem.path.partition(".")[0] for problem in problems}
    good = {name: value for name, value in detail.items() if name not in bad}
    return good | {name: _STAND_INS[name] for name in _STAND_INS.keys() & bad}
