"""A stack that comes from elsewhere, on a local AWS: of the first version, or of tables left behind."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from tests.support.deployed import Deployed, deploy, eventually
from tests.support.ministack import REGION
from waypost.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.testing import Result

    from tests.support.ministack import Ministack

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def waypost(aws: Ministack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The program, run in this process on the local AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    where = f"--region {REGION} --endpoint-url {aws.url}".split()

    def run(words: str, *, code: int = 0) -> Result:
        done = CliRunner().invoke(app, [*words.split(), *where])
        assert done.exit_code == code, done.stderr
        return done

    return run


def update(shipment_id: str, status: str) -> dict[str, str]:
    return {"shipmentId": shipment_id, "status": status}


def row_of(done: Result) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def test_a_stack_of_the_first_version_keeps_its_rows_and_alerts_nobody_of_them(
    aws: Ministack, first_template: bytes, waypost: Callable[..., Result]
) -> None:
    old = deploy(aws, first_template, "old", AlertEmail="test@test.com")
    ids = ("OLD-1", "OLD-2", "OLD-3")
    old.send(*map(update, ids, ("LOST", "IN_TRANSIT", "DAMAGED")))
    rows = {i: eventually(partial(old.rows, i)) for i in ids}
    describe = partial(aws.client("dynamodb").describe_table, TableName="shipment-logs-old")
    made_at = describe()["Table"]["CreationDateTime"]

    # It is refused, all reasons at once, before anything is changed.
    kept = waypost("stack destroy --env old --yes", code=1)
    assert "does not keep ShipmentLogsTable" in kept.stderr
    refused = waypost("stack deploy --env old --yes", code=1)
    assert "1. Its AlertEmail is test@test.com" in refused.stderr
    assert "runs on python3.10" in refused.stderr

    # It fails half-way, and is as it was.
    command = "stack deploy --env old --yes --alert-email ops@waypost.internal"
    failed = waypost(f"{command} --parameter Alarms=full", code=1)  # metric math is not known here
    assert "It is as it was before." in failed.stderr
    old.send(update("OLD-4", "LOST"))
    rows["OLD-4"] = eventually(partial(old.rows, "OLD-4"))
    assert {i: old.rows(i) for i in rows} == rows

    told = ("OLD-1", "OLD-3", "OLD-4")
    assert [len(eventually(partial(old.messages, about=i))) for i in told] == [1, 1, 1]

    # It is brought over.
    done = row_of(waypost(f"{command} --parameter Alarms=basic --json"))
    assert (done["rowsBefore"], done["rowsAfter"]) == (4, 4)
    assert done["backfilled"] is not None  # what the stream still has is followed by itself
    now = Deployed(aws, "old", bus="default")
    assert {i: now.rows(i) for i in rows} == rows
    assert describe()["Table"]["CreationDateTime"] == made_at
    state = {i: eventually(partial(now.state, i)) for i in rows}
    assert [state[i]["condition"] for i in told] == ["LOST", "DAMAGED", "LOST"]
    assert row_of(waypost("stack backfill --env old --json")) == {"shipments": 4, "sent": 0}
    # More than once, if the notifier fills it first: the stream may still have that row.
    filled = eventually(partial(fill_a_gap, aws, waypost), lambda done: done["sent"] == 1)
    assert filled == {"shipments": 4, "sent": 1}
    again = eventually(partial(now.state, "OLD-3"))
    assert {**again, "version": 0} == {**state["OLD-3"], "version": 0}
    for words in ("track OLD-1", "shipments", "incidents", "export updates"):
        assert "OLD-1" in waypost(f"{words} --stack old").stdout

    # The next update of a shipment is followed on from there; of the past, nobody is told.
    now.send(update("OLD-1", "IN_TRANSIT"), update("OLD-2", "LOST"))
    eventually(partial(now.state, "OLD-1"), lambda seen: seen["updates"] == 2)
    assert len(eventually(partial(now.messages, about="OLD-2"))) == 1
    assert [now.messages(about=i) for i in told] == [[], [], []]
    now.delete()  # for its rule matches what other tests send


def fill_a_gap(aws: Ministack, waypost: Callable[..., Result]) -> dict[str, int]:
    """Take a shipment's state away, and have what is missing made."""
    key = {"shipmentId": {"S": "OLD-3"}}
    aws.client("dynamodb").delete_item(TableName="shipment-state-old", Key=key)
    filled: dict[str, int] = row_of(waypost("stack backfill --env old --json"))
    return filled


def test_tables_that_were_left_behind_are_taken_in_with_their_rows(
    aws: Ministack, waypost: Callable[..., Result]
) -> None:
    waypost("stack deploy --env left --yes --parameter Alarms=none")
    waypost("put --stack left --shipment LEFT-1 --status LOST")
    assert "shipment-logs-left" in waypost("stack destroy --env left --yes").stdout

    back = waypost("stack deploy --env left --yes --parameter Alarms=none")

    assert "taken into the stack as they are: shipment-logs-left" in back.stderr
    assert "LEFT-1" in waypost("track --stack left LEFT-1").stdout
    # The next deployment, in which the names are functions of the suffix again, leaves them alone.
    waypost("stack deploy --env left --yes --parameter StalledHours=9")
    assert "LEFT-1" in waypost("track --stack left LEFT-1").stdout
    Deployed(aws, "left", bus="default").delete()  # for its rule matches what other tests send
