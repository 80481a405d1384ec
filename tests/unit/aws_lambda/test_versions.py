"""A stack rolled back to an older version and forward again: the real handlers, on moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from moto import mock_aws

from tests.support.aws_homes import Aws, WaypostHome, alerts, rows
from tests.support.versions import older_version
from tests.unit.aws_lambda.conftest import bus_event
from waypost.core.times import HOUR
from waypost.stack import redrive
from waypost.stack.redrive import Redriver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[WaypostHome]:
    monkeypatch.setattr(redrive, "_WAIT", 0)
    with mock_aws():
        yield WaypostHome(Aws(), monkeypatch)


def say(home: WaypostHome, shipment_id: str, status: str, minute: int, **more: str) -> None:
    at = f"2026-03-02T11:{minute:02}:00Z"
    home.deliver(bus_event(shipmentId=shipment_id, status=status, occurredAt=at, **more))


def told(home: WaypostHome) -> list[str]:
    return [mail.subject.removeprefix("Logistics Alert: ") for mail in alerts(home)]


def roll_forward(home: WaypostHome) -> None:
    """Do what the operator does after it: send on what the re-fold queue gave up."""
    Redriver(cast("Any", home.aws.client), "dev").redrive("shipment-refold-dlq")
    home.settle()


def test_a_shipment_of_a_newer_version_waits_for_it_and_the_others_go_on(
    home: WaypostHome,
) -> None:
    say(home, "A", "LOST", 1, eventId="a1")
    home.settle()
    before = home.saved("A")
    with older_version():
        say(home, "A", "LOST", 1, eventId="a1")
        say(home, "A", "IN_TRANSIT", 2)
        say(home, "B", "DELAYED", 2)
        home.settle()
        assert told(home) == ["LOST - A", "DELAYED - B"]
        assert home.dead_refolds() == [{"shipmentId": "A"}]
        assert home.saved("A") == before
    roll_forward(home)
    assert told(home) == ["LOST - A", "DELAYED - B"]
    assert home.dead_refolds() == []
    assert home.saved("A")["version"] == {"N": "2"}
    assert "openShard" not in home.saved("A")


def test_what_nobody_was_told_before_the_way_back_is_told_once_after_the_way_forward(
    home: WaypostHome,
) -> None:
    say(home, "A", "LOST", 1)
    with older_version():
        home.settle()
        assert told(home) == []
        assert home.dead_refolds() == [{"shipmentId": "A"}]
    roll_forward(home)
    roll_forward(home)
    assert told(home) == ["LOST - A"]


def test_a_sweep_does_what_it_can_and_says_what_it_cannot(home: WaypostHome) -> None:
    say(home, "A", "LOST", 1)
    say(home, "B", "IN_TRANSIT", 1)
    home.settle()
    home.clock.time += 1_000 * HOUR
    with older_version(), pytest.raises(Exception, match="1 shipments failed"):
        home.settle()
    assert told(home) == ["LOST - A", "STALLED - B"]
    home.settle()
    assert told(home) == ["LOST - A", "STALLED - B", "STALLED - A"]


def test_attributes_that_only_a_newer_version_knows_outlive_what_an_older_one_saves(
    home: WaypostHome,
) -> None:
    say(home, "A", "DELAYED", 1)
    home.settle()
    dynamodb = home.aws.client("dynamodb")
    added: dict[str, Any] = {
        "UpdateExpression": "SET addedLater = :value",
        "ExpressionAttributeValues": {":value": {"S": "kept"}},
    }
    [row] = rows(home, "A")
    key = {name: row[name] for name in ("shipmentId", "timestamp")}
    dynamodb.update_item(TableName="shipment-logs-dev", Key=key, **added)
    key = {"shipmentId": {"S": "A"}}
    dynamodb.update_item(TableName="shipment-state-dev", Key=key, **added)
    say(home, "A", "DELAYED", 2)
    say(home, "A", "EXCEPTION", 3)
    home.settle()
    assert home.saved("A")["version"] == {"N": "2"}
    assert home.saved("A")["addedLater"] == rows(home, "A")[0]["addedLater"] == {"S": "kept"}
    assert told(home) == ["DELAYED - A", "EXCEPTION - A"]
