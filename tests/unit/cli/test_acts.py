"""What an operator does without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.versions import older_version
from waypost.cli import rejected as command
from waypost.cli.updates import DETAIL_LIMIT

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost


def incident(waypost: Waypost) -> dict[str, object]:
    return waypost("incidents", "--json").row


def test_an_incident_is_acknowledged_muted_unmuted_and_resolved(waypost: Waypost) -> None:
    waypost.put("S", "LOST")
    for act in ("ack", "mute"):
        assert waypost("incidents", act, "S", "lost").out == "done\n"
    assert (incident(waypost)["acknowledged"], incident(waypost)["muted"]) == (True, True)
    assert "acknowledged, muted" in waypost("incidents").out
    assert "acknowledged, muted" in waypost("track", "S").out

    waypost("incidents", "unmute", "S", "LOST")
    waypost("incidents", "resolve", "S", "LOST")

    assert (incident(waypost)["state"], incident(waypost)["muted"]) == ("resolved", False)


def test_rederive_changes_nothing_and_alerts_nobody(waypost: Waypost) -> None:
    for i in range(3):
        waypost.put(f"S{i}", "LOST")
    before = [waypost(*what, "--json").out for what in (["shipments"], ["incidents"], ["alerts"])]

    assert waypost("rederive").out == "3 shipments folded\n"

    after = [waypost(*what, "--json").out for what in (["shipments"], ["incidents"], ["alerts"])]
    assert before == after


def test_what_could_not_be_folded_is_said(waypost: Waypost) -> None:
    waypost.put("S", "LOST")
    with older_version():
        assert "1 of them could not be: see `waypost doctor`" in waypost("rederive", code=1).err
        assert "has the status LOST, which a newer" in waypost("track", "S", code=3).err
        assert "has the status LOST, which a newer" in waypost("export", "updates", code=3).err
        assert [row["condition"] for row in waypost("shipments", "--json").rows] == ["LOST"]
    assert waypost("rederive").out == "1 shipments folded\n"


def reject(waypost: Waypost, *details: object) -> list[str]:
    lines = "\n".join(map(json.dumps, details))
    waypost("import", "-", stdin=lines.encode(), code=1)
    return [row["rejectionId"] for row in waypost("rejected", "--json").rows]


def test_what_is_no_longer_in_the_way_is_replayed(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = "waypost.core.updates.ID_LIMIT"
    details = [
        {"shipmentId": name * 9, "status": "LOST", "occurredAt": "2026-03-02T12:00:00Z"}
        for name in "STU"
    ]
    with monkeypatch.context() as stricter:
        stricter.setattr(limit, 8)
        first, *_ = reject(waypost, *details)

    assert waypost("rejected", "replay", first[:6]).out == "recorded\n"
    assert "duplicate" in waypost("rejected", "replay", first).out
    assert waypost("rejected", "replay", "--all").out == "2 recorded, 0 rejected again\n"

    assert waypost("rejected", "--json").rows == []
    assert len(waypost("shipments", "--json").rows) == 3


def test_digits_that_two_have_in_common_are_not_enough(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_SHORTEST", 0)
    reject(waypost, 1, 2)

    assert "more than one" in waypost("rejected", "drop", "", code=1).err
    assert "or say --all" in waypost("rejected", "replay", "abcd", "--all", code=2).err


def test_a_rejected_event_is_shown_up_to_a_length(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_RAW_SHOWN", 10)
    [short, long] = reject(waypost, 1, "x" * 20)

    assert waypost("rejected", "show", short).out.endswith("\n1\n")
    ran = waypost("rejected", "show", long)
    assert ran.out.endswith('\n"xxxxxxxxx\n')
    assert "22 characters in all" in ran.err
    assert waypost("rejected", "show", long, "--json").row["raw"] == '"' + "x" * 20 + '"'


def test_a_detail_is_read_from_stdin_up_to_a_length(waypost: Waypost) -> None:
    detail = b'{"shipmentId": "S", "status": "LOST"}'

    assert waypost("put", "--detail", "-", stdin=detail).out == "recorded\n"
    stdin = b" " * DETAIL_LIMIT + detail
    assert "more than" in waypost("put", "--detail", "-", stdin=stdin, code=2).err


@pytest.mark.parametrize("shipment", ["", " ", "a\nb", "x" * 129])
def test_what_can_be_no_shipment_is_wrong_use(waypost: Waypost, shipment: str) -> None:
    waypost("track", shipment, code=2)
