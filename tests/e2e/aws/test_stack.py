"""The stack on a local AWS: the bytes that ship, real clients, every caller's rights checked.

All tests share one stack, so each has shipments of its own, and none counts what others add to.
"""

from __future__ import annotations

import json
import random
import shlex
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.deployed import Answer, Details, eventually

if TYPE_CHECKING:
    from tests.support.deployed import Deployed
    from tests.support.operators import StackOperator

pytestmark = pytest.mark.timeout(400)

NOW: Final = datetime.now(UTC).replace(microsecond=0)
DEAD_LETTERS: Final = (
    "shipment-updates-dlq",
    "shipment-delivery-dlq",
    "shipment-invoke-dlq",
    "shipment-stream-dlq",
    "shipment-refold-dlq",
    "shipment-sweep-dlq",
    "logistics-alerts-dlq",
)
# What the first template printed as its EventBridgeTestCommand.
LINE: Final = (
    "aws events put-events --entries '"
    '[{"Source":"logistics.shipments","DetailType":"Shipment Update",'
    r'"Detail":"{\"shipmentId\":\"SHIP-12345\",\"status\":\"IN_TRANSIT\",'
    r"""\"location\":\"Memphis, TN\",\"carrier\":\"FedEx\"}"}]'"""
)


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat().replace("+00:00", "Z")


def update(shipment_id: str, status: str = "IN_TRANSIT", **members: Any) -> Details:
    return {"shipmentId": shipment_id, "status": status, **members}


def fence(stack: Deployed, shipment_id: str) -> None:
    """Wait until all that was sent before has gone its way: this comes after it."""
    stack.send(update(shipment_id, "LOST"))
    assert eventually(lambda: stack.messages(about=shipment_id))


# --- One event


def test_the_first_template_s_own_command_is_recorded_and_followed(
    stack: Deployed, operator: StackOperator
) -> None:
    before = stack.total("shipment-processor", "ShipmentUpdatesProcessed", Status="IN_TRANSIT")
    assert stack.outputs["EventBridgeTestCommand"].strip() == LINE
    began = datetime.now(UTC).replace(microsecond=0)  # the bus has no finer time
    answer = json.loads(stack.aws.cli(*shlex.split(LINE)[1:]))
    [row] = eventually(lambda: stack.rows("SHIP-12345"))
    # The attributes that the first processor wrote, of the types that it wrote.
    assert (row["status"], row["location"], row["carrier"]) == (
        "IN_TRANSIT",
        "Memphis, TN",
        "FedEx",
    )
    assert json.loads(row["rawEvent"]) == json.loads(json.loads(shlex.split(LINE)[-1])[0]["Detail"])
    event_time = datetime.fromisoformat(row["eventTime"])
    assert row["timestamp"] == int(event_time.timestamp() * 1000)
    assert began <= event_time <= datetime.now(UTC)
    assert row["eventId"] == answer["Entries"][0]["EventId"]

    state = eventually(lambda: stack.state("SHIP-12345"))
    assert (state["progress"], state["updates"], state["version"]) == ("IN_TRANSIT", 1, 1)
    assert eventually(
        lambda: (
            stack.total("shipment-processor", "ShipmentUpdatesProcessed", Status="IN_TRANSIT")
            - before
        )
    )
    assert stack.messages(about="SHIP-12345") == []
    assert "Memphis, TN" in operator.program("track", "SHIP-12345")


def test_a_lost_shipment_is_one_message(stack: Deployed) -> None:
    stack.send(update("LOST-1", "LOST", location="Memphis, TN"))
    [message] = eventually(lambda: stack.messages(about="LOST-1"))
    assert message["Subject"] == "Logistics Alert: LOST - LOST-1"
    assert "Memphis, TN" in message["Message"]
    attributes = {name: one["Value"] for name, one in message["MessageAttributes"].items()}
    assert (attributes["kind"], json.loads(attributes["conditions"])) == ("incident", ["LOST"])
    fence(stack, "LOST-2")
    assert len(stack.messages(about="LOST-1")) == 1
    [noted] = json.loads(stack.state("LOST-1")["alerts"])
    assert (noted["key"], noted["messageId"]) == (
        "LOST/LOST-1/logistics.shipments/" + noted["eventId"],
        attributes["messageId"],
    )


def test_an_event_of_nearly_a_megabyte_is_recorded(stack: Deployed) -> None:
    noise = random.Random(1).randbytes(450_000).hex()
    stack.send(update("LARGE-1", note=noise))
    [row] = eventually(lambda: stack.rows("LARGE-1"))
    assert row["rawBytes"] > len(noise)
    assert eventually(lambda: stack.state("LARGE-1"))["updates"] == 1


