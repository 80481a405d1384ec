"""What the services say of themselves, minute by minute, in a quiet week and when something breaks.

A week is what CloudWatch would hold of a healthy stack at 1,500 updates a day, with its nights. A
`Trouble` changes some of those metrics from one minute on, as AWS documents that they change.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waypost.simulate.alarms import Change, Identity, Samples, State, changes

if TYPE_CHECKING:
    from tests.support.templates import Properties

PER_DAY: Final = 1_500
DAY: Final = 1_440
WEEK: Final = 7 * DAY
BY_DAY: Final = 3 * DAY + 13 * 60 + 7
AT_NIGHT: Final = 3 * DAY + 2 * 60 + 7
_HOURS: Final = (3, 2, 2, 2, 3, 5, 9, 14, 18, 20, 20, 19, 18, 20, 20, 19, 17, 14, 10, 8, 7, 6, 5, 4)
"""How busy each hour of the day is, relative to the others."""

Minutes = dict[int, list[float]]
Week = dict[Identity, Samples]


def arrivals(per_day: int = PER_DAY, seed: int = 1) -> Mapping[int, int]:
    """Return how many updates come in each minute of a week; a minute without any is left out."""
    rng = random.Random(seed)
    share = per_day / sum(_HOURS) / 60
    counts: dict[int, int] = {}
    for minute in range(WEEK):
        expected = share * _HOURS[minute // 60 % 24]
        count = sum(rng.random() < expected / 20 for _ in range(20))
        if count:
            counts[minute] = count
    return counts


class Metrics:
    """The identities of a stack's metrics, and a healthy week of them."""

    def __init__(self) -> None:
        self.came = arrivals()

    def function(self, metric: str, name: str) -> Identity:
        return _identity("AWS/Lambda", metric, FunctionName=name)

    def queue(self, metric: str, name: str) -> Identity:
        return _identity("AWS/SQS", metric, QueueName=f"{name}.QueueName")

    def table(self, metric: str, name: str, **more: str) -> Identity:
        return _identity("AWS/DynamoDB", metric, TableName=name, **more)

    def rule(self, metric: str) -> Identity:
        return _identity("AWS/Events", metric, RuleName="shipment-update-rule-dev")

    def topic(self, metric: str) -> Identity:
        return _identity("AWS/SNS", metric, TopicName="AlertTopic.TopicName")

    def ours(self, metric: str, **labels: str) -> Identity:
        return _identity("LogisticsProcessing", metric, Environment="dev", **labels)

    def quiet_week(self) -> Week:
        """Return a week in which all is well, and nothing is published that has nothing to say."""
        came = self.came
        processor, notifier, sweep = _FUNCTIONS
        each_minute = {minute: [0.0] for minute in range(WEEK)}
        sweeps = {minute: [1.0] for minute in range(0, WEEK, 5)}
        followed = {minute + 1: [1.0] for minute in came}
        week: Week = {
            self.rule("TriggeredRules"): {minute: [float(n)] for minute, n in came.items()},
            self.queue("ApproximateAgeOfOldestMessage", "IngestQueue"): each_minute,
            self.function("Duration", processor): {m: [80.0, 140.0] for m in came},
            self.function("IteratorAge", notifier): {m: [31_000.0] for m in followed},
            self.topic("NumberOfNotificationsFailed"): {},
            self.ours("ShipmentUpdatesProcessed", Status="IN_TRANSIT"): {
                minute: [float(n)] for minute, n in came.items()
            },
        }
        for name, ran in ((processor, came), (notifier, followed), (sweep, sweeps)):
            week[self.function("Invocations", name)] = {minute: [1.0] for minute in ran}
            week[self.function("Errors", name)] = {minute: [0.0] for minute in ran}
            week[self.function("Throttles", name)] = {minute: [0.0] for minute in ran}
        return week


_FUNCTIONS: Final = (
    "ShipmentProcessorFunction",
    "ShipmentNotifierFunction",
    "ShipmentSweepFunction",
)


@dataclass(frozen=True)
class Trouble:
    """Something breaks, and an alarm has to say so.

    Attributes:
        alarm: its logical name in the template.
        what: in words, for the documentation.
        within: minutes until it must be heard of, by day and by night.
        change: makes the week what it is with the trouble from a minute on.
    """

    alarm: str
    what: str
    within: int
    change: Callable[[Metrics, Week, int], None]


def first_alarm(alarm: Properties, week: Week, begins: int) -> int | None:
    """Return after how many minutes an alarm goes off; None if it does not, all week."""
    for change in changes(alarm, week, range(begins - DAY, WEEK)):
        if change.state is State.ALARM:
            assert change.minute >= begins, "it went off before anything was wrong"
            return change.minute - begins + 1
    return None


def false_alarms(alarm: Properties, week: Week) -> list[Change]:
    """Return when an alarm goes off over a week, its first day apart."""
    found = changes(alarm, week, range(DAY, WEEK))
    return [change for change in found if change.state is State.ALARM]


