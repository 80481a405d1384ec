"""Sends on what a dead-letter queue holds: each message is deleted after AWS took it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from waypost.core.entries import MAPPINGS
from waypost.core.shipments import code_key
from waypost.stack.connection import error_code
from waypost.stack.errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT: Final = 10_000
"""So many messages are looked at in one run; another run goes on."""
HIDDEN: Final = 900
"""Seconds that a message is kept from other readers, and from a second look in the same run."""
_BATCH: Final = 10
_WAIT: Final = 2
_PAGES: Final = 100
"""Pages of a stream that are read for one message: a batch of ours fits into a few."""


class _Unsendable(Exception):
    """There is nowhere to send a message to; its text says why, and what to do."""


@dataclass(slots=True)
class Result:
    """What became of the messages.

    Attributes:
        sent: taken by AWS and deleted here.
        left: how many stay, by the reason why.
    """

    sent: int = 0
    left: dict[str, int] = field(default_factory=dict)


class Redriver:
    """Empties the dead-letter queues of one stack."""

    def __init__(self, connect: Callable[[str], Any], env: str) -> None:
        """Work on a stack.

        Args:
            connect: gives a client of a service; its errors are raised as they are.
            env: the stack's EnvironmentSuffix.
        """
        self._connect = connect
        self._env = env
        self._sqs = connect("sqs")
        self._urls: dict[str, str] = {}
        self._swept = False

    def redrive(self, queue: str, limit: int = LIMIT) -> Result:
        """Send on what a queue holds, until it is empty or ``limit`` messages were looked at.

        A crash between sending and deleting sends a message twice: recording knows the repeat, an
        alert may come again.

        Args:
            queue: one of `QUEUES`.
            limit: of messages.

        Raises:
            StackFailed: the stack has no such queue.
        """
        url, send = self._url(queue), _SENDERS[queue]
        result, seen = Result(), 0
        held: list[str] = []
        try:
            while seen < limit and (batch := self._receive(url, min(_BATCH, limit - seen))):
                seen += len(batch)
                held += [message["ReceiptHandle"] for message in batch]
                for message in batch:
                    if self._redrive(url, message, send, result):
                        held.remove(message["ReceiptHandle"])
        finally:
            for handle in held:  # the alarm and other readers shall see at once what stays
                self._sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0
                )
        return result

    def _receive(self, url: str, count: int) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=count,
            WaitTimeSeconds=_WAIT,
            VisibilityTimeout=HIDDEN,
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _redrive(
        self,
        url: str,
        message: dict[str, Any],
        send: Callable[[Redriver, str], None],
        result: Result,
    ) -> bool:
        try:
            send(self, message["Body"])
        except _Unsendable as why:
            result.left[str(why)] = result.left.get(str(why), 0) + 1
            return False
        self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        result.sent += 1
        return True

    def _url(self, name: str) -> str:
        if name not in self._urls:
            self._urls[name] = self._find(f"{name}-{self._env}")
        return self._urls[name]

    def _find(self, queue: str) -> str:
        try:
            url: str = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        except self._sqs.exceptions.QueueDoesNotExist as error:
            raise StackFailed(f"there is no queue {queue}") from error
        return url

    def _send(self, queue: str, body: str) -> None:
        self._sqs.send_message(QueueUrl=self._url(queue), MessageBody=body)

    # ------------------------------------------------------------------- one way for each queue

    def to_updates(self, body: str) -> None:
        """Have an event recorded: it is the body."""
        self._send("shipment-updates", body)

    def invoked_to_updates(self, body: str) -> None:
        """Have an event recorded that a call of the processor failed on."""
        payload = _object(body).get("requestPayload")
        if not isinstance(payload, dict) or "detail" not in payload:
            raise _Unsendable("it holds no event: somebody called the processor with another thing")
        self._send("shipment-updates", json.dumps(payload))

    def to_refolds(self, body: str) -> None:
        """Have a shipment folded again."""
        self._send("shipment-refold", body)

    def stream_to_refolds(self, body: str) -> None:
        """Have the shipments folded again that a batch of a stream was about."""
        batch = _object(body).get("DDBStreamBatchInfo")
        if not isinstance(batch, dict):
            raise _Unsendable("it names no batch of a stream")
        if f"/shipment-logs-{self._env}/" not in batch["streamArn"]:
            raise _Unsendable(
                "it was to alert of rejected events: they are safe, see `waypost rejected "
                f"--stack {self._env}`; delete it when you have looked"
            )
        for message in sorted({json.dumps(_refold(keys)) for keys in self._keys(batch)}):
            self._send("shipment-refold", message)

    def again(self, _: str) -> None:
        """Sweep again, once for all messages: each sweep does all that is due."""
        if self._swept:
            return
        answer = self._connect("lambda").invoke(
            FunctionName=f"shipment-sweep-{self._env}", Payload=b"{}"
        )
        if "FunctionError" in answer:
            raise _Unsendable("the sweep failed again: see `waypost stack logs`")
        self._swept = True

    def publish(self, body: str) -> None:
        """Publish a notification again, to all who subscribed."""
        said = _object(body)
        topic = str(said.get("TopicArn", ""))
        if topic.rpartition(":")[2] not in {
            f"logistics-alerts-{self._env}",
            f"logistics-ops-{self._env}",
        }:
            raise _Unsendable("it is of no topic of this stack")
        attributes = {
            name: {"DataType": one["Type"], "StringValue": one["Value"]}
            for name, one in said.get("MessageAttributes", {}).items()
        }
        subject = {"Subject": said["Subject"]} if said.get("Subject") else {}
        self._connect("sns").publish(
            TopicArn=topic, Message=said["Message"], MessageAttributes=attributes, **subject
        )

    def _keys(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Return the new items of a batch, read once more from the stream."""
        last = int(batch["endSequenceNumber"])
        try:
            for record in self._records(batch):
                number = int(record["dynamodb"]["SequenceNumber"])
                if number <= last and record["eventName"] == "INSERT":
                    yield record["dynamodb"]["NewImage"]
                if number >= last:
                    return
        except ClientError as error:
            if error_code(error) not in {"TrimmedDataAccessException", "ResourceNotFoundException"}:
                raise
            raise _Unsendable(
                "its records are gone, a stream keeps them for 24 hours: what they said is in the "
                f"log; {self._fold_all}, and delete it"
            ) from error
        raise _Unsendable(
            f"its records are not found; what they said is in the log: {self._fold_all}, and "
            "delete it"
        )

    @property
    def _fold_all(self) -> str:
        return f"have all of it folded with `waypost rederive --stack {self._env}`"

    def _records(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        client = self._connect("dynamodbstreams")
        iterator = client.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        for _ in range(_PAGES):
            page = client.get_records(ShardIterator=iterator)
            yield from page["Records"]
            iterator = page.get("NextShardIterator")
            if iterator is None:
                return


def _refold(item: dict[str, Any]) -> dict[str, Any]:
    """Return the message that has the shipments folded again that an entry of the log touches."""
    if item["shipmentId"]["S"] != MAPPINGS:
        return {"shipmentId": item["shipmentId"]["S"]}
    carrier = item["carrier"]["S"] if "carrier" in item else None
    return {"codes": [code_key(carrier, item["code"]["S"])], "after": None}


def _object(body: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _Unsendable("it is no JSON object")
    return value


_SENDERS: Final[dict[str, Callable[[Redriver, str], None]]] = {
    "shipment-updates-dlq": Redriver.to_updates,
    "shipment-delivery-dlq": Redriver.to_updates,
    "shipment-invoke-dlq": Redriver.invoked_to_updates,
    "shipment-stream-dlq": Redriver.stream_to_refolds,
    "shipment-refold-dlq": Redriver.to_refolds,
    "shipment-sweep-dlq": Redriver.again,
    "logistics-alerts-dlq": Redriver.publish,
}
QUEUES: Final = tuple(_SENDERS)
"""The dead-letter queues of a stack; each name goes on with the stack's suffix."""
