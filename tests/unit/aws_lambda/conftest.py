"""The serverless home in memory: a store, a channel, a queue, and invocations with their time."""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.clocks import NOON, FakeClock
from waypost.aws_lambda.following import Following
from waypost.aws_lambda.notifier import Notifier
from waypost.aws_lambda.processor import Processor
from waypost.aws_lambda.refolds import RefoldQueue
from waypost.aws_lambda.sweep import Sweep
from waypost.core.shipments import Thresholds, code_key
from waypost.core.times import HOUR, format_time
from waypost.metrics.memory import MemoryMetrics
from waypost.notifiers.memory import MemoryNotifier
from waypost.ports import IncidentQuery
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from waypost.core.shipments import CodeKey
    from waypost.ports import Save

LEFT = 30_000


class FollowedMemoryStore(MemoryStore):
    """A store in memory that is followed by shipment, and counts so many open incidents."""

    counted = 1_000

    def with_codes(self, keys: Collection[CodeKey], after: str | None = None) -> Iterator[str]:
        for shipment_id, save in sorted(self._saves.items()):
            codes = {code_key(use.carrier, use.code) for use in save.shipment.codes}
            if shipment_id > (after or "") and not codes.isdisjoint(keys):
                yield shipment_id

    def open_incidents(self) -> tuple[Counter[str], bool]:
        found = self.incidents(IncidentQuery(is_open=True, limit=self.counted + 1))
        counts = Counter(incident["condition"] for incident in found[: self.counted])
        return counts, len(found) <= self.counted

    def save_of(self, shipment_id: str) -> Save:
        return self._saves[shipment_id]


class Time:
    """A context whose time runs out: each look gives the next value, the last one for ever."""

    def __init__(self, *left: int) -> None:
        self._left = deque(left or (LEFT,))

    def get_remaining_time_in_millis(self) -> int:
        return self._left.popleft() if len(self._left) > 1 else self._left[0]


class FakeSqs:
    """The one call of an SQS client that matters."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.refuses = False

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (botocore's names)
        assert QueueUrl == "https://sqs/refolds"
        assert 1 <= len(Entries) <= 10
        if self.refuses:
            return {"Failed": [{"Id": "0", "Code": "InternalError"}]}
        self.sent += Entries
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(entry["MessageBody"]) for entry in self.sent]


@dataclass
class World:
    store: FollowedMemoryStore = field(default_factory=FollowedMemoryStore)
    metrics: MemoryMetrics = field(default_factory=MemoryMetrics)
    channel: MemoryNotifier = field(default_factory=MemoryNotifier)
    clock: FakeClock = field(default_factory=FakeClock)
    sqs: FakeSqs = field(default_factory=FakeSqs)

    def __post_init__(self) -> None:
        self.processor = Processor(self.store, clock=self.clock, metrics=self.metrics)
        self.following = Following(
            self.store,
            self.channel,
            clock=self.clock,
            metrics=self.metrics,
            thresholds=Thresholds(),
            environment="dev",
        )
        queue = RefoldQueue(lambda: self.sqs, "https://sqs/refolds")
        self.notifier = Notifier(self.store, self.following, queue)
        self.sweep = Sweep(self.store, self.following, clock=self.clock)

    def say(self, shipment_id: str, status: str, hours: float = 0, **members: Any) -> None:
        """Have an update recorded that happened so many hours from noon."""
        event = bus_event(
            shipmentId=shipment_id,
            status=status,
            occurredAt=format_time(NOON + int(hours * HOUR)),
            **members,
        )
        assert self.processor.handle(event, Time()) == {}

    def stream(self, *shipment_ids: str) -> dict[str, Any]:
        """Invoke the notifier with an insertion of each shipment."""
        return self.notifier.handle({"Records": [inserted(i) for i in shipment_ids]}, Time())

    def told(self) -> list[str]:
        return [message.subject for message in self.channel.messages]


@pytest.fixture
def world() -> World:
    return World()


def bus_event(*, event_id: str = "11111111-1111-4111-8111-111111111111", **detail: Any) -> Any:
    """Return an EventBridge event as its targets get it."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Shipment Update",
        "source": "logistics.shipments",
        "account": "123456789012",
        "time": "2026-03-02T11:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": detail,
    }


def sqs_batch(*bodies: object) -> dict[str, Any]:
    """Return the event that a queue's mapping makes; texts as they are, all else as JSON."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "eventSource": "aws:sqs",
                "body": body if isinstance(body, str) else json.dumps(body),
            }
            for number, body in enumerate(bodies, 1)
        ]
    }


def inserted(shipment_id: str, **attributes: object) -> dict[str, Any]:
    """Return a record of the log's stream."""
    return stream_record({"shipmentId": {"S": shipment_id}, "timestamp": {"N": "1"}, **attributes})


def stream_record(item: dict[str, Any], name: str = "INSERT") -> dict[str, Any]:
    return {"eventSource": "aws:dynamodb", "eventName": name, "dynamodb": {"NewImage": item}}
