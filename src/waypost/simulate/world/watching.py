"""What an onlooker sees of a world: who read which state, who saved it, what people were told."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from waypost.stores.dynamodb.texts import unpack_json

if TYPE_CHECKING:
    from waypost.ports import Message, Notifier
    from waypost.simulate.world.kernel import Kernel, Process

Item = dict[str, Any]
ToldRef = tuple[str, str, str]
"""What somebody was told of, as it is saved: condition, sender, event id."""


@dataclass(slots=True)
class Knowledge:
    """What a process has read.

    Attributes:
        told: by shipment, who was told of what when it was saved last.
        items: by shipment, what the log had of it.
    """

    told: dict[str, frozenset[ToldRef]] = field(default_factory=dict)
    items: dict[str, list[Item]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """A message that took effect.

    Attributes:
        at: when, epoch ms.
        message: as it was composed.
        knowledge: what its sender knew when it was composed.
    """

    at: int
    message: Message
    knowledge: Knowledge

    @property
    def is_cut(self) -> bool:
        """Whether it lists fewer alerts than it counts."""
        return len(self.message.alerts) < sum(self.message.counts.values())


@dataclass(frozen=True, slots=True)
class SavedState:
    """A save of a shipment that took effect.

    Attributes:
        at: when, epoch ms.
        told: who was told of what from then on.
    """

    at: int
    told: frozenset[ToldRef]


class Watch:
    """Sees each call take effect; changes nothing.

    Attributes:
        published: messages, in their order.
        saves: by shipment, in their order.
    """

    def __init__(self, kernel: Kernel, logs: str, state: str) -> None:
        """Look at the calls to the tables of updates and of states."""
        self.published: list[Published] = []
        self.saves: dict[str, list[SavedState]] = defaultdict(list)
        self._kernel = kernel
        self._logs = logs
        self._state = state
        self._known: dict[Process | None, Knowledge] = defaultdict(Knowledge)
        self._messages: dict[str, tuple[Message, Knowledge]] = {}

    def took_effect(
        self, process: Process | None, operation: str, request: Item, answer: Item
    ) -> None:
        """See a call to a table that took effect, whoever learns of it."""
        table = request.get("TableName")
        if operation == "batch_get_item":
            asked = request["RequestItems"].get(self._state)
            if asked is None or "told" not in asked["ExpressionAttributeNames"].values():
                return
            told = self._known[process].told
            for key in asked["Keys"]:
                told[key["shipmentId"]["S"]] = frozenset()
            for item in answer["Responses"][self._state]:
                told[item["shipmentId"]["S"]] = read_told(item)
        elif operation == "query" and table == self._logs:
            items = self._known[process].items
            shipment_id = request["ExpressionAttributeValues"][":id"]["S"]
            before = items.get(shipment_id, []) if "ExclusiveStartKey" in request else []
            items[shipment_id] = [*before, *answer["Items"]]
        elif operation == "update_item" and table == self._state:
            values = request["ExpressionAttributeValues"]
            item = {"told": values[":told"]} if ":told" in values else {}
            save = SavedState(self._kernel.now, read_told(item))
            self.saves[request["Key"]["shipmentId"]["S"]].append(save)

    def composed(self, message: Message) -> None:
        """See a message that is about to be sent."""
        known = self._known[self._kernel.current]
        copy = Knowledge(dict(known.told), dict(known.items))
        self._messages[message.message_id] = (message, copy)

    def was_published(self, message_id: str) -> None:
        """See a message take effect."""
        published = Published(self._kernel.now, *self._messages[message_id])
        self.published.append(published)
        listed = [
            f"{alert['condition']} of {alert['shipmentId']}" for alert in published.message.alerts
        ]
        self._kernel.note("topic", f"people get: {published.message.subject} {listed}")


def read_told(item: Item) -> frozenset[ToldRef]:
    """Return who was told of what, as an item of the table of states says."""
    pairs = unpack_json(item["told"]) if "told" in item else ()
    return frozenset((condition, sender, event_id) for condition, sender, event_id in pairs)


class WatchedNotifier:
    """A channel whose messages are seen before they are sent. Implements `ports.Notifier`."""

    def __init__(self, inner: Notifier, watch: Watch) -> None:
        """Send through ``inner``."""
        self.name = inner.name
        self._inner = inner
        self._watch = watch

    def send(self, message: Message) -> None:
        """Send a message. Raises what ``inner`` raises."""
        self._watch.composed(message)
        self._inner.send(message)


def read_metrics(lines: list[str]) -> dict[tuple[str, str], float]:
    """Return what lines of CloudWatch's embedded metric format add up to.

    Returns:
        By metric and, where it has one, the label that is last; else an empty text.
    """
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for line in lines:
        record = json.loads(line)
        labels = record.get("labels", {})
        label = next(reversed(labels.values()), "")
        for name, value in record.items():
            if name not in {"_aws", "labels", "Environment", *labels} and isinstance(
                value, int | float
            ):
                sums[name, label] += value
    return dict(sums)
