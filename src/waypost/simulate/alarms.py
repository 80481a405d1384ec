"""When a CloudWatch alarm changes its state, given what a metric was minute by minute.

The rules are those of AWS's documentation of alarms and of missing data:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
Its worked examples are tests. It does not say how far back CloudWatch looks; the examples look at two
periods more than the alarm asks for, and so does this.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any, Final

EXTRA_PERIODS: Final = 2
"""So many periods before the evaluated ones are looked at where some of those have no data."""

Point = float | None
"""What a metric was in a period; None where it said nothing."""
Samples = Mapping[int, Sequence[float]]
"""What was published of a metric: values by minute, counted from any beginning."""
Identity = tuple[str, str, frozenset[tuple[str, str]]]
"""A metric: namespace, name, dimensions with their values."""


class State(StrEnum):
    """What an alarm says."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What an alarm takes a period without data for (TreatMissingData)."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm changed its state, at the end of a minute."""

    minute: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an alarm asks of its points.

    Attributes:
        breaches: whether a point is on the wrong side of the threshold.
        periods: how many of the newest points count (EvaluationPeriods).
        datapoints: how many of them have to breach (DatapointsToAlarm).
        missing: what a period without data is.
    """

    breaches: Callable[[float], bool]
    periods: int
    datapoints: int
    missing: Missing

    @property
    def range(self) -> int:
        """How many periods are looked at: the evaluation range."""
        return self.periods + EXTRA_PERIODS

    def evaluate(self, points: Sequence[Point], before: State) -> State:
        """Return the state of an alarm.

        Args:
            points: of the evaluation range, oldest first.
            before: the state so far.
        """
        real = [self.breaches(point) for point in points if point is not None]
        gaps = self.periods - len(real)
        if gaps <= 0:
            return _alarm_if(sum(real[-self.periods :]) >= self.datapoints)
        if self.missing is Missing.BREACHING:
            return _alarm_if(sum(real) + gaps >= self.datapoints)
        if self.missing is Missing.NOT_BREACHING or False in real or sum(real) >= self.datapoints:
            return _alarm_if(sum(real) >= self.datapoints)
        return self._without_good_points(points, before)

    def _without_good_points(self, points: Sequence[Point], before: State) -> State:
        """Decide where all that is there breaches, too little of it, and nothing stands for the rest.

        It is an alarm once the oldest of it is so old that no point to come can be an older good one.
        """
        ages = [len(points) - i for i, point in enumerate(points) if point is not None]
        if self.missing is Missing.IGNORE:
            return before
        if not ages:
            return State.INSUFFICIENT_DATA
        return State.ALARM if ages[0] >= self.datapoints else before


def changes(
    alarm: Mapping[str, Any], published: Mapping[Identity, Samples], minutes: range
) -> Iterator[Change]:
    """Give the changes of an alarm's state, evaluated at the end of each minute over sliding windows.

    Args:
        alarm: the properties of an AWS::CloudWatch::Alarm, with all intrinsic functions resolved.
        published: all metrics that there are; what an alarm watches beside them has no data.
        minutes: from when to when; the alarm begins as OK.

    Raises:
        ValueError: it has a metric math expression that is not understood.
    """
    rule, period, point = _rule(alarm), *_points(alarm, published)
    state = State.OK
    for minute in minutes:
        window = [point(minute - k * period) for k in reversed(range(rule.range))]
        now = rule.evaluate(window, state)
        if now is not state:
            yield Change(minute, now)
        state = now


def _rule(alarm: Mapping[str, Any]) -> Rule:
    compare = _OPERATORS[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    periods = int(alarm["EvaluationPeriods"])
    missing = Missing(alarm.get("TreatMissingData", Missing.MISSING))
    if alarm.get("Namespace") == "AWS/DynamoDB":  # whatever it says: PutMetricAlarm's reference
        missing = Missing.IGNORE
    return Rule(
        breaches=lambda value: bool(compare(value, threshold)),
        periods=periods,
        datapoints=int(alarm.get("DatapointsToAlarm", periods)),
        missing=missing,
    )


def _points(
    alarm: Mapping[str, Any], published: Mapping[Identity, Samples]
) -> tuple[int, Callable[[int], Point]]:
    """Return the period in minutes, and what gives the point of the period that a minute ends."""
    if "Metrics" not in alarm:
        stat = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return _window(alarm, alarm["Period"], stat, published)
    [formula] = [query["Expression"] for query in alarm["Metrics"] if "Expression" in query]
    parts = {
        query["Id"]: _window(
            query["MetricStat"]["Metric"],
            query["MetricStat"]["Period"],
            query["MetricStat"]["Stat"],
            published,
        )
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }
    [period] = {period for period, _ in parts.values()}
    work_out = _formula(formula)

    def point(minute: int) -> Point:
        return work_out({name: part(minute) for name, (_, part) in parts.items()})

    return period, point


def _window(
    metric: Mapping[str, Any], seconds: int, stat: str, published: Mapping[Identity, Samples]
) -> tuple[int, Callable[[int], Point]]:
    period = int(seconds) // 60
    dimensions = frozenset((d["Name"], str(d["Value"])) for d in metric.get("Dimensions", ()))
    samples = published.get((metric["Namespace"], metric["MetricName"], dimensions), {})
    times = sorted(samples)

    @cache
    def point(minute: int) -> Point:
        inside = times[bisect_right(times, minute - period) : bisect_right(times, minute)]
        values = list(chain.from_iterable(samples[time] for time in inside))
        return _statistic(stat, values) if values else None

    return period, point


def _statistic(name: str, values: Sequence[float]) -> float:
    if name.startswith("p"):
        ordered = sorted(values)
        rank = math.ceil(float(name[1:]) / 100 * len(ordered))
        return ordered[max(rank, 1) - 1]
    return _STATISTICS[name](values)


def _alarm_if(breaching: bool) -> State:  # noqa: FBT001 (a predicate's answer)
    return State.ALARM if breaching else State.OK


def _formula(text: str) -> Callable[[Mapping[str, Point]], Point]:
    """Return what works out an expression of metric math, as far as it is known here.

    Known are numbers, metrics, the four operations, comparisons, AND, OR, FILL with a number and IF:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    python = re.sub(r"\b(AND|OR)\b", lambda found: found[0].lower(), text)
    try:
        tree = ast.parse(python, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"no metric math: {text}") from error
    return lambda values: _work_out(tree, values)


def _work_out(node: ast.expr, values: Mapping[str, Point]) -> Point:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _apply(_ARITHMETIC[type(op)], [left, right], values)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
            return _apply(_COMPARISONS[type(op)], [left, right], values)
        case ast.BoolOp(op=op, values=parts):
            every = all if isinstance(op, ast.And) else any
            return _apply(lambda *sides: every(sides), parts, values)
        case ast.Call(func=ast.Name(id="FILL"), args=[series, filling]):
            chosen = filling if _work_out(series, values) is None else series
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no]):
            chosen = yes if _work_out(condition, values) else no
        case _:
            raise ValueError(f"no metric math that is known here: {ast.unparse(node)}")
    return _work_out(chosen, values)


def _apply(
    function: Callable[..., float], nodes: Sequence[ast.expr], values: Mapping[str, Point]
) -> Point:
    """Apply a function to what is there; where one side has no data, neither has the result."""
    sides = [_work_out(node, values) for node in nodes]
    return None if None in sides else float(function(*sides))


_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}
_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
