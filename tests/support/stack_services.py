"""The services of a deployed stack, as told: each answer can be changed, each can be refused."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import Mock

from botocore.exceptions import ClientError

from tests.support.cloudformation import CloudFormation
from waypost.stack import bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

RESOURCES: Final[tuple[tuple[str, str], ...]] = (
    ("AWS::CloudWatch::Alarm", "shipment-updates-dlq-not-empty-qa"),
    ("AWS::CloudWatch::Dashboard", "logistics-processing-qa"),
    ("AWS::SQS::Queue", "https://sqs/1/shipment-updates-dlq-qa"),
    ("AWS::SQS::Queue", "https://sqs/1/shipment-updates-qa"),
    ("AWS::Lambda::Function", "shipment-processor-qa"),
    ("AWS::Lambda::Function", "shipment-sweep-qa"),
    ("AWS::SNS::Topic", "arn:aws:sns:eu-central-1:1:logistics-alerts-qa"),
    ("AWS::DynamoDB::Table", "shipment-state-qa"),
    ("AWS::Logs::LogGroup", "/aws/lambda/shipment-processor-qa"),
)
_OURS: Final = base64.b64encode(hashlib.sha256(bundle.zip_code()).digest()).decode()


@dataclass(kw_only=True)
class StackServices:
    """What AWS says of one stack.

    Attributes:
        stack: the state of the stack.
        alarm: the state of its alarm.
        waiting: messages in each of its queues.
        function: the state of its functions.
        source: the state of what feeds its processor.
        pending: subscribers of its topic that have not confirmed.
        code: the digest of their code; ours unless said.
        points: values of metrics, by name: (epoch s, value).
        refused: operations that are refused, with the code of the refusal.
        asked: the metrics that were asked for, a list for each call.
    """

    stack: str = "UPDATE_COMPLETE"
    alarm: str = "OK"
    waiting: int = 0
    function: str = "Active"
    source: str = "Enabled"
    pending: int = 0
    confirmed: int = 1
    runtime: str = "python3.14"
    code: str = _OURS
    parameters: dict[str, str] = field(default_factory=dict)
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    asked: list[list[dict[str, Any]]] = field(default_factory=list)
    resources: tuple[tuple[str, str], ...] = RESOURCES

    def connect(self, service: str) -> Any:
        if service == "cloudformation":
            return CloudFormation(
                self.stack,
                resources=self.resources,
                parameters={"EnvironmentSuffix": "qa", **self.parameters},
                logical_ids={"shipment-state-qa": "ShipmentStateTable"},
            )
        client = Mock()
        for operation, answer in self._answers().items():
            self._answer(client, operation, answer)
        client.get_paginator.return_value.paginate = self._metrics
        return client

    def _answer(self, client: Mock, operation: str, answer: dict[str, Any]) -> None:
        getattr(client, operation).return_value = answer
        getattr(client, operation).side_effect = self._refusal(operation)

    def _refusal(self, operation: str) -> ClientError | None:
        if operation not in self.refused:
            return None
        name = operation.title().replace("_", "")
        return ClientError({"Error": {"Code": self.refused[operation], "Message": "no"}}, name)

    def _answers(self) -> dict[str, dict[str, Any]]:
        return {
            "describe_alarms": {
                "MetricAlarms": [
                    {
                        "AlarmName": "shipment-updates-dlq-not-empty-qa",
                        "StateValue": self.alarm,
                        "AlarmDescription": "Look.",
                        "StateUpdatedTimestamp": datetime(2026, 11, 10, 8, tzinfo=UTC),
                        "Metrics": [{"Expression": "a+b"}, {"MetricStat": {}}, {"MetricStat": {}}],
                    }
                ]
            },
            "get_queue_attributes": {
                "Attributes": {
                    "ApproximateNumberOfMessages": str(self.waiting),
                    "ApproximateNumberOfMessagesNotVisible": "0",
                }
            },
            "get_function": {
                "Configuration": {
                    "State": self.function,
                    "Runtime": self.runtime,
                    "CodeSha256": self.code,
                    "Architectures": ["arm64"],
                    "MemorySize": 512,
                },
                "Code": {"Location": "http://127.0.0.1:9"},
            },
            "list_event_source_mappings": {"EventSourceMappings": [{"State": self.source}]},
            "get_topic_attributes": {
                "Attributes": {
                    "SubscriptionsPending": str(self.pending),
                    "SubscriptionsConfirmed": str(self.confirmed),
                }
            },
            "describe_table": {
                "Table": {
                    "TableSizeBytes": 3_000_000_000,
                    "GlobalSecondaryIndexes": [
                        {"IndexName": "open", "IndexSizeBytes": 1_000_000_000}
                    ],
                }
            },
            "query": {"Items": [{"openIncidents": {"S": "LOST"}}]},
        }

    def _metrics(self, **asked: Any) -> Iterator[dict[str, Any]]:
        """Two pages, so that nobody forgets the next one."""
        if error := self._refusal("get_metric_data"):
            raise error
        self.asked.append(asked["MetricDataQueries"])
        for half in (0, 1):
            yield {"MetricDataResults": [self._result(q, asked, half) for q in self.asked[-1]]}

    def _result(self, query: dict[str, Any], asked: dict[str, Any], half: int) -> dict[str, Any]:
        points = [
            (at, value)
            for at, value in self.points.get(query["MetricStat"]["Metric"]["MetricName"], ())
            if asked["StartTime"] <= at < asked["EndTime"]
        ][half::2]
        return {
            "Id": query["Id"],
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in points],
            "Values": [value for _, value in points],
        }