def test_a_function_that_gets_an_event_directly_records_it(stack: Deployed) -> None:
    assert stack.invoke("shipment-processor", event("DIRECT-1")).error == ""
    assert len(stack.rows("DIRECT-1")) == 1


# --- The same again, late, and at the same moment


def test_a_repeated_event_is_neither_recorded_nor_told_again(stack: Deployed) -> None:
    lost = update("TWICE-1", "LOST", eventId="e1", occurredAt=ago(hours=1))
    before = stack.total("shipment-processor", "DuplicatesIgnored")
    stack.send(lost)
    assert eventually(lambda: stack.messages(about="TWICE-1"))
    stack.send(lost, lost)
    assert eventually(
        lambda: stack.total("shipment-processor", "DuplicatesIgnored") - before,
        lambda count: count == 2,
    )
    fence(stack, "TWICE-2")
    assert len(stack.rows("TWICE-1")) == len(stack.messages(about="TWICE-1")) == 1
    [noted] = json.loads(stack.state("TWICE-1")["alerts"])
    assert (noted["eventId"], noted["notifier"]) == ("e1", "sns")


def test_a_late_event_is_recorded_and_does_not_become_the_latest(stack: Deployed) -> None:
    stack.send(update("LATE-1", "DELIVERED", occurredAt=ago(hours=1)))
    assert eventually(lambda: stack.state("LATE-1"))
    stack.send(update("LATE-1", occurredAt=ago(hours=5)))
    state = eventually(lambda: stack.state("LATE-1"), lambda state: state["updates"] == 2)
    assert state["progress"] == "DELIVERED"
    assert [row["status"] for row in stack.rows("LATE-1")] == ["IN_TRANSIT", "DELIVERED"]


def test_events_of_one_millisecond_are_all_recorded(stack: Deployed) -> None:
    moment = ago(hours=2)
    statuses = ["IN_TRANSIT", "OUT_FOR_DELIVERY", "DAMAGED", "DELIVERED"]
    stack.send(*(update("TIE-1", status, occurredAt=moment) for status in statuses))
    rows = eventually(lambda: stack.rows("TIE-1"), lambda rows: len(rows) == len(statuses))
    assert sorted(row["status"] for row in rows) == sorted(statuses)
    assert {row["eventTime"] for row in rows} == {moment.replace("Z", ".000Z")}
    assert eventually(lambda: stack.state("TIE-1"), lambda state: state.get("updates") == 4)


# --- What no one can record


def test_what_cannot_be_recorded_is_quarantined_once_and_told(stack: Deployed) -> None:
    secret = "4711 Elm Street"
    bad: list[Details] = [
        {},
        {"shipmentId": secret},
        {"shipmentId": 12345, "status": "LOST"},
        {"shipmentId": f"{secret}\nSubject: hello", "status": "LOST"},
        {"shipmentId": "x" * 5_000, "status": "LOST"},
        {"shipmentId": "BAD-1", "status": {"$ne": None}},
        {"shipmentId": "BAD-1", "status": "LOST", "occurredAt": "yesterday"},
        {"shipmentId": "BAD-1", "status": "LOST", "occurredAt": "9999-12-31T23:59:59Z"},
        {"shipmentId": "BAD-1", "status": "LOST", "location": {"latitude": 1e300}},
        {"shipmentId": "BAD-1", "status": "LOST", "description": "\ud800"},
    ]
    ids = {*stack.send(*bad), *garbage(stack, "no JSON", "[]", '{"detail": 1}', "[" * 100_000)}
    rejected = eventually(stack.rejected, lambda rows: ids <= rows.keys())
    assert ids <= rejected.keys()
    assert {rejected[one]["fate"] for one in ids} == {"open"}

    fence(stack, "BAD-2")
    left = eventually(lambda: stack.depth("shipment-updates"), lambda depth: not depth)
    assert left == 0, "something is tried again and again"
    assert [name for name in DEAD_LETTERS if stack.depth(name)] == []
    assert stack.rows("BAD-1") == []
    told = [m for m in stack.messages("") if m["MessageAttributes"]["kind"]["Value"] == "rejected"]
    assert told
    assert secret not in json.dumps(told)
    for function in ("shipment-processor", "shipment-notifier"):
        assert secret not in "".join(stack.lines(function))


