from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost


def put(waypost: Waypost, status: str, at: str, **members: object) -> None:
    detail = {"shipmentId": "SHIP-1", "status": status, "occurredAt": at, **members}
    waypost("put", "--detail", "-", stdin=json.dumps(detail).encode())


def test_a_shipment_is_told_in_words(waypost: Waypost) -> None:
    put(
        waypost,
        "Picked_Up",
        "2026-03-02T08:00:00Z",
        carrier="FedEx",
        location={"name": "Memphis", "country": "US"},
        statusCode="PU",
        eta="2099-01-01T09:00:00Z",
        description="left the dock",
        eventId="e1",
    )
    put(waypost, "DAMAGED", "2026-03-02T09:00:00Z", location={"latitude": 1}, eventId="e2")
    put(waypost, "LOST", "2026-03-02T10:00:00Z", eventId="e3")
    waypost("retract", "SHIP-1", "e3")

    told = waypost("track", "SHIP-1").out

    head, table = told.split("happened (UTC)")
    assert head.startswith("SHIP-1  DAMAGED: reported damaged\n")
    assert "PICKED_UP: picked up by the carrier, since 2026-03-02 08:00 UTC" in head
    assert "DAMAGED: reported damaged" in head
    assert "2099-01-01 09:00 UTC" in head
    assert "FedEx" in head
    first, second, third, *_ = table.splitlines()[1:]
    assert first.startswith("2026-03-02 08:00 ")
    assert " d  PICKED_UP" in first
    assert "Memphis, US" in first
    assert "left the dock" in first
    assert "a place without a name" in second
    assert "does not count" in third
    assert "open" in told.split("incident")[1]


def test_what_was_learnt_at_once_is_not_called_late(waypost: Waypost) -> None:
    waypost.put("SHIP-1", "DELIVERED")

    told = waypost("track", "SHIP-1").out

    assert told.startswith("SHIP-1  delivered\n")
    assert "+" not in told
    assert "incident" not in told


def test_hours_are_said_in_hours(waypost: Waypost) -> None:
    put(waypost, "IN_TRANSIT", "2026-03-02T08:00:00Z")
    entry = waypost("export", "updates").row | {"recordTime": "2026-03-02T11:30:00Z"}

    other = ("--data", f"{waypost.data}-other")
    waypost("import", "-", *other, stdin=json.dumps(entry).encode())

    assert "11:30 +3 h " in waypost("track", "SHIP-1", *other).out


def test_a_number_in_use_again(waypost: Waypost) -> None:
    for hour, status in enumerate(("PICKED_UP", "DELIVERED", "PICKED_UP")):
        put(waypost, status, f"2026-03-02T{hour:02}:00:00Z")

    assert "2 (the number is in use again)" in waypost("track", "SHIP-1").out


def test_only_a_note_is_no_progress(waypost: Waypost) -> None:
    waypost.put("SHIP-1", "NOTE")

    assert waypost("track", "SHIP-1").out.startswith("SHIP-1  nothing known of its progress\n")
