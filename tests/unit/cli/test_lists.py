from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from waypost.cli import output

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost

MANY = 23


@pytest.fixture
def many(waypost: Waypost, monkeypatch: pytest.MonkeyPatch) -> Waypost:
    """More of everything than fits into a table or a page."""
    monkeypatch.setattr(output, "ROWS", 10)
    monkeypatch.setattr("waypost.cli.reading.PAGE", 7)
    at = "2026-03-02T12:00:00Z"
    details = [
        {"shipmentId": f"S{i:02}", "status": status, "occurredAt": at, "carrier": "UPS"}
        for i in range(MANY)
        for status in ("IN_TRANSIT", "LOST", f"word {i}")
    ]
    broken = [{"shipmentId": i} for i in range(MANY)]
    stdin = "\n".join(map(json.dumps, [*details, *broken]))
    waypost("import", "-", stdin=stdin.encode(), code=1)
    return waypost


LISTS = ["shipments", "incidents --condition LOST", "alerts", "rejected", "unmapped"]


@pytest.mark.parametrize("command", LISTS)
def test_json_is_never_cut(many: Waypost, command: str) -> None:
    rows = many(*command.split(), "--json").rows

    assert len(rows) >= MANY
    assert len({json.dumps(row) for row in rows}) == len(rows)


@pytest.mark.parametrize("command", LISTS)
def test_a_limit_is_a_limit(many: Waypost, command: str) -> None:
    assert len(many(*command.split(), "--limit", "9", "--json").rows) == 9


@pytest.mark.parametrize("command", LISTS)
def test_a_table_is_cut_and_says_so(many: Waypost, command: str) -> None:
    ran = many(*command.split())

    assert len(ran.out.splitlines()) == 1 + 10
    assert " more" in ran.err
    assert " more" not in many(*command.split(), "--limit", "200").err


@pytest.mark.parametrize(
    ("command", "nothing"),
    [
        ("shipments --carrier nobody", "No shipments."),
        ("incidents --resolved", "No incidents."),
        ("alerts --state dead", "No alerts."),
    ],
)
def test_nothing_is_said_in_words(many: Waypost, command: str, nothing: str) -> None:
    ran = many(*command.split())

    assert (ran.out, ran.err.strip()) == ("", nothing)
    assert many(*command.split(), "--json").out == ""


def test_the_next_page_is_as_the_first_one_said(many: Waypost) -> None:
    first = many("shipments")
    assert "repeat with --after S09" in first.err

    assert many("shipments", "--after", "S09", "--limit", "1", "--json").row["shipmentId"] == "S10"


def test_the_next_page_of_alerts(many: Waypost) -> None:
    [first, second] = many("alerts", "--json", "--limit", "2").rows

    assert many("alerts", "--after", str(first["alertId"]), "--json").rows[0] == second
    assert "number of an alert" in many("alerts", "--after", "first", code=2).err


def test_alerts_of_one_shipment(many: Waypost) -> None:
    rows = many("alerts", "--json", "--shipment", "S03").rows

    assert {row["shipmentId"] for row in rows} == {"S03"}
    assert rows == [r for r in many("alerts", "--json").rows if r.get("shipmentId") == "S03"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("--status in_transit", MANY),
        ("--status DELIVERED", 0),
        ("--condition lost", MANY),
        ("--condition DELAYED", 0),
        ("--carrier ups", MANY),
        ("--since 2026-03-02T12:00:00Z", MANY),
        ("--since 2026-03-02T13:00:00+00:00", 0),
        ("--since 30m", 0),
        ("--since 24h", 0),
        ("--since 99999d", MANY),
    ],
)
def test_shipments_are_filtered(many: Waypost, options: str, found: int) -> None:
    assert len(many("shipments", "--json", *options.split()).rows) == found


def test_incidents_are_filtered_by_state_and_shipment(many: Waypost) -> None:
    many("incidents", "resolve", "S03", "LOST")

    def shipments(*options: str) -> set[str]:
        return {row["shipmentId"] for row in many("incidents", "--json", *options).rows}

    assert shipments("--resolved", "--condition", "LOST") == {"S03"}
    assert "S03" not in shipments("--open", "--condition", "LOST")
    assert shipments("--shipment", "S04") == {"S04"}
    assert "S03" in shipments("--condition", "LOST")
