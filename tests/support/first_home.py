"""The first design in the simulated world: bus → function → table, metric, mail, call by call.

The rule's target is the function itself, invoked asynchronously: Lambda tries an event three times,
and there is no dead-letter queue behind the last try. What the handler does is in `seed_handler`.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeSerializer

from tests.support.seed_handler import CRITICAL, SeedHandler
from waypost.core.times import DAY, SECOND
from waypost.simulate.world.bus import Bus
from waypost.simulate.world.clients import Client, client_errors
from waypost.simulate.world.dynamodb import DynamoModel, home_tables
from waypost.simulate.world.functions import AsyncInvoker, Function
from waypost.simulate.world.kernel import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.aws_lambda.environment import Handler
    from waypost.simulate.world.dynamodb import Call
    from waypost.simulate.world.faults import Calls

TIMEOUT: Final = 30 * SECOND
RETRIES: Final = 2
"""Lambda's own, of a function that nobody configured for asynchronous invocations."""
MAX_AGE: Final = DAY
BUS_RETRIES: Final = 185
"""EventBridge's own, of a target that nobody configured."""


class FirstHome:
    """The first design's stack, running.

    Attributes:
        bus: where producers put their events.
        alerts: how often people got an alert, by status and shipment.
    """

    def __init__(self, calls: Calls) -> None:
        self.alerts: Counter[tuple[str, str]] = Counter()
        self._calls = calls
        self._sandboxes = 0
        logs, _, _ = home_tables("dev")
        self._table = logs.name
        self._model = DynamoModel([logs], now=lambda: calls.kernel.now, around=self._around)
        function = Function(
            name="processor", timeout=TIMEOUT, build=lambda _: self._sandbox(), calls=calls
        )
        nowhere: Any = _Nowhere()
        self._invoker = AsyncInvoker(calls, function, retries=RETRIES, dead=nowhere)
        target: Any = _Target(self._invoker)
        self.bus = Bus(calls, target, nowhere, max_age=MAX_AGE, retries=BUS_RETRIES)

    @property
    def is_idle(self) -> bool:
        return not (self.bus.pending or self._invoker.waiting)

    def rows(self) -> list[dict[str, Any]]:
        """Return the details that are in the table."""
        return [json.loads(item["rawEvent"]["S"]) for item in self._model.items(self._table)]

    def _sandbox(self) -> Handler:
        self._sandboxes += 1
        handler = SeedHandler(
            table=_Table(self._model, self._table),
            sns=Client(self._calls, "sns", _Topic(self.alerts)),
            cloudwatch=Client(self._calls, "cloudwatch", _Metrics()),
            topic_arn="arn:aws:sns:eu-central-1:123456789012:logistics-alerts-dev",
            environment="dev",
            clock=VirtualClock(self._calls.kernel, f"first {self._sandboxes}"),
        )
        return lambda event, _: handler(event)

    def _around(self, call: Call, effect: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        process = self._calls.kernel.current
        return self._calls.make(
            process.name if process else "",
            "dynamodb",
            f"{call.operation} {call.table} {call.subject!r}",
            effect,
            errors=client_errors(call.operation),
            stale=call.late,
        )


class _Table:
    """The table as boto3's resource has it, which refuses floats."""

    def __init__(self, model: DynamoModel, name: str) -> None:
        self._model = model
        self._name = name

    def put_item(self, *, Item: dict[str, Any]) -> None:  # noqa: N803 (boto3's own spelling)
        serialize = TypeSerializer().serialize
        item = {name: serialize(value) for name, value in Item.items()}
        self._model.put_item(TableName=self._name, Item=item)


class _Topic:
    def __init__(self, alerts: Counter[tuple[str, str]]) -> None:
        self._alerts = alerts

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> None:  # noqa: N803 (as above)
        prefix, _, about = Subject.partition(": ")
        status, _, shipment_id = about.partition(" - ")
        if prefix == "Logistics Alert" and status in CRITICAL:
            self._alerts[status, shipment_id] += 1


class _Metrics:
    def put_metric_data(self, **_: Any) -> None:
        """Take numbers, and keep none."""


class _Nowhere:
    """Where what was given up goes."""

    def send(self, _: str) -> None:
        pass


class _Target:
    def __init__(self, invoker: AsyncInvoker) -> None:
        self._invoker = invoker

    def send(self, body: str) -> None:
        self._invoker.invoke(json.loads(body))
