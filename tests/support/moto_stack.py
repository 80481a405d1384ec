"""A stack as far as an operator needs it, on moto; its functions run when they are told to."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tests.support.aws import aws_client
from tests.support.cloudformation import CloudFormation
from tests.support.tables import create_tables
from waypost.aws_lambda.following import Following
from waypost.aws_lambda.notifier import Notifier
from waypost.aws_lambda.refolds import RefoldQueue
from waypost.core.shipments import Thresholds
from waypost.metrics.memory import MemoryMetrics
from waypost.notifiers.memory import MemoryNotifier
from waypost.stores.dynamodb import DynamoStore

if TYPE_CHECKING:
    from waypost.ports import Clock

NAMES: Final[dict[str, Any]] = {
    name: f"shipment-{name}-qa" for name in ("logs", "state", "rejected")
}

client = cache(aws_client)
"""Making one takes longer than a test."""


def deployed() -> CloudFormation:
    """Make the tables and the queue; return the CloudFormation that knows them."""
    create_tables(client("dynamodb"), **NAMES)
    url = client("sqs").create_queue(QueueName="shipment-refold-qa")["QueueUrl"]
    logical_ids = {f"shipment-{n}-qa": f"Shipment{n.capitalize()}Table" for n in NAMES}
    return CloudFormation(
        status="CREATE_COMPLETE",
        parameters={"EnvironmentSuffix": "qa", "AlertWindowSeconds": "60"},
        resources=[
            *(("AWS::DynamoDB::Table", name) for name in logical_ids),
            ("AWS::SQS::Queue", url),
        ],
        logical_ids={**logical_ids, url: "RefoldQueue"},
    )


class Functions:
    """What the functions do, when they are told to.

    Attributes:
        channel: where they tell people.
    """

    def __init__(self, clock: Clock) -> None:
        self.channel = MemoryNotifier()
        self._sqs = client("sqs")
        self._queue = self._sqs.get_queue_url(QueueName="shipment-refold-qa")["QueueUrl"]
        self.store = DynamoStore(client("dynamodb"), **NAMES)
        following = Following(
            self.store,
            self.channel,
            clock=clock,
            metrics=MemoryMetrics(),
            thresholds=Thresholds(),
            environment="qa",
            workers=1,
        )
        self._following = following
        self._notifier = Notifier(
            self.store, following, RefoldQueue(lambda: self._sqs, self._queue)
        )

    def follow_all(self) -> None:
        """Fold every shipment of the log, as if all of them were new in the stream."""
        assert not self._following.follow(self.store.shipment_ids()).failed

    def read_refolds(self) -> list[str]:
        """Fold what the re-fold queue holds; return the shipments that it named."""
        named: list[str] = []
        while found := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            records = [
                {"eventSource": "aws:sqs", "messageId": m["MessageId"], "body": m["Body"]}
                for m in found
            ]
            answer = self._notifier.handle({"Records": records}, _Time())
            assert not answer["batchItemFailures"]
            named += [json.loads(message["Body"])["shipmentId"] for message in found]
            for message in found:
                self._sqs.delete_message(
                    QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"]
                )
        return named


class _Time:
    def get_remaining_time_in_millis(self) -> int:
        return 120_000
