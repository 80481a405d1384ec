"""Rules about alarms: each has to be able to go off, in quiet hours too, and to reach somebody."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from waypost.stack.lint.code import Code
from waypost.stack.lint.findings import Rule, gap, hit
from waypost.stack.lint.sources import code_of, handler_of
from waypost.stack.lint.values import member, number, truth
from waypost.stack.lint.watching import ALARM, expressions, of, watches
from waypost.stack.lint.wiring import (
    FUNCTION,
    called_and_left,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import Resource, View
    from waypost.stack.lint.watching import Watch

QUIET: Final = 0.25
"""In quiet hours there is taken to be this part of the traffic that the average hour has."""
ATTEMPTS: Final = 3
"""Lambda tries an asynchronous event so often, and counts each failure."""
_DAY: Final = 86_400
_HOUR: Final = 3_600
_WEEK: Final = 7 * _DAY
_SHORT_PERIODS: Final = (10, 20, 30)
_MINUTE: Final = 60
_COUNTERS: Final = frozenset(
    {
        ("AWS/DynamoDB", "ReadThrottleEvents"),
        ("AWS/DynamoDB", "SystemErrors"),
        ("AWS/DynamoDB", "ThrottledRequests"),
        ("AWS/DynamoDB", "WriteThrottleEvents"),
        ("AWS/Events", "FailedInvocations"),
        ("AWS/Events", "InvocationsFailedToBeSentToDlq"),
        ("AWS/Events", "InvocationsSentToDlq"),
        ("AWS/Lambda", "AsyncEventsDropped"),
        ("AWS/Lambda", "DeadLetterErrors"),
        ("AWS/Lambda", "DestinationDeliveryFailures"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/SNS", "NumberOfNotificationsFailed"),
    }
)
"""Of these, each unit is something that went wrong with one event."""
_ERRORS: Final = ("AWS/Lambda", "Errors")
_PER_EVENT: Final = frozenset({("AWS/Lambda", "Duration"), ("AWS/Lambda", "IteratorAge")})
"""These have data only where something was processed."""
_WORST: Final = frozenset(
    {
        ("AWS/Lambda", "AsyncEventAge"),
        ("AWS/Lambda", "Duration"),
        ("AWS/Lambda", "IteratorAge"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    }
)
"""Of these the worst counts."""
_MILD: Final = frozenset({"Average", "Minimum", "SampleCount"})


def _filled(view: View) -> Iterator[Said]:
    for watch in watches(view):
        if watch.namespace != "AWS/DynamoDB":
            continue
        filled = rf"FILL\(\s*{re.escape(watch.id)}\s*,"
        if not watch.id:
            said = watch.alarm.get("TreatMissingData") or "missing"
            yield hit(
                watch.alarm,
                f"it watches {watch.name} as it is: CloudWatch ignores missing data there, though "
                f"TreatMissingData says {said}",
                "MetricName",
            )
        elif not any(re.search(filled, text) for text in expressions(watch.alarm)):
            yield hit(watch.alarm, f"{watch.name} ({watch.id}) is not filled", "Metrics")


def _reachable(view: View) -> Iterator[Said]:
    for watch in watches(view):
        needed = _needed(watch)
        if needed is None:
            continue
        per_day, period = view.per_day, number(watch.period)
        if per_day is None or period is None:
            yield gap(
                watch.alarm, "nobody said how many events a day there are (--per-day)", "Threshold"
            )
            continue
        function = view.target(watch.dimensions.get("FunctionName"), FUNCTION)
        is_retried = (watch.namespace, watch.metric) == _ERRORS and function in called_and_left(
            view
        )
        attempts = ATTEMPTS if is_retried else 1
        average = per_day * period / _DAY
        if needed > average * QUIET * attempts:
            yield hit(
                watch.alarm,
                f"it needs {needed} in {period:.0f} s; with {per_day:,.0f} events a day there are "
                f"{average:.2g} in that time, {average * QUIET:.2g} in quiet hours"
                + (f", each tried {attempts} times" if is_retried else ""),
                "Threshold",
            )


def _needed(watch: Watch) -> int | None:
    """Return how many failures in one period it takes; None where one is enough or it is no count."""
    threshold = number(watch.alarm.get("Threshold"))
    is_count = (watch.namespace, watch.metric) in _COUNTERS and watch.statistic == "Sum"
    if watch.id or not is_count or threshold is None:
        return None
    match watch.alarm.get("ComparisonOperator"):
        case "GreaterThanThreshold":
            needed = math.floor(threshold) + 1
        case "GreaterThanOrEqualToThreshold":
            needed = math.ceil(threshold)
        case _:
            return None
    return needed if needed > 1 else None


def _dense_enough(view: View) -> Iterator[Said]:
    for watch in watches(view):
        periods = number(watch.alarm.get("EvaluationPeriods"))
        period = number(watch.period)
        if (watch.namespace, watch.metric) not in _PER_EVENT or not periods or not period:
            continue
        wanted = number(watch.alarm.get("DatapointsToAlarm")) or periods
        if view.per_day is None or wanted <= 1:
            continue
        found = view.per_day * QUIET * period * periods / _DAY
        if found < wanted:
            yield hit(
                watch.alarm,
                f"it wants {wanted:.0f} data points in {period * periods:.0f} s; in quiet hours there "
                f"are {found:.2g} events in that time",
                "EvaluationPeriods",
            )


def _errors_can_rise(view: View) -> Iterator[Said]:
    for watch in watches(view):
        if (watch.namespace, watch.metric) != _ERRORS:
            continue
        function = view.target(watch.dimensions.get("FunctionName"), FUNCTION)
        code = code_of(view, function) if function is not None else None
        if (
            function is not None
            and isinstance(code, Code)
            and handler_of(function) in code.swallowing
        ):
            what = f"{function.name} catches every error and returns: Errors of it stays 0"
            yield hit(watch.alarm, what, "MetricName")


def _window(view: View) -> Iterator[Said]:
    for alarm in view.of(ALARM):
        periods = alarm.get("EvaluationPeriods")
        spans = [number(watch.period) for watch in of(alarm)]
        known = [span for span in spans if span is not None]
        if number(periods) is None or len(known) < len(spans):
            if periods is not None and alarm.get("MetricName") is not None:
                yield gap(
                    alarm, "its periods are known only when it is deployed", "EvaluationPeriods"
                )
            continue
        yield from _limits(alarm, number(periods) or 0, known)


def _limits(alarm: Resource, periods: float, spans: list[float]) -> Iterator[Said]:
    points = number(alarm.get("DatapointsToAlarm"))
    if periods < 1:
        yield hit(alarm, f"it looks at {periods:.0f} periods", "EvaluationPeriods")
    if points is not None and points > periods:
        yield hit(alarm, f"it wants {points:.0f} of {periods:.0f} periods", "DatapointsToAlarm")
    for span in spans:
        limit = _WEEK if span >= _HOUR else _DAY
        if span * periods > limit:
            what = f"{periods:.0f} periods of {span:.0f} s are {span * periods:,.0f} s, of {limit:,} that may be"
            yield hit(alarm, what, "EvaluationPeriods")
        if span not in _SHORT_PERIODS and (span % _MINUTE or span <= 0):
            yield hit(alarm, f"a period of {span:g} s is none", "Period")


def _worst(view: View) -> Iterator[Said]:
    for watch in watches(view):
        key = (watch.namespace, watch.metric)
        threshold = number(watch.alarm.get("Threshold"))
        if key in _WORST and watch.statistic in _MILD:
            yield hit(
                watch.alarm,
                f"it takes the {watch.statistic} of {watch.name}, which one bad event among many hardly moves",
                "Statistic" if not watch.id else "Metrics",
            )
        elif key in _COUNTERS and watch.statistic == "Average" and (threshold or 0) >= 1:
            what = (
                f"the Average of {watch.name} lies between 0 and 1, the threshold is {threshold:g}"
            )
            yield hit(watch.alarm, what, "Threshold")


def _tells_somebody(view: View) -> Iterator[Said]:
    composed = str(
        [
            member(one.properties, "AlarmRule")
            for one in view.any_of("AWS::CloudWatch::CompositeAlarm")
        ]
    )
    for alarm in view.of(ALARM):
        stands = member(view.document, "Resources", alarm.name, "Properties", "AlarmActions")
        enabled = alarm.get("ActionsEnabled")
        if enabled is not None and not truth(enabled):
            yield hit(alarm, "its actions are switched off", "ActionsEnabled")
        elif (
            not stands
            and alarm.name not in composed
            and str(alarm.get("AlarmName")) not in composed
        ):
            yield hit(alarm, "it has no AlarmActions", "AlarmActions")


RULES: Final = (
    Rule(
        id="WP201",
        title="An alarm on a metric of DynamoDB does not fill what is missing",
        level="error",
        at_night="DynamoDB publishes nothing while nothing is wrong, and CloudWatch ignores missing "
        "data in this namespace whatever the alarm says: once in ALARM it stays there, and the next "
        "trouble makes no noise.",
        fix="Watch metric math instead: FILL(m,0), or FILL(a,0)+FILL(b,0) of several.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
        check=_filled,
    ),
    Rule(
        id="WP202",
        title="A threshold is out of reach of the declared traffic",
        level="error",
        at_night="Every event of the night fails, and they are too few for the alarm.",
        fix="Alarm on the first failure (Sum above 0); where single failures are daily life, lengthen "
        "the period.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html",
        check=_reachable,
    ),
    Rule(
        id="WP203",
        title="An alarm on Errors of a function that never errs",
        level="error",
        at_night="The function fails at each event, says 200 or 500 to nobody, and counts as well.",
        fix="Let the error out of the handler: then Lambda counts it, tries again, and hands over to "
        "the dead-letter queue.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",
        check=_errors_can_rise,
    ),
    Rule(
        id="WP204",
        title="An alarm looks at a time that CloudWatch does not allow",
        level="error",
        at_night="The stack cannot be deployed, or the alarm waits for more than there can be.",
        fix="Period times EvaluationPeriods is at most a day, or 7 days with periods of an hour and "
        "more; a period is 10, 20, 30 or a multiple of 60 s; DatapointsToAlarm is at most "
        "EvaluationPeriods.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
        check=_window,
    ),
    Rule(
        id="WP205",
        title="An alarm averages what should be the worst",
        level="error",
        at_night="One event in ten hangs until its timeout, and the average looks well.",
        fix="Take Maximum, or a high percentile such as p99; of a count take Sum.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
        check=_worst,
    ),
    Rule(
        id="WP206",
        title="An alarm tells nobody",
        level="warning",
        at_night="The alarm goes off, in a console that nobody looks at.",
        fix="Give it AlarmActions: a topic that somebody has subscribed to.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html",
        check=_tells_somebody,
    ),
    Rule(
        id="WP209",
        title="An alarm wants more data points than quiet hours have",
        level="error",
        at_night="What comes in is slow or late, but too little comes in for the alarm to see it.",
        fix="Lengthen the period, or want fewer of the periods (2 of 3 of 300 s).",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html",
        check=_dense_enough,
    ),
)
