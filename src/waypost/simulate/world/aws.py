"""Waypost's home on AWS: our functions as they are, among the services as they are modelled.

What is deployed is read from the template that ships; see `shipped`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waypost.aws_lambda.environment import flushing
from waypost.aws_lambda.following import Following
from waypost.aws_lambda.notifier import Notifier
from waypost.aws_lambda.processor import Processor
from waypost.aws_lambda.refolds import RefoldQueue
from waypost.aws_lambda.sweep import Sweep
from waypost.core.shipments import Thresholds
from waypost.core.times import SECOND
from waypost.metrics.emf import EmfMetrics
from waypost.notifiers.sns import SnsNotifier
from waypost.simulate.world.bus import Bus, Schedule
from waypost.simulate.world.clients import Client, LambdaModel, Tables, client_errors
from waypost.simulate.world.dynamodb import DynamoModel, home_tables
from waypost.simulate.world.dynamodb.table import LAG_LIMIT
from waypost.simulate.world.functions import MINUTE, AsyncInvoker, Function, Output, QueueMapping
from waypost.simulate.world.kernel import VirtualClock
from waypost.simulate.world.queue import Queue, SqsModel
from waypost.simulate.world.shipped import number, text
from waypost.simulate.world.stream import Stream, StreamMapping, StreamsModel
from waypost.simulate.world.topic import SnsModel
from waypost.simulate.world.watching import Watch, WatchedNotifier
from waypost.stores.dynamodb import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from waypost.aws_lambda.environment import Handler
    from waypost.simulate.world.dynamodb import Call
    from waypost.simulate.world.faults import Calls
    from waypost.simulate.world.kernel import Process

ENV: Final = "dev"
LOGS: Final = f"shipment-logs-{ENV}"
STATE: Final = f"shipment-state-{ENV}"
REJECTED: Final = f"shipment-rejected-{ENV}"
TOPIC: Final = f"arn:aws:sns:eu-central-1:123456789012:logistics-alerts-{ENV}"

_QUEUES: Final = {
    "IngestDlq": ("shipment-updates-dlq", None),
    "DeliveryDlq": ("shipment-delivery-dlq", None),
    "StreamDlq": ("shipment-stream-dlq", None),
    "RefoldDlq": ("shipment-refold-dlq", None),
    "SweepDlq": ("shipment-sweep-dlq", None),
    "IngestQueue": ("shipment-updates", "IngestDlq"),
    "RefoldQueue": ("shipment-refold", "RefoldDlq"),
}
"""Logical name: name, and where its dead letters go. Those that the flow uses."""
_DEFAULT_VISIBILITY: Final = 30
"""Seconds, where a queue says nothing (the API reference of CreateQueue)."""


class AwsHome:
    """The stack, running.

    Attributes:
        watch: sees what takes effect.
        bus: where producers put their events.
        queues: by name.
        functions: by name: processor, notifier, sweep.
        tables: the DynamoDB client; its calls are made by the process that runs.
    """

    def __init__(self, calls: Calls, *, skews: Mapping[str, int], thresholds: Thresholds) -> None:
        """Deploy it; ``skews`` says how many ms the clock of a function is ahead."""
        kernel = calls.kernel
        self._kernel = kernel
        self._calls = calls
        self._skews = skews
        self._thresholds = thresholds
        self.watch = Watch(kernel, LOGS, STATE)
        self.queues = self._make_queues()
        self._streams = {
            table: Stream(
                kernel, f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}/stream"
            )
            for table in (LOGS, REJECTED)
        }
        self._model = DynamoModel(
            home_tables(ENV),
            now=lambda: kernel.now,
            around=self._around,
            lag=self._lag,
            on_change=lambda table, record: self._streams[table].add(record),
        )
        self._lags = 0
        self._requests: dict[Process | None, dict[str, Any]] = {}
        self.tables: Any = Tables(self._model, self._remember)
        self.functions = self._make_functions()
        self._mappings = self._make_mappings()
        self.bus = Bus(
            calls,
            self._queue("shipment-updates"),
            self._queue("shipment-delivery-dlq"),
            max_age=number("ShipmentUpdateRule", "MaximumEventAgeInSeconds") * SECOND,
            retries=number("ShipmentUpdateRule", "MaximumRetryAttempts"),
        )
        self.sweeper = AsyncInvoker(
            calls,
            self.functions["sweep"],
            retries=number("SweepInvokeConfig", "MaximumRetryAttempts"),
            dead=self._queue("shipment-sweep-dlq"),
        )
        period = int(text("SweepSchedule", "ScheduleExpression").split("(")[1].split()[0])
        self.sweep_period = period * MINUTE
        Schedule(calls, self.sweep_period, self._sweep)

    # ------------------------------------------------------------------------------ the stack

    def _make_queues(self) -> dict[str, Queue]:
        made: dict[str, Queue] = {}
        for logical, (name, dead) in _QUEUES.items():
            visibility = (
                _DEFAULT_VISIBILITY if dead is None else number(logical, "VisibilityTimeout")
            )
            made[logical] = Queue(
                self._calls,
                f"{name}-{ENV}",
                visibility=visibility * SECOND,
                retention=number(logical, "MessageRetentionPeriod") * SECOND,
                max_receives=None if dead is None else number(logical, "maxReceiveCount"),
                dead=None if dead is None else made[dead],
            )
        return {queue.name: queue for queue in made.values()}

    def _queue(self, name: str) -> Queue:
        return self.queues[f"{name}-{ENV}"]

    def _make_functions(self) -> dict[str, Function]:
        made = {
            "processor": ("ShipmentProcessorFunction", self._processor),
            "notifier": ("ShipmentNotifierFunction", self._notifier),
            "sweep": ("ShipmentSweepFunction", self._sweeping),
        }
        return {
            name: Function(
                name=name,
                timeout=number(logical, "Timeout") * SECOND,
                build=build,
                calls=self._calls,
            )
            for name, (logical, build) in made.items()
        }

    def _make_mappings(self) -> list[StreamMapping]:
        notifier = self.functions["notifier"]
        for queue, logical, function in (
            ("shipment-updates", "IngestMapping", self.functions["processor"]),
            ("shipment-refold", "RefoldMapping", notifier),
        ):
            QueueMapping(
                self._calls,
                self._queue(queue),
                function,
                batch=number(logical, "BatchSize"),
                concurrency=number(logical, "MaximumConcurrency"),
            )
        return [
            StreamMapping(
                self._calls,
                shard,
                notifier,
                self._queue("shipment-stream-dlq"),
                batch=number(logical, "BatchSize"),
                window=number(logical, "MaximumBatchingWindowInSeconds") * SECOND,
                max_age=number(logical, "MaximumRecordAgeInSeconds") * SECOND,
            )
            for table, logical in ((LOGS, "NotifierMapping"), (REJECTED, "RejectedMapping"))
            for shard in self._streams[table].shards
        ]

    # --------------------------------------------------------------------------- our functions

    def _processor(self, out: Output) -> Handler:
        clock = self.clock("processor")
        metrics = EmfMetrics(environment=ENV, clock=clock, out=out)
        processor = Processor(self.store(), clock=clock, metrics=metrics, workers=1)
        return flushing(metrics, processor.handle)

    def _notifier(self, out: Output) -> Handler:
        store = self.store()
        metrics, following = self.following("notifier", store, out)
        queue = RefoldQueue(lambda: self.client("sqs"), f"shipment-refold-{ENV}")
        return flushing(metrics, Notifier(store, following, queue).handle)

    def _sweeping(self, out: Output) -> Handler:
        store = self.store()
        metrics, following = self.following("sweep", store, out)
        return flushing(metrics, Sweep(store, following, clock=self.clock("sweep")).handle)

    def following(self, name: str, store: DynamoStore, out: Output) -> tuple[EmfMetrics, Following]:
        """Put together what follows, for a sandbox of a function."""
        clock = self.clock(name)
        metrics = EmfMetrics(environment=ENV, clock=clock, out=out)
        channel = WatchedNotifier(SnsNotifier(lambda: self.client("sns"), TOPIC), self.watch)
        following = Following(
            store,
            channel,
            clock=clock,
            metrics=metrics,
            thresholds=self._thresholds,
            environment=ENV,
            workers=1,
        )
        return metrics, following

    def store(self) -> DynamoStore:
        """Return a store; it makes one call after the other, as one process in this world does."""
        return DynamoStore(self.tables, logs=LOGS, state=STATE, rejected=REJECTED, workers=1)

    def clock(self, name: str) -> VirtualClock:
        """Return a clock for a sandbox of a function."""
        self._lags += 1
        return VirtualClock(self._kernel, f"{name} {self._lags}", self._skews.get(name, 0))

    # --------------------------------------------------------------------------------- calls

    def client(self, service: str) -> Any:
        """Return a client of a service, whose calls may go wrong."""
        match service:
            case "sqs":
                model: Any = SqsModel(self.queues)
            case "sns":
                model = SnsModel(self.watch.was_published)
            case "lambda":
                model = LambdaModel(self._kernel, self.functions, ENV)
            case "dynamodbstreams":
                model = StreamsModel(self._kernel, list(self._streams.values()))
            case _:
                message = f"no model of {service}"
                raise ValueError(message)
        return Client(self._calls, service, model)

    def _remember(self, request: dict[str, Any]) -> None:
        self._requests[self._kernel.current] = request

    def _around(self, call: Call, effect: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        process = self._kernel.current
        request = self._requests.pop(process)

        def watched() -> dict[str, Any]:
            answer = effect()
            self.watch.took_effect(process, call.operation, request, answer)
            return answer

        return self._calls.make(
            process.name if process else "",
            "dynamodb",
            f"{call.operation} {call.table} {call.subject!r}",
            watched,
            errors=client_errors(call.operation),
            stale=call.late,
        )

    def _lag(self) -> int:
        self._lags += 1
        return self._calls.chance.between(0, LAG_LIMIT, "lag", self._lags)

    def _sweep(self) -> None:
        """Start a sweep, unless it would find nothing to do: then it is left out."""
        if self.is_due:
            self.sweeper.invoke({})

    # ------------------------------------------------------------------------------ to look at

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return the items of a table as they are now."""
        return self._model.items(table)

    @property
    def is_due(self) -> bool:
        """Whether a sweep has something to do."""
        horizon = self._kernel.now + max(0, self._skews.get("sweep", 0))
        return any(
            "undecidedShard" in item or int(item.get("dueAt", _NEVER)["N"]) <= horizon
            for item in self.items(STATE)
        )

    @property
    def dropped(self) -> int:
        """How many records of streams grew too old before anybody read them."""
        return sum(len(mapping.dropped) for mapping in self._mappings)

    def forget_dropped(self) -> None:
        """Forget them: what they were about has been folded some other way."""
        for mapping in self._mappings:
            mapping.dropped.clear()

    @property
    def dead_letters(self) -> dict[str, list[str]]:
        """The bodies in each dead-letter queue."""
        return {name: q.bodies for name, q in self.queues.items() if f"-dlq-{ENV}" in name}

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, but for what waits in dead-letter queues."""
        return not (
            self.bus.pending
            or self.sweeper.waiting
            or any(function.running for function in self.functions.values())
            or len(self._queue("shipment-updates"))
            or len(self._queue("shipment-refold"))
            or not all(mapping.is_idle for mapping in self._mappings)
        )


_NEVER: Final = {"N": str(2**62)}
