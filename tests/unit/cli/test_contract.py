"""The names that others rely on: commands, options, JSON members, exit codes."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.unit.cli.conftest import Waypost

TRACK = {
    "shipmentId": str,
    "progress": str,
    "condition": str,
    "conditions": list,
    "leg": int,
    "eta": str,
    "updates": list,
    "incidents": list,
}
UPDATE = {
    "eventId": str,
    "status": str,
    "statusCode": str,
    "eventTime": str,
    "recordTime": str,
    "location": str,
    "carrier": str,
}
SHIPMENT = {
    "shipmentId": str,
    "progress": str,
    "condition": str,
    "conditions": list,
    "leg": int,
    "eta": str,
    "carrier": str,
    "lastEventTime": str,
}
INCIDENT = {
    "shipmentId": str,
    "leg": int,
    "condition": str,
    "state": str,
    "openedAt": str,
    "acknowledged": bool,
    "muted": bool,
    "episodes": list,
}
ALERT = {"alertId": int, "kind": str, "createdAt": str, "deliveries": list, "condition": str}
REJECTED = {
    "rejectionId": str,
    "state": str,
    "recordTime": str,
    "source": str,
    "problems": list,
    "raw": str,
}
UNMAPPED = {"carrier": str, "code": str, "count": int, "shipments": int, "lastEventTime": str}
UPDATE_ENTRY = {"kind": str, **{name: UPDATE[name] for name in UPDATE if name != "statusCode"}}

DETAIL = {
    "shipmentId": "SHIP-1",
    "status": "IN_TRANSIT",
    "statusCode": "IT",
    "carrier": "FedEx",
    "location": "Memphis",
    "eta": "2099-01-01T00:00:00Z",
}


@pytest.fixture
def filled(waypost: Waypost) -> Waypost:
    waypost("put", "--detail", json.dumps(DETAIL))
    waypost("put", "--detail", json.dumps({**DETAIL, "status": "LOST"}))
    waypost("put", "--detail", json.dumps({**DETAIL, "shipmentId": "SHIP-2", "status": "beamed"}))
    waypost.put("", "LOST", code=1)
    return waypost


def has(row: dict[str, Any], members: Mapping[str, type]) -> bool:
    return {name: type(row[name]) for name in members} == members


@pytest.mark.parametrize(
    ("command", "members"),
    [
        ("track SHIP-1 --json", TRACK),
        ("shipments --json", SHIPMENT),
        ("incidents --json", INCIDENT),
        ("incidents list --json", INCIDENT),
        ("alerts --json", ALERT),
        ("rejected list --json", REJECTED),
        ("rejected --json", REJECTED),
        ("unmapped --json", UNMAPPED),
        ("export updates", UPDATE_ENTRY),
        ("export shipments", SHIPMENT),
        ("export incidents", INCIDENT),
    ],
)
def test_each_line_is_one_object_with_these_members(
    filled: Waypost, command: str, members: dict[str, type]
) -> None:
    assert has(filled(*command.split()).rows[0], members)


def test_track_lists_updates_oldest_first(filled: Waypost) -> None:
    tracked = filled("track", "SHIP-1", "--json").row

    assert [update["status"] for update in tracked["updates"]] == ["IN_TRANSIT", "LOST"]
    assert all(has(update, UPDATE) for update in tracked["updates"])


def test_the_condition_is_null_when_nothing_is_wrong(filled: Waypost) -> None:
    tracked = filled("track", "SHIP-2", "--json").row

    assert tracked["condition"] is None
    assert tracked["conditions"] == []


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (0, "put --shipment SHIP-1 --status DELIVERED"),
        (0, "track SHIP-1"),
        (0, "incidents ack SHIP-1 LOST"),
        (0, "--version"),
        (0, "--help"),
        (0, "doctor"),
        (1, "put --shipment SHIP-1 --status DELIVERED --occurred-at yesterday"),
        (1, "track NOBODY"),
        (1, "incidents ack SHIP-1 DAMAGED"),
        (1, "incidents resolve NOBODY LOST"),
        (1, "retract SHIP-1 nothing"),
        (1, "rejected show 0000000000000000"),
        (1, "rejected show 0000"),
        (1, "rejected drop ffff"),
        (1, "rejected replay --all"),
        (1, "alerts resend nothing"),
        (2, "put --shipment SHIP-1"),
        (2, "put --detail {"),
        (2, "put --shipment SHIP-1 --status LOST --detail {}"),
        (2, "incidents ack SHIP-1 FINE"),
        (2, "incidents akc SHIP-1 LOST"),
        (2, "shipments --since yesterday"),
        (2, "shipments --status LOST"),
        (2, "export everything"),
        (2, "export updates --as-of 2026-01-01T00:00:00Z"),
        (2, "export shipments --as-of today"),
        (2, "import no-such-file.jsonl"),
        (2, "rejected show 12"),
        (2, "rejected replay"),
        (2, "unmapped map CODE STALLED"),
        (2, "nonsense"),
        (3, "serve --host 192.0.2.1"),
        (3, "simulate --count 1"),
        (3, "track SHIP-1 --data /nowhere"),
    ],
)
def test_exit_codes(
    filled: Waypost, monkeypatch: pytest.MonkeyPatch, code: int, command: str
) -> None:
    if "serve" in command:
        monkeypatch.setenv("WAYPOST_ACCESS_KEYS", "AKIAEXAMPLE:0123456789abcdef0123")

    ran = filled(*command.split(), code=code)

    assert "Traceback" not in ran.err
    assert bool(ran.err.strip()) or code == 0


@pytest.mark.parametrize(
    "command",
    [
        "track SHIP-1",
        "shipments",
        "incidents",
        "alerts",
        "rejected",
        "unmapped",
        "export updates",
        "rejected drop 0000",
    ],
)
def test_without_a_file_it_says_how_to_make_one(waypost: Waypost, command: str) -> None:
    ran = waypost(*command.split(), code=3)

    assert "waypost serve" in ran.err
    assert not waypost.data.exists()


@pytest.mark.parametrize("command", ["shipments", "put --shipment S --status LOST", "serve"])
def test_a_file_of_another_program_is_left_alone(waypost: Waypost, command: str) -> None:
    waypost.data.mkdir()
    file = waypost.data / "waypost.db"
    file.write_bytes(b"no database at all, but long enough to be looked at " * 20)

    ran = waypost(*command.split(), code=3)

    assert "is no SQLite database" in ran.err
    assert file.read_bytes().startswith(b"no database")


def test_a_newer_file_is_refused(filled: Waypost) -> None:
    with sqlite3.connect(filled.data / "waypost.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()

    assert "newer" in filled("shipments", code=3).err


def test_bad_settings_are_all_reported_at_once(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYPOST_PORT", "many")
    monkeypatch.setenv("WAYPOST_ALERT_WINDOW", "soon")
    monkeypatch.setenv("WAYPOST_ACCES_KEYS", "secret-thing")

    ran = waypost("shipments", code=2)

    assert "WAYPOST_PORT: " in ran.err
    assert "WAYPOST_ALERT_WINDOW: " in ran.err
    assert "did you mean WAYPOST_ACCESS_KEYS?" in ran.err
    assert "secret-thing" not in ran.err