def garbage(stack: Deployed, *bodies: str) -> list[str]:
    """Put what is no event into the processor's queue; return the ids that it gets."""
    url = stack.queue("shipment-updates")
    return [stack.sqs.send_message(QueueUrl=url, MessageBody=b)["MessageId"] for b in bodies]


# --- Many


def test_of_a_burst_none_is_lost(stack: Deployed) -> None:
    ids = [f"BURST-{number}" for number in range(100)]
    steps = [(5, "PICKED_UP"), (4, "IN_TRANSIT"), (3, "OUT_FOR_DELIVERY"), (2, "EXCEPTION")]
    details = [update(i, status, occurredAt=ago(hours=h)) for i in ids for h, status in steps]
    details += [update(i, "LOST" if i in ids[:5] else "DELIVERED", occurredAt=ago()) for i in ids]
    random.Random(2).shuffle(details)
    stack.send(*details)
    unfinished = set(ids)

    def is_finished() -> bool:
        done = {i for i in unfinished if stack.state(i).get("updates") == len(steps) + 1}
        unfinished.difference_update(done)
        return not unfinished

    assert eventually(is_finished), sorted(unfinished)
    assert sum(len(stack.rows(i)) for i in ids) == 500
    assert {stack.state(i)["progress"] for i in ids[5:]} == {"DELIVERED"}
    told = eventually(lambda: stack.messages(about="LOST"))
    for shipment_id in ids[:5]:
        assert any(shipment_id in message["Message"] for message in told)
    assert [name for name in DEAD_LETTERS if stack.depth(name)] == []


# --- Rights


def event(shipment_id: str | None, status: str = "IN_TRANSIT") -> dict[str, Any]:
    """Return an event as EventBridge hands it to a function."""
    return {
        "id": f"id of {shipment_id}",
        "source": "logistics.shipments",
        "detail-type": "Shipment Update",
        "time": ago(),
        "detail": {"shipmentId": shipment_id, "status": status},
    }


def queued(**body: Any) -> dict[str, Any]:
    """Return a batch of the re-fold queue."""
    message = {"eventSource": "aws:sqs", "messageId": "one", "body": json.dumps(body)}
    return {"Records": [message]}


GRANTS: Final[list[tuple[str, str, str, dict[str, Any]]]] = [
    ("processor", "PutItem", "/shipment-logs-dev", event("GRANT-1")),
    ("processor", "PutItem", "/shipment-rejected-dev", event(None)),
    ("notifier", "Query", "/shipment-logs-dev", queued(shipmentId="GRANT-2")),
    ("notifier", "Query", "/index/codes", queued(codes=[[None, "X9"]], after=None)),
    ("notifier", "BatchGetItem", "/shipment-state-dev", queued(shipmentId="GRANT-2")),
    ("notifier", "UpdateItem", "/shipment-state-dev", queued(shipmentId="GRANT-2")),
    ("sweep", "Query", "/index/due", {}),
    ("sweep", "Query", "/index/open", {}),
    ("sweep", "Query", "/index/undecided", {}),
]


@pytest.mark.parametrize(
    ("function", "action", "on", "asked"), GRANTS, ids=[" ".join(g[:3]) for g in GRANTS]
)
def test_a_function_needs_each_of_its_grants(
    stack: Deployed, function: str, action: str, on: str, asked: dict[str, Any]
) -> None:
    assert stack.invoke("shipment-processor", event("GRANT-2")).error == ""
    with stack.without(f"shipment-{function}", f"dynamodb:{action}", on):
        assert is_trouble(stack.invoke(f"shipment-{function}", asked))
    assert not is_trouble(stack.invoke(f"shipment-{function}", asked))


def is_trouble(answer: Answer) -> bool:
    return bool(answer.error or answer.payload.get("batchItemFailures"))


def test_an_alert_that_may_not_be_published_waits_for_a_sweep_that_may(stack: Deployed) -> None:
    publish = ("sns:Publish", ":logistics-alerts-dev")
    with stack.without("shipment-notifier", *publish):
        stack.send(update("UNTOLD-1", "LOST"))
        assert "undecidedShard" in eventually(lambda: stack.state("UNTOLD-1"))
    with stack.without("shipment-sweep", *publish):
        assert "AuthorizationError" in stack.invoke("shipment-sweep", {}).error
    assert stack.messages(about="UNTOLD-1") == []
    assert stack.invoke("shipment-sweep", {}).error == ""
    assert len(eventually(lambda: stack.messages(about="UNTOLD-1"))) == 1


