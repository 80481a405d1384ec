"""The handler that Waypost began from, behaviour for behaviour, so that tests can fail on it.

One function: put a row under the time of processing, put a metric, publish an alert, in that order
and each call on its own; whatever goes wrong is mailed with the event in it, counted, and answered
with 500, which nobody reads where the bus is the caller.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from waypost.ports import Clock

CRITICAL: Final = ("DELAYED", "LOST", "DAMAGED", "EXCEPTION")
NAMESPACE: Final = "LogisticsProcessing"


@dataclass(frozen=True)
class SeedHandler:
    """The function with its clients.

    Attributes:
        table: a DynamoDB table of boto3's resource, not its client: that one refuses floats.
        sns: an SNS client.
        cloudwatch: a CloudWatch client.
    """

    table: Any
    sns: Any
    cloudwatch: Any
    topic_arn: str
    environment: str
    clock: Clock

    def __call__(self, event: Any) -> dict[str, Any]:
        try:
            return self._process(event)
        except Exception as error:  # noqa: BLE001 (this is the defect itself)
            return self._give_up(event, error)

    def _process(self, event: Any) -> dict[str, Any]:
        detail = event.get("detail", {})
        shipment_id, status = detail.get("shipmentId"), detail.get("status")
        location, carrier = detail.get("location", "Unknown"), detail.get("carrier", "Unknown")
        if not (shipment_id and status):
            raise ValueError("Missing required fields: shipmentId or status")
        now = self.clock.now()
        self.table.put_item(
            Item={
                "shipmentId": shipment_id,
                "timestamp": now,
                "status": status,
                "location": location,
                "carrier": carrier,
                "eventTime": _iso(now),
                "rawEvent": json.dumps(detail),
            }
        )
        self._count("ShipmentUpdatesProcessed", Status=status)
        if status in CRITICAL:
            facts = {
                "Shipment ID": shipment_id,
                "Status": status,
                "Location": location,
                "Carrier": carrier,
                "Time": _iso(self.clock.now()),
                "Environment": self.environment,
            }
            self._mail(f"Logistics Alert: {status} - {shipment_id}", facts)
        body = {"message": "Shipment update processed successfully", "shipmentId": shipment_id}
        return {"statusCode": 200, "body": json.dumps({**body, "status": status})}

    def _give_up(self, event: Any, error: Exception) -> dict[str, Any]:
        text = f"Error processing shipment update: {error}"
        facts = {"Error": error, "Event": json.dumps(event), "Environment": self.environment}
        with suppress(Exception):  # it went to the log, and no further
            self._mail(f"Logistics Processing Error - {self.environment}", facts)
        self._count("ProcessingErrors")
        return {"statusCode": 500, "body": json.dumps({"message": text})}

    def _mail(self, subject: str, facts: dict[str, Any]) -> None:
        lines = [f"{name}: {value}" for name, value in facts.items()]
        self.sns.publish(TopicArn=self.topic_arn, Subject=subject, Message="\n".join(lines))

    def _count(self, name: str, **dimensions: Any) -> None:
        everything = {"Environment": self.environment, **dimensions}
        self.cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": name,
                    "Value": 1,
                    "Unit": "Count",
                    "Dimensions": [{"Name": n, "Value": v} for n, v in everything.items()],
                }
            ],
        )


def _iso(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1_000, UTC).replace(tzinfo=None).isoformat()