def _identity(namespace: str, metric: str, **dimensions: str) -> Identity:
    return (namespace, metric, frozenset(dimensions.items()))


def _once(identity: Callable[[Metrics], Identity]) -> Callable[[Metrics, Week, int], None]:
    """Return a trouble that is one more of something, in one minute."""
    return _for(1, identity)


def _for(
    minutes: int, identity: Callable[[Metrics], Identity], value: float = 1.0
) -> Callable[[Metrics, Week, int], None]:
    def change(metrics: Metrics, week: Week, begins: int) -> None:
        name = identity(metrics)
        worse = {minute: [value] for minute in range(begins, begins + minutes)}
        week[name] = {**week.get(name, {}), **worse}

    return change


def _waits(queue: str) -> Callable[[Metrics, Week, int], None]:
    """Return a trouble that is a message in a dead-letter queue, which stays there."""
    return _for(WEEK, lambda m: m.queue("ApproximateNumberOfMessagesVisible", queue))


def _slow(metrics: Metrics, week: Week, begins: int) -> None:
    name = metrics.function("Duration", _FUNCTIONS[0])
    week[name] = {m: [16_000.0] if m >= begins else v for m, v in week[name].items()}


def _behind(metrics: Metrics, week: Week, begins: int) -> None:
    name = metrics.queue("ApproximateAgeOfOldestMessage", "IngestQueue")
    waiting = next(minute for minute in metrics.came if minute >= begins)
    ages = {minute: [60.0 * max(0, minute - waiting)] for minute in range(begins, WEEK)}
    week[name] = {**week[name], **ages}


def _late(metrics: Metrics, week: Week, begins: int) -> None:
    """Every batch fails and comes again, so the notifier runs each minute with records ever older."""
    name = metrics.function("IteratorAge", _FUNCTIONS[1])
    waiting = next(minute for minute in metrics.came if minute >= begins)
    ages = {minute: [60_000.0 * (minute - waiting)] for minute in range(waiting, WEEK)}
    week[name] = {**week[name], **ages}


def _silent_notifier(metrics: Metrics, week: Week, begins: int) -> None:
    for metric in ("Invocations", "Errors", "Throttles"):
        _end(week, metrics.function(metric, _FUNCTIONS[1]), begins)


def _nothing_comes(metrics: Metrics, week: Week, begins: int) -> None:
    _end(week, metrics.rule("TriggeredRules"), begins)


def _end(week: Week, name: Identity, begins: int) -> None:
    week[name] = {minute: values for minute, values in week[name].items() if minute < begins}


def _too_much(metrics: Metrics, week: Week, begins: int) -> None:
    name = metrics.rule("TriggeredRules")
    flood = {minute: [20 * PER_DAY / DAY] for minute in range(begins, begins + DAY)}
    week[name] = {**week[name], **flood}


def _dead_letter(alarm: str, queue: str, what: str) -> Trouble:
    return Trouble(alarm, what, 1, _waits(queue))


def _throttled(alarm: str, table: str, what: str, **more: str) -> Trouble:
    return Trouble(alarm, what, 1, _once(lambda m: m.table("WriteThrottleEvents", table, **more)))


def _error(alarm: str, function: str, what: str) -> Trouble:
    return Trouble(alarm, what, 1, _once(lambda m: m.function("Errors", function)))


def _none(metrics: Metrics, week: Week, begins: int) -> None:
    """Nothing changes in any metric that is published."""


