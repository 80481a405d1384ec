"""What the functions are invoked with: events of the simulated fleet, in the shapes of AWS."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.machine import workload
from waypost.clock import SystemClock
from waypost.core.updates import parse
from waypost.record import read_event
from waypost.stores.dynamodb.items import to_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CRITICAL = ("DELAYED", "LOST", "DAMAGED", "EXCEPTION")
CRITICAL_IN_100 = 3

Event = dict[str, Any]
Item = dict[str, Any]


@dataclass(frozen=True)
class Events:
    """Events of which none comes twice, and the items of the log that they lead to.

    Attributes:
        mixed: a hundred events, of which `CRITICAL_IN_100` are critical.
        histories: all items of each shipment in ``mixed``, of the whole day.
    """

    ordinary: list[Event]
    critical: list[Event]
    mixed: list[Event]
    histories: dict[str, list[Item]]


def events() -> Events:
    """Return a day's events as far as the first design can process them.

    A location with coordinates is none of them: it fails on each.
    """
    clock = SystemClock()
    [day] = workload(20_000)
    bus = [envelope(detail, clock) for detail in day]
    simple = [e for e in bus if not isinstance(e["detail"].get("location"), dict)]
    critical = [e for e in simple if e["detail"]["status"] in CRITICAL]
    ordinary = [e for e in simple if e["detail"]["status"].upper() not in CRITICAL]
    ordinary = ordinary[len(ordinary) // 2 :]
    mixed = ordinary[-100:]
    for number in range(CRITICAL_IN_100):
        mixed[20 + 30 * number] = critical[-1 - number]
    told_of = {event["detail"]["shipmentId"] for event in mixed}
    histories = defaultdict(list)
    for event in bus:
        if event["detail"]["shipmentId"] in told_of:
            histories[event["detail"]["shipmentId"]].append(item(event, clock.now()))
    return Events(ordinary[:-100], critical[:-CRITICAL_IN_100], mixed, dict(histories))


def envelope(detail: dict[str, Any], clock: SystemClock) -> Event:
    return {
        "version": "0",
        "id": clock.new_id(),
        "detail-type": "Shipment Update",
        "source": "logistics.shipments",
        "account": "123456789012",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }


def item(event: Event, now: int) -> Item:
    update = parse(read_event(event, now), now=now)
    return {**to_item(update, quiet=False), "timestamp": {"N": str(update.event_time)}}


def raw(events: Iterable[Event]) -> list[str]:
    """Return a payload for each event: the event, as the bus hands it to a function."""
    return [json.dumps(event) for event in events]


def sqs(events: Sequence[Event], size: int) -> list[str]:
    """Return payloads of so many messages each, as Lambda hands a queue's to a function."""
    messages = [
        {
            "messageId": event["id"],
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a" * 8,
            "body": json.dumps(event),
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1545082649183",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1545082649185",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:shipment-updates-bench",
            "awsRegion": "us-east-1",
        }
        for event in events
    ]
    return in_batches(messages, size)


def stream(events: Sequence[Event], size: int) -> list[str]:
    """Return payloads of so many stream records each, one for each event's item."""
    now = int(time.time() * 1_000)
    records = [
        {
            "eventID": event["id"].replace("-", ""),
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": now // 1_000,
                "Keys": {name: image[name] for name in ("shipmentId", "timestamp")},
                "NewImage": image,
                "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 800,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/shipment-logs-bench",
        }
        for event in events
        for image in [item(event, now)]
    ]
    return in_batches(records, size)


def in_batches(records: Sequence[dict[str, Any]], size: int) -> list[str]:
    return [
        json.dumps({"Records": records[start : start + size]})
        for start in range(0, len(records), size)
    ]
