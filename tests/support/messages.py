"""Messages as the follower makes them."""

from __future__ import annotations

from typing import Any

from tests.support.clocks import NOON
from waypost.ports import AlertKind, Message


def alert(**fields: Any) -> dict[str, Any]:
    return {
        "shipmentId": "SHIP-1",
        "leg": 1,
        "condition": "LOST",
        "openedAt": "2026-03-02T11:58:00.000Z",
        "resolvedAt": None,
        "location": "Memphis, US",
        "carrier": "UPS",
        "reasonCode": None,
        **fields,
    }


def message(number: int = 1, **fields: Any) -> Message:
    """One LOST alert, but for what is given otherwise."""
    one: dict[str, Any] = {
        "message_id": f"10000000-0000-4000-8000-{number:012d}",
        "created_at": NOON,
        "kind": AlertKind.INCIDENT,
        "subject": "Logistics Alert: LOST - SHIP-1",
        "text": "Shipment: SHIP-1\nWhere: Zürich\n",
        "counts": {"LOST": 1},
        "alerts": (alert(),),
    }
    return Message(**(one | fields))


def rejected(counts: dict[str, int]) -> Message:
    return message(
        kind=AlertKind.REJECTED,
        subject=f"Logistics Processing Error - dev: {sum(counts.values())} rejected",
        counts=counts,
        alerts=(),
    )
