"""A stack operated by a user who has the rights of the docs, and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.deployed import eventually

if TYPE_CHECKING:
    from tests.support.deployed import Deployed
    from tests.support.operators import StackOperator

pytestmark = pytest.mark.timeout(400)

LATE = {"occurredAt": "2026-03-02T12:00:00Z"}


def test_an_incident_is_seen_acknowledged_and_closed(
    stack: Deployed, operator: StackOperator
) -> None:
    stack.send({"shipmentId": "OP-1", "status": "LOST", "eventId": "scan-1"})
    assert eventually(lambda: operator.rows("incidents", "--json", "--shipment", "OP-1"))
    assert "LOST" in operator("track", "OP-1")

    assert operator("incidents", "ack", "OP-1", "LOST") == "done\n"
    [seen] = eventually(
        lambda: operator.rows("incidents", "--json", "--shipment", "OP-1"),
        lambda rows: rows[0]["acknowledged"],
    )
    assert (seen["state"], seen["acknowledged"]) == ("open", True)
    assert operator("retract", "OP-1", "scan-1") == "retracted\n"
    assert eventually(lambda: not operator.rows("incidents", "--json", "--shipment", "OP-1"))
    assert len(stack.messages(about="OP-1")) == 1
    [told] = [row for row in operator.rows("alerts", "--json") if row["shipmentId"] == "OP-1"]
    assert operator.rows("alerts", "--json", "--shipment", "OP-1") == [told]


def test_what_is_imported_is_followed_and_exported(
    stack: Deployed, operator: StackOperator
) -> None:
    lines = [{"shipmentId": f"IMPORT-{n}", "status": "LOST", **LATE} for n in range(3)]
    text = "\n".join(map(json.dumps, [*lines, {"shipmentId": "IMPORT-9", "status": "LOST"}]))

    said = operator("import", "--quiet", "-", stdin=text, code=1)

    assert f"waypost rejected list --stack {stack.suffix}" in said
    assert eventually(lambda: stack.state("IMPORT-2")).get("condition") == "LOST"
    ours = [r for r in operator.rows("export", "updates") if r["shipmentId"].startswith("IMPORT-")]
    assert [row["shipmentId"] for row in ours] == ["IMPORT-0", "IMPORT-1", "IMPORT-2"]
    assert operator.rows("shipments", "--json", "--after", "IMPORT-", "--limit", "1")
    assert stack.messages(about="IMPORT-") == []
    [rejected] = [row for row in operator.rows("rejected", "--json") if "IMPORT-9" in row["raw"]]
    assert "occurredAt" in operator("rejected", "replay", rejected["rejectionId"], code=1)
    assert operator("rejected", "drop", rejected["rejectionId"]) == "dropped\n"


def test_what_the_processor_rejected_is_replayed(stack: Deployed, operator: StackOperator) -> None:
    # A detail without its envelope is no event; but it can be recorded, for it says its own time.
    detail = {"shipmentId": "REPLAY-1", "status": "DELIVERED", **LATE}
    url = stack.queue("shipment-updates")
    stack.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(detail))
    [rejected] = eventually(
        lambda: [row for row in operator.rows("rejected", "--json") if "REPLAY-1" in row["raw"]]
    )
    assert "missing" in operator("rejected", "show", rejected["rejectionId"])

    assert operator("rejected", "replay", rejected["rejectionId"][:8]) == "recorded\n"

    assert eventually(lambda: stack.state("REPLAY-1"))["progress"] == "DELIVERED"


def test_all_is_folded_again(stack: Deployed, operator: StackOperator) -> None:
    stack.send({"shipmentId": "AGAIN-1", "status": "LOST"})
    before = eventually(lambda: stack.state("AGAIN-1"))["version"]

    assert "sent to the re-fold queue" in operator("rederive")

    assert eventually(lambda: stack.state("AGAIN-1")["version"] > before)
    assert eventually(lambda: stack.depth("shipment-refold"), lambda depth: not depth) == 0
    assert len(stack.messages(about="AGAIN-1")) == 1


@pytest.mark.parametrize(
    ("missing", "command", "said"),
    [
        ("FindTheStack", "track OP-1", "cloudformation:DescribeStacks"),
        ("ReadTheLog", "track OP-1", "dynamodb:Query"),
        ("ReadTheLists", "shipments", "dynamodb:Query"),
        ("ScanTables", "export updates", "dynamodb:Scan"),
        ("Record", "put --shipment OP-2 --status LOST", "dynamodb:PutItem"),
        ("HaveFolded", "rederive", "sqs:SendMessage"),
    ],
)
def test_a_right_that_is_missing_is_said(
    operator: StackOperator, missing: str, command: str, said: str
) -> None:
    operator("put", "--shipment", "OP-3", "--status", "DELIVERED")  # there is something to fold
    operator.grant(without=missing)
    try:
        assert said in operator(*command.split(), code=3)
    finally:
        operator.grant()


def test_whether_it_is_well_is_said_with_the_rights_of_the_docs(
    stack: Deployed, operator: StackOperator
) -> None:
    seen = operator.health()
    assert seen["refused"] == {}
    assert {function["name"] for function in seen["functions"] if not function["differences"]} == {
        f"shipment-{name}-{stack.suffix}" for name in ("processor", "notifier", "sweep")
    }
    assert len(seen["queues"]) == 9
    assert len(seen["alarms"]) == 18
    assert "AWS/Events TriggeredRules" in seen["price"]["unknown"]["what comes in"]

    operator.grant(without="SeeNumbersAndAlarms")
    try:
        assert operator("doctor", code=3).endswith("the rest was refused.\n")
    finally:
        operator.grant()
