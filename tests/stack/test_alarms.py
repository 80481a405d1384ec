"""Alarms that can go off, that end, and that say something."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.clocks import FakeClock
from tests.support.identities import dimension_sets
from tests.support.templates import Resource, Stack
from tests.unit.aws_lambda.conftest import Time, bus_event
from waypost.aws_lambda.processor import Processor
from waypost.core.statuses import Status
from waypost.metrics.emf import IDENTITIES, EmfMetrics
from waypost.ports import Metric
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.templates import Properties

MATH = {
    "DynamoDBThrottleAlarm",
    "StateThrottleAlarm",
    "SystemErrorAlarm",
    "NotifierSilentAlarm",
    "VolumeAlarm",
}
STATES = {
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessagesVisible",
    "Duration",
    "IteratorAge",
    "TriggeredRules",
}
"""What says how things are. All else says that something happened, and its end is no news."""


def alarms(stack: Stack) -> list[Resource]:
    return stack.resources("AWS::CloudWatch::Alarm")


def metrics(alarm: Resource) -> Iterator[Properties]:
    """Return all metrics that an alarm looks at, each with its statistic and period."""
    properties = alarm.properties
    if "Metrics" not in properties:
        statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
        yield {**properties, "Stat": statistic}
    for query in properties.get("Metrics", ()):
        if "MetricStat" in query:
            stat = query["MetricStat"]
            yield {**stat["Metric"], "Stat": stat["Stat"], "Period": stat["Period"]}


def expression(alarm: Resource) -> str:
    [found] = [q["Expression"] for q in alarm.properties["Metrics"] if "Expression" in q]
    return str(found)


@pytest.mark.parametrize("bus", ["default", "parcels"])
def test_every_alarm_watches_a_metric_that_is_published(template: dict[str, Any], bus: str) -> None:
    stack = Stack(template, DeadManHours=1, EventBusName=bus)

    for alarm in alarms(stack):
        for metric in metrics(alarm):
            names = frozenset(d["Name"] for d in metric["Dimensions"])
            known = dimension_sets(metric["Namespace"], metric["MetricName"])
            assert names in known, (alarm.name, metric["MetricName"])


def test_a_custom_bus_publishes_under_both_names(template: dict[str, Any]) -> None:
    for bus, wanted in (
        ("default", {"RuleName": "shipment-update-rule-dev"}),
        ("parcels", {"EventBusName": "parcels", "RuleName": "shipment-update-rule-dev"}),
    ):
        alarm = Stack(template, EventBusName=bus)["RuleFailedAlarm"]
        assert {d["Name"]: d["Value"] for d in alarm["Dimensions"]} == wanted


def test_levels(template: dict[str, Any]) -> None:
    levels = {
        level: {alarm.name for alarm in alarms(Stack(template, Alarms=level, DeadManHours=1))}
        for level in ("full", "basic", "none")
    }

    assert levels["none"] == set()
    assert levels["full"] - levels["basic"] == MATH
    assert len(levels["basic"]) == 19


def test_only_the_full_level_needs_metric_math(template: dict[str, Any]) -> None:
    for alarm in alarms(Stack(template, Alarms="basic")):
        assert "Metrics" not in alarm.properties


def test_every_alarm_tells_the_operators_and_says_what_it_means(stack: Stack) -> None:
    for alarm in alarms(stack):
        assert alarm.properties["AlarmActions"] == ["OpsTopic"]
        assert len(alarm.properties["AlarmDescription"]) > 20


def test_only_the_end_of_a_state_is_news(stack: Stack) -> None:
    for alarm in alarms(stack):
        is_state = "Metrics" not in alarm.properties and alarm.properties["MetricName"] in STATES
        assert alarm.properties.get("OKActions", []) == (["OpsTopic"] if is_state else [])


def test_silence_is_no_alarm_but_for_the_dead_man(stack: Stack) -> None:
    for alarm in alarms(stack):
        wanted = "breaching" if alarm.name == "DeadManAlarm" else "notBreaching"
        assert alarm.properties["TreatMissingData"] == wanted


def test_dynamodb_says_nothing_when_nothing_is_wrong_so_its_metrics_are_filled(
    stack: Stack,
) -> None:
    # In that namespace an alarm ignores missing data whatever it says, and would never end.
    for alarm in alarms(stack):
        if any(m["Namespace"] == "AWS/DynamoDB" for m in metrics(alarm)):
            ids = {q["Id"] for q in alarm.properties["Metrics"] if "MetricStat" in q}
            assert set(re.findall(r"FILL\((\w+),0\)", expression(alarm))) == ids


def test_every_table_and_index_is_watched_for_throttling(stack: Stack) -> None:
    watched = {
        tuple(dimension["Value"] for dimension in metric["Dimensions"])
        for alarm in alarms(stack)
        for metric in metrics(alarm)
        if metric["MetricName"] == "WriteThrottleEvents"
    }
    tables = {(t.name,) for t in stack.resources("AWS::DynamoDB::Table")}
    indexes = {
        ("ShipmentStateTable", index["IndexName"])
        for index in stack["ShipmentStateTable"]["GlobalSecondaryIndexes"]
    }

    assert watched == tables | indexes


def test_one_is_enough_of_what_must_never_happen(stack: Stack) -> None:
    happened = [a for a in alarms(stack) if a.properties.get("MetricName") not in STATES]

    for alarm in happened:
        if alarm.name not in MATH and alarm.name != "LambdaThrottleAlarm":
            assert alarm.properties["Threshold"] == 0
            assert alarm.properties["ComparisonOperator"] == "GreaterThanThreshold"
            assert alarm.properties["EvaluationPeriods"] == 1
            assert alarm.properties["Statistic"] == "Sum"


def test_what_is_slow_or_behind_can_be_seen_in_quiet_hours(template: dict[str, Any]) -> None:
    stack = Stack(template, DeclaredPerDay=1500)
    per_five_minutes = 1500 * 300 / 86_400

    assert per_five_minutes > 1, "so a period of 300 s has something in it at all"
    for name in ("LambdaDurationAlarm", "BehindAlarm", "NotifierAgeAlarm"):
        alarm = stack[name]
        assert (alarm["Period"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (
            300,
            2,
            3,
        )


def test_the_duration_alarm_comes_long_before_the_timeout(stack: Stack) -> None:
    alarm = stack["LambdaDurationAlarm"]
    timeout = stack["ShipmentProcessorFunction"]["Timeout"] * 1_000

    assert alarm["ExtendedStatistic"] == "p99"
    assert alarm["Threshold"] == timeout / 2


def test_waiting_for_the_alert_window_is_not_being_behind(template: dict[str, Any]) -> None:
    longest = template["Parameters"]["AlertWindowSeconds"]["MaxValue"] * 1_000

    assert Stack(template)["NotifierAgeAlarm"]["Threshold"] > longest


@pytest.mark.parametrize("hours", [1, 24, 168])
def test_the_dead_man_waits_as_long_as_is_said(template: dict[str, Any], hours: int) -> None:
    alarm = Stack(template, DeadManHours=hours)["DeadManAlarm"]

    assert alarm["Period"] == 3_600
    assert alarm["EvaluationPeriods"] == hours
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_the_dead_man_waits_for_no_longer_than_cloudwatch_does(template: dict[str, Any]) -> None:
    assert template["Parameters"]["DeadManHours"]["MaxValue"] * 3_600 == 7 * 86_400


def test_without_hours_there_is_no_dead_man(template: dict[str, Any]) -> None:
    assert "DeadManAlarm" not in {alarm.name for alarm in alarms(Stack(template, DeadManHours=0))}


def test_ten_times_the_declared_traffic_is_an_alarm(template: dict[str, Any]) -> None:
    stack = Stack(template, DeclaredPerDay=2_400)
    [alarm] = [a for a in alarms(stack) if a.name == "VolumeAlarm"]

    # 100 an hour are declared; 1,000 an hour give the threshold.
    assert expression(alarm) == "FILL(m,0)*2.4/2400"
    assert alarm.properties["Threshold"] == 1_000 * 2.4 / 2_400
    assert [metric["Period"] for metric in metrics(alarm)] == [3_600]


def test_an_alarm_looks_at_no_more_metrics_than_cloudwatch_allows(stack: Stack) -> None:
    # "Alarms based on metric math expressions can reference a maximum of 10 metrics":
    # docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.md
    assert max(len(list(metrics(alarm))) for alarm in alarms(stack)) <= 10


def recorded(*events: dict[str, Any]) -> set[str]:
    """Return the statuses under which a processor that got these events counted any."""
    out = StringIO()
    numbers = EmfMetrics(environment="dev", clock=FakeClock(), out=out)
    processor = Processor(MemoryStore(), clock=FakeClock(), metrics=numbers)
    for event in events[:-1]:
        processor.handle(event, Time())
    numbers.flush()
    before = len(out.getvalue())
    processor.handle(events[-1], Time())
    numbers.flush()
    lines = [json.loads(line) for line in out.getvalue()[before:].splitlines()]
    return {line["Status"] for line in lines if Metric.UPDATES.value in line}


def test_a_notifier_is_silent_where_something_was_recorded_and_it_did_not_run(
    stack: Stack,
) -> None:
    alarm = next(a for a in alarms(stack) if a.name == "NotifierSilentAlarm")
    *updates, runs = metrics(alarm)
    watched = {d["Value"] for m in updates for d in m["Dimensions"] if d["Name"] == "Status"}
    ids = [q["Id"] for q in alarm.properties["Metrics"] if "MetricStat" in q]

    assert {m["MetricName"] for m in updates} == {Metric.UPDATES.value}
    assert watched == {*IDENTITIES[Metric.UPDATES]}
    assert runs["Dimensions"] == [{"Name": "FunctionName", "Value": "ShipmentNotifierFunction"}]
    filled = "+".join(f"FILL({one},0)" for one in ids[:-1])
    assert expression(alarm) == f"IF({filled}>0 AND FILL({ids[-1]},0)==0,1,0)"

    for status in Status:
        event = bus_event(shipmentId="A", status=status.value)
        assert recorded(event) <= watched
        assert len(recorded(event)) == 1
        assert recorded(event, event) == set(), "of a duplicate there is nothing to tell"
    assert recorded(bus_event()) == set()


def test_without_declared_traffic_there_is_no_alarm_on_it(template: dict[str, Any]) -> None:
    names = {alarm.name for alarm in alarms(Stack(template, DeclaredPerDay=0))}

    assert "VolumeAlarm" not in names
    assert "NotifierSilentAlarm" in names


def test_every_function_has_an_alarm_on_its_errors(stack: Stack) -> None:
    watched = {
        alarm.properties["Dimensions"][0]["Value"]
        for alarm in alarms(stack)
        if alarm.properties.get("MetricName") == "Errors"
    }

    assert watched == {f.name for f in stack.resources("AWS::Lambda::Function")}


def test_periods_are_long_enough_to_be_had_and_short_enough_to_be_kept(stack: Stack) -> None:
    for alarm in alarms(stack):
        for metric in metrics(alarm):
            span = metric["Period"] * int(alarm.properties["EvaluationPeriods"])
            assert metric["Period"] % 60 == 0
            assert span <= (7 * 86_400 if metric["Period"] >= 3_600 else 86_400)
