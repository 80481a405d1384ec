"""The model of alarms against the worked examples of AWS's documentation.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html has the
two tables, each of five points for an alarm of three periods: ``0`` is within the threshold, ``X``
is not, ``-`` is no data.
"""

from __future__ import annotations

from typing import Any

import pytest

from waypost.simulate.alarms import Change, Missing, Rule, State, changes

OK, ALARM, NONE = State.OK, State.ALARM, State.INSUFFICIENT_DATA
KEEP = None
METRIC = ("Test", "Things", frozenset({("Name", "one")}))


def rule(missing: Missing, datapoints: int = 3, periods: int = 3) -> Rule:
    return Rule(
        breaches=lambda value: value > 0, periods=periods, datapoints=datapoints, missing=missing
    )


def points(text: str) -> list[float | None]:
    return [{"0": 0.0, "X": 1.0, "-": None}[sign] for sign in text.split()]


ALL_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", NONE, KEEP, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, KEEP, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, KEEP, ALARM, OK),
]


@pytest.mark.parametrize(
    ("datapoints", "text", "states"),
    [(3, text, states) for text, *states in ALL_OF_THREE]
    + [(2, text, states) for text, *states in TWO_OF_THREE],
)
def test_the_documented_tables(datapoints: int, text: str, states: list[State | None]) -> None:
    for missing, wanted in zip(Missing, states, strict=True):
        for before in State:
            said = rule(missing, datapoints).evaluate(points(text), before)
            assert said is (wanted or before), (text, missing, before)


@pytest.mark.parametrize("text", ["- - - - X", "- - - X -"])
def test_one_bad_point_among_none_is_no_alarm_yet(text: str) -> None:
    assert rule(Missing.MISSING).evaluate(points(text), OK) is OK


def test_a_point_within_the_threshold_beside_gaps_is_no_alarm() -> None:
    assert rule(Missing.MISSING).evaluate(points("- - - X 0"), ALARM) is OK


# ------------------------------------------------------------------------------- over minutes


def alarm(**properties: Any) -> dict[str, Any]:
    return {
        "Namespace": METRIC[0],
        "MetricName": METRIC[1],
        "Dimensions": [{"Name": "Name", "Value": "one"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "TreatMissingData": "notBreaching",
        **properties,
    }


def test_windows_slide_by_the_minute() -> None:
    published = {METRIC: {10: [1.0], 12: [1.0]}}
    two_in_five = alarm(Period=300, Threshold=1)

    assert next(changes(two_in_five, published, range(20))) == Change(12, ALARM)


def test_an_old_point_stands_until_the_evaluation_range_has_left_it_behind() -> None:
    # With one period asked for and three looked at, the newest real point decides.
    published = {METRIC: {10: [1.0]}}

    assert list(changes(alarm(), published, range(20))) == [Change(10, ALARM), Change(13, OK)]


def test_silence_is_breaching_only_when_the_whole_range_is_silent() -> None:
    published = {METRIC: {minute: [1.0] for minute in range(11)}}
    dead_man = alarm(
        ComparisonOperator="LessThanThreshold", Threshold=1, TreatMissingData="breaching"
    )

    assert list(changes(dead_man, published, range(2, 20))) == [Change(13, ALARM)]


def test_dynamodb_ignores_gaps_whatever_the_alarm_says() -> None:
    name = ("AWS/DynamoDB", "WriteThrottleEvents", METRIC[2])
    asked = alarm(Namespace=name[0], MetricName=name[1])

    assert list(changes(asked, {name: {10: [1.0]}}, range(99))) == [Change(10, ALARM)]


def test_what_nobody_publishes_never_changes() -> None:
    assert not list(changes(alarm(), {}, range(99)))
    assert list(changes(alarm(TreatMissingData="missing"), {}, range(99))) == [Change(0, NONE)]


@pytest.mark.parametrize(
    ("stat", "value"),
    [
        ("Sum", 10),
        ("Average", 2.5),
        ("Maximum", 4),
        ("Minimum", 1),
        ("SampleCount", 4),
        ("p50", 2),
        ("p99", 4),
    ],
)
def test_statistics(stat: str, value: float) -> None:
    published = {METRIC: {0: [1.0, 2.0], 1: [3.0, 4.0]}}
    reached = alarm(Period=120, Statistic=stat, ComparisonOperator="GreaterThanOrEqualToThreshold")

    for threshold, wanted in ((value, True), (value + 0.1, False)):
        found = list(changes({**reached, "Threshold": threshold}, published, range(1, 2)))
        assert bool(found) is wanted, threshold


# -------------------------------------------------------------------------------- metric math


def math(expression: str, **properties: Any) -> dict[str, Any]:
    metric = {
        "Namespace": METRIC[0],
        "MetricName": METRIC[1],
        "Dimensions": [{"Name": "Name", "Value": "one"}],
    }
    stat = {"Metric": metric, "Stat": "Sum", "Period": 60}
    found = alarm(**properties)
    for name in ("Namespace", "MetricName", "Dimensions", "Statistic", "Period"):
        del found[name]
    queries = [{"Id": "e", "Expression": expression}, {"Id": "m", "MetricStat": stat}]
    return {**found, "Metrics": queries}


@pytest.mark.parametrize(
    "expression",
    [
        "m",
        "FILL(m, 0)",
        "m * 2 - 1",
        "m / 2 + 1",
        "IF(m > 0 AND m == 1, 1, 0)",
        "IF(m < 0 OR m >= 1, 1, 0)",
        "IF(m <= 0, 0, m != 2)",
    ],
)
def test_expressions(expression: str) -> None:
    found = list(changes(math(expression), {METRIC: {10: [1.0], 11: [0.0]}}, range(10, 11)))

    assert found == [Change(10, ALARM)]


def test_a_filled_gap_ends_an_alarm_at_once() -> None:
    published = {METRIC: {10: [1.0]}}

    assert list(changes(math("FILL(m,0)"), published, range(20))) == [
        Change(10, ALARM),
        Change(11, OK),
    ]
    assert list(changes(math("m"), published, range(20)))[1] == Change(13, OK)


@pytest.mark.parametrize("expression", ["ANOMALY_DETECTION_BAND(m)", "m ** 2", "m +", "'m'"])
def test_what_is_not_understood_is_said(expression: str) -> None:
    with pytest.raises(ValueError, match="metric math"):
        list(changes(math(expression), {METRIC: {0: [1.0]}}, range(1)))
