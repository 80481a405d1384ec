"""Asks AWS how a stack is: each part for itself, so that one that is refused hides no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from waypost.bootstrap import open_tables
from waypost.core.errors import StoreUnavailable, StoreUnusable
from waypost.core.times import HOUR, SECOND
from waypost.stack import stacks
from waypost.stack.connection import DENIED, NOT_KNOWN, error_code
from waypost.stack.status import metrics, month, services
from waypost.stack.status.metrics import Metric
from waypost.stack.status.report import Gap, LastEvent, Report

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping
    from datetime import date

    from waypost.stack.stacks import Stack
    from waypost.stack.status.metrics import Points

RECENT: Final = 3 * HOUR
"""For so long has CloudWatch been asked by the minute; before that by the hour."""
FRESH: Final = 15 * 60 * SECOND
"""A number that is older says nothing of now."""
_MINUTE: Final = 60
_THREADS: Final = 8

T = TypeVar("T")


def look(connect: Callable[[str], Any], name: str, *, now: int, today: date) -> Report:
    """Ask AWS how a stack is.

    Args:
        connect: gives a client of a service; its errors are raised as they are if nothing at all
            is to be had, else they are `Report.gaps`.
        name: of the stack.
        now: epoch ms.
        today: the day from which a runtime's end is judged.

    Raises:
        NotFound: there is no such stack.
    """
    cloud = connect("cloudformation")
    stack = stacks.get(cloud, name)
    found = _Resources(stack, stacks.resources(cloud, name), stacks.physical_ids(cloud, name))
    with _Asking() as asking:
        return _report(asking, connect, found, now=now, today=today)


def unconfirmed(connect: Callable[[str], Any], name: str) -> list[str]:
    """Return the topics of a stack that somebody has yet to confirm; errors are raised as they are."""
    found = stacks.resources(connect("cloudformation"), name).get("AWS::SNS::Topic", [])
    topics = services.topics(connect("sns"), found) if found else []
    return [topic.name for topic in topics if topic.pending]


class _Resources:
    """The parts of a stack, by what they are called in their services."""

    def __init__(
        self, stack: Stack, by_type: dict[str, list[str]], by_name: dict[str, str]
    ) -> None:
        self.stack = stack
        self.suffix = stack.parameters.get("EnvironmentSuffix", "")
        self.alarms = by_type.get("AWS::CloudWatch::Alarm", [])
        self.queues = by_type.get("AWS::SQS::Queue", [])
        self.functions = by_type.get("AWS::Lambda::Function", [])
        self.topics = by_type.get("AWS::SNS::Topic", [])
        self.tables = by_type.get("AWS::DynamoDB::Table", [])
        self.log_groups = by_type.get("AWS::Logs::LogGroup", [])
        self.archives = by_type.get("AWS::Events::Archive", [])
        self.dashboards = by_type.get("AWS::CloudWatch::Dashboard", [])
        self.state_table = by_name.get("ShipmentStateTable")
        bus = stack.parameters.get("EventBusName", "default")
        rule = ("RuleName", f"shipment-update-rule-{self.suffix}")
        self.rule = (rule,) if bus == "default" else (("EventBusName", bus), rule)

    def run(self, function: str, metric: str, statistic: str) -> Metric:
        """Return a metric of a function, by the minute."""
        names = (("FunctionName", f"{function}-{self.suffix}"),)
        return Metric("AWS/Lambda", metric, names, statistic, _MINUTE)


class _Asking(ExitStack):
    """Asks for parts side by side, and keeps what was refused."""

    def __init__(self) -> None:
        super().__init__()
        self._pool = self.enter_context(ThreadPoolExecutor(_THREADS))
        self.gaps: list[Gap] = []

    def soon(self, part: str, service: str, ask: Callable[[], T]) -> Callable[[], T | None]:
        """Begin to ask for a part; what is returned waits for it: None if it is not to be had."""
        asked = self._pool.submit(ask)

        def answer() -> T | None:
            try:
                return asked.result()
            except (ClientError, BotoCoreError, StoreUnavailable, StoreUnusable) as error:
                self.gaps.append(_gap(part, service, error))
                return None

        return answer


def _gap(part: str, service: str, error: Exception) -> Gap:
    cause = error.__cause__ if isinstance(error.__cause__, ClientError) else error
    code = error_code(cause)
    if isinstance(cause, ClientError) and code in DENIED:
        why = f"not allowed: needs {service}:{cause.operation_name}"
        return Gap(part=part, why=why, is_refused=True)
    return Gap(part=part, why=f"not known: {error}", is_refused=code not in NOT_KNOWN)


def _report(
    asking: _Asking, connect: Callable[[str], Any], found: _Resources, *, now: int, today: date
) -> Report:
    # Clients are made here: making them is not for several threads at once.
    watch, sqs, sns = connect("cloudwatch"), connect("sqs"), connect("sns")
    lambda_, dynamodb = connect("lambda"), connect("dynamodb")
    recent = asking.soon("numbers", "cloudwatch", lambda: _recent(watch, found, now))
    alarms = asking.soon(
        "alarms", "cloudwatch", lambda: services.alarms(watch, found.alarms, found.suffix)
    )
    queues = asking.soon("queues", "sqs", lambda: services.queues(sqs, found.queues))
    functions = asking.soon(
        "functions", "lambda", lambda: services.functions(lambda_, found.functions)
    )
    topics = asking.soon("topics", "sns", lambda: services.topics(sns, found.topics))
    tables = asking.soon("tables", "dynamodb", lambda: services.tables(dynamodb, found.tables))
    state = found.state_table
    incidents = asking.soon("incidents", "dynamodb", lambda: _incidents(dynamodb, state))
    watched = alarms()
    parts = month.Parts(
        rule=found.rule,
        functions=functions() or (),
        queues=[name for name in map(services.queue_name, found.queues) if "-dlq-" not in name],
        topics=[services.topic_name(arn) for arn in found.topics],
        tables=tables() or (),
        log_groups=found.log_groups,
        dashboards=len(found.dashboards),
        archives=len(found.archives),
        alarms=None if watched is None else sum(alarm.metrics for alarm in watched),
    )
    sums = asking.soon("price", "cloudwatch", lambda: _sums(watch, parts, now))
    numbers, counted, opened = recent() or {}, sums(), incidents()
    return Report(
        stack=found.stack,
        now=now,
        today=today,
        alarms=watched or (),
        queues=services.with_ages(queues() or (), _ages(found, numbers, now)),
        functions=parts.functions,
        topics=topics() or (),
        last_event=_last_event(found, numbers, counted or {}),
        lag=_fresh(numbers.get(_lag(found)), now, 1 / SECOND),
        incidents=None if opened is None else opened[0],
        incidents_are_all=opened is None or opened[1],
        month=None if counted is None else month.so_far(parts, counted, found.stack.created, now),
        gaps=tuple(asking.gaps),
    )


def _incidents(client: Any, table: str | None) -> tuple[Counter[str], bool] | None:
    """Count what is open; a stack of the first version knows of none."""
    if table is None:
        return None
    return open_tables(client, logs="", state=table, rejected="").open_incidents()


def _recent(client: Any, found: _Resources, now: int) -> Mapping[Metric, Points]:
    ages = [_age(services.queue_name(url)) for url in found.queues]
    others = [_lag(found), *_signs_of_life(found).values()]
    return metrics.read(client, [*ages, *others], now - RECENT, now)


def _sums(client: Any, parts: month.Parts, now: int) -> Mapping[Metric, Points]:
    return metrics.read(client, month.metrics(parts), month.begins(now), now)


def _age(queue: str) -> Metric:
    names = (("QueueName", queue),)
    return Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", names, "Maximum", _MINUTE)


def _lag(found: _Resources) -> Metric:
    return found.run("shipment-notifier", "IteratorAge", "Maximum")


def _signs_of_life(found: _Resources) -> dict[str, Metric]:
    """Return the metrics that move when an event comes, the surest first, by what they say."""
    return {
        "the rule matched it: TriggeredRules": Metric(
            "AWS/Events", "TriggeredRules", found.rule, period=_MINUTE
        ),
        "the processor ran: Invocations": found.run("shipment-processor", "Invocations", "Sum"),
    }


def _last_event(
    found: _Resources, recent: Mapping[Metric, Points], hourly: Mapping[Metric, Points]
) -> LastEvent | None:
    for source, metric in _signs_of_life(found).items():
        by_the_hour = Metric(metric.namespace, metric.name, metric.dimensions, period=month.HOURLY)
        for points, span in (
            (recent.get(metric), _MINUTE),
            (hourly.get(by_the_hour), month.HOURLY),
        ):
            if seen := [at for at, value in points or () if value > 0]:
                return LastEvent(at=seen[-1], span=span, source=source)
    return None


def _ages(found: _Resources, recent: Mapping[Metric, Points], now: int) -> dict[str, float | None]:
    names = [services.queue_name(url) for url in found.queues]
    return {name: _fresh(recent.get(_age(name)), now) for name in names}


def _fresh(points: Points | None, now: int, factor: float = 1.0) -> float | None:
    """Return the newest value, unless it is too old to say anything."""
    if not points or points[-1][0] < now - FRESH:
        return None
    return points[-1][1] * factor