TROUBLES: Final[Sequence[Trouble]] = (
    _error("LambdaErrorAlarm", _FUNCTIONS[0], "the processor raises once"),
    _error("NotifierErrorAlarm", _FUNCTIONS[1], "the notifier raises once"),
    _error("SweepErrorAlarm", _FUNCTIONS[2], "the sweep raises once"),
    Trouble(
        "LambdaThrottleAlarm",
        "the account has no room for the processor, for ten minutes",
        10,
        _for(10, lambda m: m.function("Throttles", _FUNCTIONS[0])),
    ),
    Trouble("LambdaDurationAlarm", "each batch takes 16 s of its 30", 20, _slow),
    Trouble("NotifierAgeAlarm", "each batch of the stream fails and comes again", 25, _late),
    Trouble("BehindAlarm", "the processor's mapping is disabled", 20, _behind),
    _dead_letter("IngestDlqAlarm", "IngestDlq", "an update failed five times"),
    _dead_letter("DeliveryDlqAlarm", "DeliveryDlq", "EventBridge could not reach the queue"),
    _dead_letter("InvokeDlqAlarm", "InvokeDlq", "a direct invocation failed three times"),
    _dead_letter("StreamDlqAlarm", "StreamDlq", "a batch of the stream was given up"),
    _dead_letter("RefoldDlqAlarm", "RefoldDlq", "a shipment could not be folded five times"),
    _dead_letter("SweepDlqAlarm", "SweepDlq", "a sweep did not run"),
    _dead_letter("AlertDlqAlarm", "AlertDlq", "SNS could not deliver a mail"),
    Trouble(
        "RuleFailedAlarm",
        "EventBridge gave up one delivery",
        1,
        _once(lambda m: m.rule("FailedInvocations")),
    ),
    Trouble(
        "RuleDlqFailedAlarm",
        "and could not reach the dead-letter queue either",
        1,
        _once(lambda m: m.rule("InvocationsFailedToBeSentToDlq")),
    ),
    Trouble("DeadManAlarm", "the rule is disabled (`DeadManHours` of 1)", 180, _nothing_comes),
    Trouble(
        "UndeliveredAlarm",
        "SNS fails to notify once",
        1,
        _once(lambda m: m.topic("NumberOfNotificationsFailed")),
    ),
    Trouble(
        "RejectedAlarm",
        "one event is rejected",
        1,
        _once(lambda m: m.ours("ProcessingErrors")),
    ),
    _throttled("DynamoDBThrottleAlarm", "ShipmentLogsTable", "one write to the log is throttled"),
    _throttled(
        "StateThrottleAlarm",
        "ShipmentStateTable",
        "one write to an index of the state is throttled",
        GlobalSecondaryIndexName="open",
    ),
    Trouble(
        "SystemErrorAlarm",
        "DynamoDB fails writes to the log for ten minutes",
        10,
        _for(10, lambda m: m.table("SystemErrors", "ShipmentLogsTable", Operation="PutItem")),
    ),
    Trouble("NotifierSilentAlarm", "the notifier's mapping is disabled", 60, _silent_notifier),
    Trouble("VolumeAlarm", "twenty times the declared updates come", 180, _too_much),
)


# ------------------------------------------------------------------------- the first design


@dataclass(frozen=True)
class Blindness:
    """What an alarm of the first design was meant for, and whether it sees that.

    Attributes:
        alarm: its properties.
        what: goes wrong, in words.
        why: it does or does not see it.
        seen: whether it goes off at all.
        change: makes the week what it is with the trouble from a minute on.
    """

    alarm: Properties
    what: str
    why: str
    seen: bool
    change: Callable[[Metrics, Week, int], None]


def _first(namespace: str, metric: str, name: str, **rest: object) -> Properties:
    return {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": "TableName" if "Table" in name else "FunctionName", "Value": name}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **rest,
    }


def _raises(metrics: Metrics, week: Week, begins: int) -> None:
    """Every event fails for a day, and Lambda tries each three times within its three minutes."""
    name = metrics.function("Errors", _FUNCTIONS[0])
    tries: Minutes = {}
    for came, count in metrics.came.items():
        for minute in (came, came + 1, came + 3):
            if begins <= minute < begins + DAY:
                tries.setdefault(minute, []).append(float(count))
    week[name] = {**week[name], **tries}


def _one_in_ten_hangs(metrics: Metrics, week: Week, begins: int) -> None:
    name = metrics.function("Duration", _FUNCTIONS[0])
    week[name] = {
        minute: [30_000.0] if minute >= begins and i % 10 == 0 else [90.0]
        for i, minute in enumerate(week[name])
    }


_ERRORS: Final = _first("AWS/Lambda", "Errors", _FUNCTIONS[0], Threshold=5)
_DURATION: Final = _first(
    "AWS/Lambda",
    "Duration",
    _FUNCTIONS[0],
    Statistic="Average",
    EvaluationPeriods=2,
    Threshold=20_000,
)
BLIND: Final[Sequence[Blindness]] = (
    Blindness(
        _ERRORS,
        "DynamoDB refuses every write for a day",
        "the handler swallows the error and returns: `Errors` stays 0",
        False,
        _none,
    ),
    Blindness(
        _ERRORS,
        "one event fails, and the handler could raise",
        "three errors in five minutes; it asks for six",
        False,
        _for(3, lambda m: m.function("Errors", _FUNCTIONS[0])),
    ),
    Blindness(
        _ERRORS,
        "every event fails for a day, and the handler could raise",
        "two events in five minutes are enough, if each is tried three times",
        True,
        _raises,
    ),
    Blindness(
        _first("AWS/Lambda", "Throttles", _FUNCTIONS[0], Threshold=1),
        "the function is throttled once",
        "it asks for two within five minutes",
        False,
        _once(lambda m: m.function("Throttles", _FUNCTIONS[0])),
    ),
    Blindness(
        _DURATION,
        "one event in ten hangs until the timeout",
        "an average of 3 s is below 20 s",
        False,
        _one_in_ten_hangs,
    ),
    Blindness(
        _first("AWS/DynamoDB", "UserErrors", "ShipmentLogsTable", Threshold=5),
        "every write is throttled for a day",
        "`UserErrors` counts no throttling, and has no dimension `TableName`",
        False,
        _for(DAY, lambda m: m.table("WriteThrottleEvents", "ShipmentLogsTable"), 5.0),
    ),
)
