"""What people were told of a shipment: the ledger of its alerts, a list in its own item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waypost.core.incidents import alert_json
from waypost.core.times import format_time, parse_time
from waypost.core.updates import digest
from waypost.ports import AlertKind, DeliveryState
from waypost.stores.dynamodb.texts import pack_json, unpack_json

if TYPE_CHECKING:
    from waypost.ports import Save
    from waypost.stores.dynamodb.table import Item

KEPT: Final = 100
"""So many alerts of a shipment are kept, the newest; those before them are counted."""


def with_alerts(before: Item, save: Save) -> Item:
    """Return the attributes of the ledger once it holds the alerts of a save too.

    An alert whose key is there already is not added again.

    Args:
        before: the shipment's item; of it ``alerts`` and ``alertsDropped`` matter, if any.
        save: what is about to be saved.
    """
    noted = {row["key"]: row for row in _rows(before)}
    sent = save.sent
    for alert in save.alerts:
        at = alert.opened_at if sent is None else sent.at
        row = {"createdAt": format_time(at), **alert_json(alert)}
        if sent is not None:
            row |= {"messageId": sent.message_id, "notifier": sent.notifier}
        noted.setdefault(alert.key, row)
    rows = [*noted.values()]
    item: Item = {"alerts": pack_json(rows[-KEPT:])}
    dropped = len(rows[:-KEPT]) + int(before.get("alertsDropped", {"N": "0"})["N"])
    return item | {"alertsDropped": {"N": str(dropped)}} if dropped else item


def read(item: Item) -> list[dict[str, Any]]:
    """Return the ledger in an item, as `DynamoStore.alerts` gives it, in the order it has there."""
    return [_read(row) for row in _rows(item)]


def _rows(item: Item) -> list[dict[str, Any]]:
    return unpack_json(item["alerts"]) if "alerts" in item else []


def _read(row: dict[str, Any]) -> dict[str, Any]:
    at, _ = parse_time(row["createdAt"])
    notifier = row.pop("notifier", None)
    sent = {"notifier": notifier, "state": DeliveryState.SENT.value, "attempts": 1, "error": None}
    return {
        "alertId": f"{at:013}-{digest(row['key'])[:16]}",
        "kind": AlertKind.INCIDENT.value,
        **row,
        "messageId": row.get("messageId"),
        "deliveries": [sent] if notifier else [],
    }
