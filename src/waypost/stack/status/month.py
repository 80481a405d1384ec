"""What a stack has cost since the month began, by its own metrics and list prices: an estimate."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waypost.core.times import DAY, format_time, parse_time
from waypost.stack.price import Use, charge
from waypost.stack.price.designs import IDENTITIES
from waypost.stack.status.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from waypost.stack.price import Bill
    from waypost.stack.status.metrics import Points
    from waypost.stack.status.report import Function

HOURLY: Final = 3_600
"""Seconds of a value of what also says when something happened last."""
_GB: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What DynamoDB says of a table, about every six hours.

    Attributes:
        bytes: of the items.
        index_bytes: of the entries of its indexes, by index.
    """

    name: str
    bytes: int
    index_bytes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is there to be paid for; empty where it is not known.

    Attributes:
        rule: the dimensions of the rule's metrics.
        queues: those that functions poll; nobody looks into the others.
        alarms: how many metrics are watched by alarms; None if not known.
        archives: how many archives there are; no metric tells of their size.
    """

    rule: tuple[tuple[str, str], ...]
    functions: Sequence[Function]
    queues: Sequence[str]
    topics: Sequence[str]
    tables: Sequence[Table]
    log_groups: Sequence[str]
    dashboards: int
    alarms: int | None
    archives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """What cannot be counted, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month so far.

    Attributes:
        since: from when on it is counted, epoch ms: its first day, or when the stack was made.
        share: the part of a whole month that this is, 0 to 1.
        bill: what was used since.
        unknown: what is not in it.
    """

    since: int
    share: float
    bill: Bill
    unknown: Sequence[Unknown]


@dataclass(frozen=True, slots=True)
class _Meter:
    """Something that metrics count: their sums, times a factor, are units of a rate."""

    what: str
    rate: str
    formula: str
    metrics: tuple[Metric, ...]
    factor: float = 1.0


def begins(now: int) -> int:
    """Return when the month began, in UTC."""
    return parse_time(f"{format_time(now)[:8]}01T00:00:00Z")[0]


def metrics(parts: Parts) -> list[Metric]:
    """Return the metrics that `so_far` wants, each a sum."""
    return list(dict.fromkeys(metric for meter in _meters(parts) for metric in meter.metrics))


def so_far(parts: Parts, points: Mapping[Metric, Points], created: int | None, now: int) -> Month:
    """Estimate what a stack has cost.

    Args:
        parts: what it is made of.
        points: the values of `metrics` since the month began.
        created: when the stack was made, epoch ms; None for before.
        now: epoch ms.
    """
    since = max(begins(now), created or 0)
    share = (now - since) / _length(now)
    uses: list[Use] = []
    unknown: list[Unknown] = []
    for meter in _meters(parts):
        counted = [sum(value for _, value in points[m]) for m in meter.metrics if m in points]
        if counted:
            uses.append(Use(meter.what, meter.rate, sum(counted) * meter.factor, meter.formula))
        else:
            names = " and ".join(sorted({f"{m.namespace} {m.name}" for m in meter.metrics}))
            why = f"{names} have no value this month: nothing happened, or nobody published it"
            unknown.append(Unknown(what=meter.what, why=why if meter.metrics else "not asked"))
    uses += _standing(parts, share)
    if parts.alarms is None:
        unknown.append(Unknown(what="alarms", why="not asked"))
    if parts.archives:
        unknown.append(Unknown(what="the archive", why="no metric tells of its size"))
    if not parts.tables:
        unknown.append(Unknown(what="what is kept", why="not asked"))
    return Month(since=since, share=share, bill=charge(uses), unknown=unknown)


def _length(now: int) -> int:
    year, month = (int(part) for part in format_time(now)[:7].split("-"))
    return calendar.monthrange(year, month)[1] * DAY


def _meters(parts: Parts) -> Iterator[_Meter]:
    yield _Meter(
        "what comes in",
        "events",
        "TriggeredRules of the rule; events of up to 64 KB",
        (Metric("AWS/Events", "TriggeredRules", parts.rule, period=HOURLY),),
    )
    yield _Meter(
        "the queues",
        "sqs",
        "messages sent, received and deleted and empty receives of the polled queues: at most, "
        "for a batch is one request",
        tuple(
            Metric("AWS/SQS", name, (("QueueName", queue),))
            for queue in parts.queues
            for name in (
                "NumberOfMessagesSent",
                "NumberOfMessagesReceived",
                "NumberOfMessagesDeleted",
                "NumberOfEmptyReceives",
            )
        ),
    )
    yield from _of_functions(parts)
    yield from _of_tables(parts)
    topics = tuple((("TopicName", topic),) for topic in parts.topics)
    yield _Meter(
        "messages",
        "publishes",
        "NumberOfMessagesPublished of both topics",
        tuple(Metric("AWS/SNS", "NumberOfMessagesPublished", topic) for topic in topics),
    )
    yield _Meter(
        "mails",
        "mails",
        "NumberOfNotificationsDelivered of both topics, as if all were mails",
        tuple(Metric("AWS/SNS", "NumberOfNotificationsDelivered", topic) for topic in topics),
    )
    yield _Meter(
        "logs",
        "logs",
        "IncomingBytes of the functions' log groups / 1e9",
        tuple(
            Metric("AWS/Logs", "IncomingBytes", (("LogGroupName", group),))
            for group in parts.log_groups
        ),
        1 / _GB,
    )


def _of_functions(parts: Parts) -> Iterator[_Meter]:
    runs = {
        function.name: Metric(
            "AWS/Lambda", "Invocations", (("FunctionName", function.name),), period=HOURLY
        )
        for function in parts.functions
    }
    yield _Meter("runs", "invocations", "Invocations of the functions", tuple(runs.values()))
    yield _Meter(
        "sweeps",
        "schedule",
        "Invocations of the sweep",
        tuple(metric for name, metric in runs.items() if name.startswith("shipment-sweep-")),
    )
    for function in parts.functions:
        yield _Meter(
            f"running {function.name}",
            "arm64" if function.architecture == "arm64" else "x86",
            f"sum of Duration in ms / 1,000 x {function.memory} MB / 1,024",
            (Metric("AWS/Lambda", "Duration", (("FunctionName", function.name),)),),
            function.memory / 1024 / 1_000,
        )


def _of_tables(parts: Parts) -> Iterator[_Meter]:
    for what, rate, name in (
        ("writing", "writes", "ConsumedWriteCapacityUnits"),
        ("reading", "reads", "ConsumedReadCapacityUnits"),
    ):
        yield _Meter(
            what,
            rate,
            f"{name} of the tables and their indexes",
            tuple(
                Metric("AWS/DynamoDB", name, (("TableName", table.name), *index))
                for table in parts.tables
                for index in [
                    (),
                    *(((("GlobalSecondaryIndexName", one),)) for one in table.index_bytes),
                ]
            ),
        )


def _standing(parts: Parts, share: float) -> Iterator[Use]:
    """Give what is paid for its being there, by the part of the month."""
    part = f"x {share:.3g} of the month"
    if parts.tables:
        items = sum(table.bytes for table in parts.tables)
        entries = sum(size for table in parts.tables for size in table.index_bytes.values())
        whole = f"the size of the tables and indexes today / 1e9 {part}"
        yield Use("what is kept", "storage", (items + entries) / _GB * share, whole)
        yield Use("restorable", "pitr", items / _GB * share, f"the tables without indexes {part}")
    identities = f"{IDENTITIES} identities {part}: at most, for an hour without a value is free"
    yield Use("metrics of our own", "metrics", IDENTITIES * share, identities)
    if parts.alarms is not None:
        watched = f"the alarms watch {parts.alarms} metrics {part}"
        yield Use("alarms", "alarms", parts.alarms * share, watched)
    yield Use("dashboard", "dashboards", parts.dashboards * share, f"{parts.dashboards} {part}")
