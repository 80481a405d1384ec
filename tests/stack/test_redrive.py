"""No message leaves a dead-letter queue before AWS has it elsewhere."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, Mock

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.aws import Refusing, aws_client, published
from waypost.core.entries import MAPPINGS
from waypost.stack.errors import StackFailed
from waypost.stack.redrive import QUEUES, Redriver, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGETS = ("shipment-updates", "shipment-refold")
EVENT = {
    "id": "1",
    "source": "logistics.shipments",
    "detail": {"shipmentId": "S", "status": "LOST"},
}
LOGS = "arn:aws:dynamodb:eu-central-1:123456789012:table/shipment-logs-qa/stream/2026"

client = cache(aws_client)
"""Making one takes longer than a test."""


class Queues:
    """The queues of a stack, and what else it has."""

    def __init__(self) -> None:
        self.sqs = client("sqs")
        self.others: dict[str, Any] = {"lambda": Mock(), "dynamodbstreams": MagicMock()}
        self.others["lambda"].invoke.return_value = {"StatusCode": 200}
        for name in (*QUEUES, *TARGETS):
            self.sqs.create_queue(QueueName=f"{name}-qa")

    def connect(self, service: str) -> Any:
        return self.others.get(service) or client(service)

    def url(self, name: str) -> str:
        url: str = self.sqs.get_queue_url(QueueName=f"{name}-qa")["QueueUrl"]
        return url

    def put(self, name: str, *bodies: object) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.sqs.send_message(QueueUrl=self.url(name), MessageBody=text)

    def take(self, name: str) -> list[Any]:
        taken: list[Any] = []
        while more := self.sqs.receive_message(QueueUrl=self.url(name), MaxNumberOfMessages=10).get(
            "Messages"
        ):
            taken += [json.loads(message["Body"]) for message in more]
        return taken

    def redrive(self, name: str, limit: int = 100) -> Result:
        return Redriver(self.connect, "qa").redrive(name, limit)


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queues]:
    monkeypatch.setattr("waypost.stack.redrive._WAIT", 0)
    with mock_aws():
        yield Queues()


# ------------------------------------------------------------------------------- it goes wrong


def test_what_could_not_be_sent_stays_and_is_seen_at_once(queues: Queues) -> None:
    queues.put("shipment-updates-dlq", EVENT, EVENT)
    refusing = Refusing(queues.sqs, "SendMessage")

    refusing.start(503, "ServiceUnavailable")
    try:
        with pytest.raises(ClientError):
            queues.redrive("shipment-updates-dlq")
    finally:
        refusing.stop()

    assert queues.take("shipment-updates-dlq") == [EVENT, EVENT]
    assert queues.take("shipment-updates") == []


def test_a_queue_that_is_not_there_is_said(queues: Queues) -> None:
    with pytest.raises(StackFailed, match="no queue shipment-updates-dlq-prod"):
        Redriver(queues.connect, "prod").redrive("shipment-updates-dlq")


def test_it_stops_at_the_limit(queues: Queues) -> None:
    queues.put("shipment-refold-dlq", *({"shipmentId": str(i)} for i in range(13)))

    assert queues.redrive("shipment-refold-dlq", 12).sent == 12
    assert len(queues.take("shipment-refold-dlq")) == 1


@pytest.mark.parametrize(
    ("queue", "body", "why"),
    [
        ("shipment-invoke-dlq", {"requestPayload": "hello"}, "holds no event"),
        ("shipment-invoke-dlq", {"requestPayload": {"a": 1}}, "holds no event"),
        ("shipment-invoke-dlq", "no JSON", "no JSON object"),
        ("shipment-stream-dlq", {"a": 1}, "names no batch"),
        (
            "shipment-stream-dlq",
            {"DDBStreamBatchInfo": {"streamArn": LOGS.replace("logs", "rejected")}},
            "waypost rejected --stack ",
        ),
        ("logistics-alerts-dlq", {"TopicArn": "arn:aws:sns:r:1:their-topic"}, "no topic of this"),
        ("logistics-alerts-dlq", "[]", "no JSON object"),
    ],
)
def test_what_can_go_nowhere_stays_and_says_why(
    queues: Queues, queue: str, body: object, why: str
) -> None:
    queues.put(queue, body)

    result = queues.redrive(queue)

    [(reason, count)] = result.left.items()
    assert (result.sent, count) == (0, 1)
    assert why in reason
    assert len(queues.sqs.receive_message(QueueUrl=queues.url(queue))["Messages"]) == 1


def test_a_sweep_that_fails_again_keeps_its_messages(queues: Queues) -> None:
    queues.others["lambda"].invoke.return_value = {"FunctionError": "Unhandled"}
    queues.put("shipment-sweep-dlq", {})

    assert queues.redrive("shipment-sweep-dlq").sent == 0


def batch(first: int, last: int) -> dict[str, Any]:
    info = {"streamArn": LOGS, "shardId": "shard"}
    numbers = {"startSequenceNumber": str(first), "endSequenceNumber": str(last)}
    return {"DDBStreamBatchInfo": info | numbers}


def record(number: int, shipment: str, event: str = "INSERT", **more: str) -> dict[str, Any]:
    item = {name: {"S": value} for name, value in {"shipmentId": shipment, **more}.items()}
    return {"eventName": event, "dynamodb": {"SequenceNumber": str(number), "NewImage": item}}


def test_records_that_are_gone_are_said(queues: Queues) -> None:
    gone = ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "GetShardIterator")
    queues.others["dynamodbstreams"].get_shard_iterator.side_effect = gone
    queues.put("shipment-stream-dlq", batch(1, 2))

    assert "24 hours" in next(iter(queues.redrive("shipment-stream-dlq").left))


def test_a_batch_that_is_not_found_whole_stays(queues: Queues) -> None:
    streams = queues.others["dynamodbstreams"]
    streams.get_records.return_value = {"Records": [record(1, "A")]}
    queues.put("shipment-stream-dlq", batch(1, 2))

    assert "not found" in next(iter(queues.redrive("shipment-stream-dlq").left))
    assert queues.take("shipment-refold") == []


# ------------------------------------------------------------------------------------ it works


@pytest.mark.parametrize(
    ("queue", "body", "target", "sent"),
    [
        ("shipment-updates-dlq", EVENT, "shipment-updates", EVENT),
        ("shipment-delivery-dlq", EVENT, "shipment-updates", EVENT),
        ("shipment-invoke-dlq", {"requestPayload": EVENT}, "shipment-updates", EVENT),
        ("shipment-refold-dlq", {"shipmentId": "S"}, "shipment-refold", {"shipmentId": "S"}),
    ],
)
def test_a_message_goes_to_where_it_is_worked_on(
    queues: Queues, queue: str, body: object, target: str, sent: object
) -> None:
    queues.put(queue, body)

    assert queues.redrive(queue) == Result(sent=1)
    assert queues.take(target) == [sent]
    assert queues.take(queue) == []


def test_the_shipments_of_a_batch_are_folded_again(queues: Queues) -> None:
    streams = queues.others["dynamodbstreams"]
    streams.get_records.side_effect = [
        {"Records": [record(1, "A"), record(2, "A")], "NextShardIterator": "next"},
        {
            "Records": [
                record(3, "B", "MODIFY"),
                record(4, MAPPINGS, carrier="FedEx", code="XX"),
                record(5, "later"),
            ]
        },
    ]
    queues.put("shipment-stream-dlq", batch(1, 4))

    assert queues.redrive("shipment-stream-dlq") == Result(sent=1)
    messages = queues.take("shipment-refold")
    assert {"shipmentId": "A"} in messages
    assert len(messages) == 2
    assert [one["after"] for one in messages if "codes" in one] == [None]


def test_one_sweep_does_for_all_messages(queues: Queues) -> None:
    queues.put("shipment-sweep-dlq", {}, {}, {})

    assert queues.redrive("shipment-sweep-dlq") == Result(sent=3)
    queues.others["lambda"].invoke.assert_called_once()


def test_a_notification_is_published_again(queues: Queues) -> None:
    arn = client("sns").create_topic(Name="logistics-alerts-qa")["TopicArn"]
    sent = published(arn)
    attributes = {"kind": {"Type": "String", "Value": "incident"}}
    body = {"TopicArn": arn, "Subject": "s", "Message": "m", "MessageAttributes": attributes}
    queues.put("logistics-alerts-dlq", body, {"TopicArn": arn, "Message": "alone"})

    assert queues.redrive("logistics-alerts-dlq") == Result(sent=2)
    assert [(text, subject) for _, text, subject, *_ in sent] == [("m", "s"), ("alone", None)]


def test_every_dead_letter_queue_of_the_template_has_a_way(template: dict[str, Any]) -> None:
    names = {
        resource["Properties"]["QueueName"]["Fn::Sub"].removesuffix("-${EnvironmentSuffix}")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SQS::Queue"
    }

    assert {name for name in names if name.endswith("-dlq")} == set(QUEUES)
