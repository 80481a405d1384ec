"""Two homes of shipment updates on AWS, the first handler's and Waypost's, driven the same way.

What answers is moto, with the rules of AWS that moto does not know. What the platform does around a
function (retries, streams, queues) is done here, as AWS documents it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import boto3
import botocore.session
from botocore.exceptions import ClientError

from tests.support.aws import REGION, published
from tests.support.clocks import FakeClock
from tests.support.seed_handler import SeedHandler
from tests.support.tables import create_tables
from waypost import aws_lambda
from waypost.core.times import SECOND
from waypost.ports import ShipmentQuery
from waypost.stores.dynamodb import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

RECEIVES: Final = 5
"""So often a queue hands a message out before it is dead (the template's maxReceiveCount)."""
ATTEMPTS: Final = 3
"""So often Lambda invokes a function for an asynchronous event whose invocation fails."""
LOGS: Final = "shipment-logs-dev"
STATE: Final = "shipment-state-dev"
REJECTED: Final = "shipment-rejected-dev"
SUBJECT_LIMIT: Final = 100
MESSAGE_LIMIT: Final = 262_144


class SandboxDied(BaseException):
    """The function was killed: no handler of exceptions in it ever sees this."""


@dataclass(frozen=True)
class Mail:
    subject: str
    text: str


class Aws:
    """The services, with faults to plant in them."""

    def __init__(self) -> None:
        self.session = botocore.session.Session()
        self.session.set_credentials("test", "test")
        self.session.set_config_variable("region", REGION)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._refusals: dict[str, str] = {}
        self._deaths: set[str] = set()
        self.session.register("before-parameter-build", self._check)
        self.session.register("before-call", self._refuse)
        self.session.register("after-call", self._die)
        self.boto3 = boto3.session.Session(botocore_session=self.session)
        self.topic = self.client("sns").create_topic(Name="logistics-alerts-dev")["TopicArn"]
        self._sent = published(self.topic)
        create_tables(self.client("dynamodb"), logs=LOGS, state=STATE, rejected=REJECTED)
        for table in (LOGS, REJECTED):
            self.client("dynamodb").update_table(
                TableName=table,
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            )

    def client(self, service: str) -> Any:
        return self.boto3.client(service)

    def refuse(self, operation: str, code: str) -> None:
        """Have an operation refused until `mend`."""
        self._refusals[operation] = code

    def mend(self) -> None:
        self._refusals.clear()

    def die_after(self, operation: str) -> None:
        """Let the function die once, right after an operation has taken effect."""
        self._deaths.add(operation)

    def mails(self) -> list[Mail]:
        return [Mail(subject or "", text) for _, text, subject, *_ in self._sent]

    def _check(self, params: dict[str, Any], model: Any, **_: object) -> None:
        """Refuse what AWS documents that it refuses, and moto takes."""
        self.calls.append((model.name, params))
        if model.name == "Publish":
            subject = params["Subject"]
            if len(subject) >= SUBJECT_LIMIT or not subject.isprintable():
                raise _error(model.name, "InvalidParameter")
            if len(params["Message"].encode()) > MESSAGE_LIMIT:
                raise _error(model.name, "InvalidParameter")
        if model.name == "PutMetricData":
            values = [str(d["Value"]) for m in params["MetricData"] for d in m["Dimensions"]]
            if not all(value.isascii() and value.strip() for value in values):
                raise _error(model.name, "InvalidParameterValue")

    def _refuse(self, model: Any, **_: object) -> None:
        if model.name in self._refusals:
            raise _error(model.name, self._refusals[model.name])

    def _die(self, model: Any, **_: object) -> None:
        if model.name in self._deaths:
            self._deaths.remove(model.name)
            raise SandboxDied


def _error(operation: str, code: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {}}
    return ClientError(answer, operation)


class Home(Protocol):
    """A home of shipment updates."""

    aws: Aws
    clock: FakeClock

    def deliver(self, event: Any) -> None:
        """Hand over an event, with all retries that follow."""

    def settle(self) -> None:
        """Let the platform do what it has still to do, and the operator send again what is kept."""

    def latest(self, shipment_id: str) -> str:
        """Return what the home says where a shipment is."""

    def kept(self) -> int:
        """Return how many events wait somewhere to be processed again."""

    def errors(self) -> int:
        """Return how many events counted as errors."""


def rows(home: Home, shipment_id: str) -> list[dict[str, Any]]:
    """Return the rows of a shipment in the table of updates."""
    answer = home.aws.client("dynamodb").query(
        TableName=LOGS,
        KeyConditionExpression="shipmentId = :id",
        ExpressionAttributeValues={":id": {"S": shipment_id}},
    )
    items: list[dict[str, Any]] = answer["Items"]
    return items


def alerts(home: Home) -> list[Mail]:
    """Return the alerts that people got, those of processing errors apart."""
    return [mail for mail in home.aws.mails() if mail.subject.startswith("Logistics Alert")]


class SeedHome:
    """The first design: the bus invokes the function asynchronously, and there is nothing else."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.clock = FakeClock()
        self._handler = SeedHandler(
            table=aws.boto3.resource("dynamodb").Table(LOGS),
            sns=aws.client("sns"),
            cloudwatch=aws.client("cloudwatch"),
            topic_arn=aws.topic,
            environment="dev",
            clock=self.clock,
        )

    def deliver(self, event: Any) -> None:
        for _ in range(ATTEMPTS):
            try:
                self._handler(event)
            except (ClientError, SandboxDied):
                self.clock.time += 60 * SECOND
            else:
                return

    def settle(self) -> None:
        self.aws.mend()

    def latest(self, shipment_id: str) -> str:
        return str(rows(self, shipment_id)[-1]["status"]["S"])

    def kept(self) -> int:
        return 0

    def errors(self) -> int:
        counted = [params for name, params in self.aws.calls if name == "PutMetricData"]
        return sum(c["MetricData"][0]["MetricName"] == "ProcessingErrors" for c in counted)


class WaypostHome:
    """Ours: a queue before the processor, streams and a queue before the notifier, and a sweep."""

    def __init__(self, aws: Aws, patch: pytest.MonkeyPatch) -> None:
        self.aws = aws
        self.clock = FakeClock()
        self._sqs = aws.client("sqs")
        self._dead_refolds = self._sqs.create_queue(QueueName="shipment-refold-dlq-dev")["QueueUrl"]
        policy = {"deadLetterTargetArn": self._arn(self._dead_refolds), "maxReceiveCount": RECEIVES}
        self._refolds = self._sqs.create_queue(
            QueueName="shipment-refold-dev",
            Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(policy)},
        )["QueueUrl"]
        patch.setattr(botocore.session, "get_session", lambda: aws.session)
        for module in ("processor", "wiring"):
            patch.setattr(f"waypost.aws_lambda.{module}.SystemClock", lambda: self.clock)
        environment = {
            "DYNAMODB_TABLE": LOGS,
            "STATE_TABLE": STATE,
            "REJECTED_TABLE": REJECTED,
            "SNS_TOPIC_ARN": aws.topic,
            "ENVIRONMENT": "dev",
            "REFOLD_QUEUE_URL": self._refolds,
        }
        for name, value in environment.items():
            patch.setenv(name, value)
        self._processor = aws_lambda.lambda_handler
        self._notifier = aws_lambda.notifier_handler
        self._sweep = aws_lambda.sweep_handler
        self._store = DynamoStore(aws.client("dynamodb"), logs=LOGS, state=STATE, rejected=REJECTED)
        self._dead: list[str] = []
        self._followed = dict.fromkeys((LOGS, REJECTED), 0)

    def _arn(self, url: str) -> str:
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(answer["Attributes"]["QueueArn"])

    def deliver(self, event: Any) -> None:
        self._queue(json.dumps(event))

    def _queue(self, body: str) -> None:
        batch = {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": body}]}
        for _ in range(RECEIVES):
            if _succeeds(lambda: self._processor(batch, _Time())):
                return
        self._dead.append(body)

    def settle(self) -> None:
        self.aws.mend()
        dead, self._dead = self._dead, []
        for body in dead:
            self._queue(body)
        for table in self._followed:
            self._follow(table)
        self._read_refolds()
        self._sweep({}, _Time())

    def _follow(self, table: str) -> None:
        streams = self.aws.client("dynamodbstreams")
        [stream] = streams.list_streams(TableName=table)["Streams"]
        arn = stream["StreamArn"]
        [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = streams.get_records(ShardIterator=iterator)["Records"]
        new, self._followed[table] = records[self._followed[table] :], len(records)
        batch = json.dumps({"Records": new}, default=_as_text)
        for _ in range(ATTEMPTS):
            if not new or _succeeds(lambda: self._notifier(json.loads(batch), _Time())):
                return
        raise AssertionError("a stream is stuck")

    def _read_refolds(self) -> None:
        while messages := self._sqs.receive_message(
            QueueUrl=self._refolds, MaxNumberOfMessages=10
        ).get("Messages"):
            records = [
                {"messageId": m["MessageId"], "eventSource": "aws:sqs", "body": m["Body"]}
                for m in messages
            ]
            answer = self._notifier({"Records": records}, _Time())
            failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
            for message in messages:
                if message["MessageId"] not in failed:
                    handle = message["ReceiptHandle"]
                    self._sqs.delete_message(QueueUrl=self._refolds, ReceiptHandle=handle)

    def dead_refolds(self) -> list[dict[str, Any]]:
        """Return what the re-fold queue has given up."""
        answer = self._sqs.receive_message(
            QueueUrl=self._dead_refolds, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]

    def saved(self, shipment_id: str) -> dict[str, Any]:
        """Return the row of a shipment's state."""
        answer = self.aws.client("dynamodb").get_item(
            TableName=STATE, Key={"shipmentId": {"S": shipment_id}}
        )
        item: dict[str, Any] = answer["Item"]
        return item

    def latest(self, shipment_id: str) -> str:
        [shipment] = self._store.shipments(ShipmentQuery())
        assert shipment["shipmentId"] == shipment_id
        return str(shipment["progress"])

    def kept(self) -> int:
        return len(self._dead) + len(self._store.rejected())

    def errors(self) -> int:
        return len(self._store.rejected())


class _Time:
    def get_remaining_time_in_millis(self) -> int:
        return 120_000


def _succeeds(invoke: Callable[[], dict[str, Any]]) -> bool:
    """Invoke a function; what it raises, and what it reports as failed, comes again."""
    try:
        return not invoke().get("batchItemFailures")
    except (Exception, SandboxDied):  # noqa: BLE001 (Lambda takes whatever it is)
        return False


def _as_text(raw: object) -> str:
    """Return a value of a stream as the event has it: bytes in base64, times as text."""
    return base64.b64encode(raw).decode() if isinstance(raw, bytes) else str(raw)