def test_a_shipment_that_could_not_be_saved_is_folded_again_by_the_queue(stack: Deployed) -> None:
    with stack.visible_again_after("shipment-refold", 2):
        with stack.without("shipment-notifier", "dynamodb:UpdateItem", "/shipment-state-dev"):
            stack.send(update("REFOLD-1"))
            assert eventually(lambda: stack.depth("shipment-refold"))
        assert eventually(lambda: stack.state("REFOLD-1"))["updates"] == 1
        assert eventually(lambda: stack.depth("shipment-refold"), lambda depth: not depth) == 0
    assert stack.depth("shipment-refold-dlq") == 0


def test_what_failed_five_times_is_a_dead_letter_and_can_be_sent_again(stack: Deployed) -> None:
    ours, letters = stack.queue("shipment-updates"), stack.queue("shipment-updates-dlq")
    with (
        stack.visible_again_after("shipment-updates", 0),
        stack.without("shipment-processor", "dynamodb:PutItem", "/shipment-logs-dev"),
    ):
        stack.send(update("LETTER-1", "LOST"))
        assert eventually(lambda: stack.depth("shipment-updates-dlq")) == 1
        # Within, for a try that is still under way may succeed as soon as it may write again.
        assert stack.rows("LETTER-1") == []

    [letter] = stack.sqs.receive_message(QueueUrl=letters, WaitTimeSeconds=5)["Messages"]
    stack.sqs.send_message(QueueUrl=ours, MessageBody=letter["Body"])
    stack.sqs.delete_message(QueueUrl=letters, ReceiptHandle=letter["ReceiptHandle"])
    assert len(eventually(lambda: stack.rows("LETTER-1"))) == 1
    assert len(eventually(lambda: stack.messages(about="LETTER-1"))) == 1
    assert stack.depth("shipment-updates-dlq") == 0


# --- Silence


def test_a_shipment_that_falls_silent_is_told_of_by_the_sweep(stack: Deployed) -> None:
    shipment_id, silent_at = folded_before_it_falls_silent(stack)
    assert stack.state(shipment_id)["condition"] is None
    time.sleep(max(0.0, (silent_at - datetime.now(UTC)).total_seconds() + 0.1))
    assert stack.messages(about=shipment_id) == []
    assert stack.invoke("shipment-sweep", {}).error == ""
    [message] = eventually(lambda: stack.messages(about=shipment_id))
    assert message["Subject"] == f"Logistics Alert: STALLED - {shipment_id}"


def folded_before_it_falls_silent(stack: Deployed) -> tuple[str, datetime]:
    """Send a shipment that falls silent soon, and later if it was folded only after that."""
    for seconds in (5, 20, 80):
        silent_at = datetime.now(UTC) + timedelta(seconds=seconds)
        shipment_id = f"SILENT-{seconds}"
        last = (silent_at - timedelta(hours=120)).isoformat()
        stack.send(update(shipment_id, occurredAt=last))
        assert eventually(partial(stack.state, shipment_id))
        if datetime.now(UTC) < silent_at:
            return shipment_id, silent_at
    pytest.fail("the stack takes longer than 80 s to follow one update")


def test_what_an_archive_replays_is_a_duplicate_or_alerts_nobody(stack: Deployed) -> None:
    """The archive is made by hand: CloudFormation knows none here."""
    events = stack.aws.client("events")
    bus = events.describe_event_bus()["Arn"]
    pattern = json.dumps({"detail": {"shipmentId": ["ARCHIVED-1"]}})
    archive = events.create_archive(
        ArchiveName="shipment-events-dev", EventSourceArn=bus, EventPattern=pattern
    )["ArchiveArn"]

    def duplicates() -> float:
        return stack.total("shipment-processor", "DuplicatesIgnored")

    stack.send(update("ARCHIVED-1", "LOST"))
    assert eventually(lambda: stack.messages(about="ARCHIVED-1"))
    before = duplicates()

    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive,
        EventStartTime=datetime.now(UTC) - timedelta(hours=1),
        EventEndTime=datetime.now(UTC) + timedelta(minutes=1),
        Destination={"Arn": bus},
    )

    assert eventually(lambda: duplicates() - before) == 1
    assert len(stack.rows("ARCHIVED-1")) == 1
    # One that this log has not: as a replay into a fresh stack brings it.
    again = {**event("ARCHIVED-2", "LOST"), "replay-name": "again"}
    url = stack.queue("shipment-updates")
    stack.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(again))
    assert eventually(lambda: stack.state("ARCHIVED-2"))["condition"] == "LOST"
    fence(stack, "ARCHIVED-3")
    assert stack.messages(about="ARCHIVED-2") == []
    assert len(stack.messages(about="ARCHIVED-1")) == 1
