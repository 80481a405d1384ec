"""The dashboard shows what there is, of this stack only."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.identities import dimension_sets
from tests.support.templates import Stack
from tests.unit.aws_lambda.conftest import Time, World
from waypost.ports import Metric
from waypost.stack import bundle

WIDGET = {"type", "x", "y", "width", "height", "properties"}
METRIC = {"title", "region", "metrics", "stat", "stacked"}
LOG = {"title", "region", "query", "view"}
TITLES = {
    "Alarms",
    "Open incidents",
    "What comes in",
    "Matched, rejected, ignored",
    "Why rejected",
    "How far behind (s; stream in ms)",
    "Alerts raised",
    "Messages sent",
    "Errors and throttles",
    "Duration, 99 of 100 (ms)",
    "Dead letters",
    "Cost: invocations",
    "Cost: table units",
    "Cost: log bytes",
}


def widgets(template: dict[str, Any], **parameters: object) -> list[dict[str, Any]]:
    body = Stack(template, **parameters)["LogisticsDashboard"]["DashboardBody"]
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def rows(widget: dict[str, Any]) -> list[list[str]]:
    """Return a widget's metrics in full: a dot repeats what stands above it."""
    full: list[list[str]] = []
    for row in widget["properties"].get("metrics", []):
        fields = [field for field in row if isinstance(field, str)]
        if fields:
            above = full[-1] if full else fields
            full.append([above[i] if f == "." else f for i, f in enumerate(fields)])
    return full


def names(row: list[str]) -> frozenset[str]:
    return frozenset(row[2::2])


@pytest.mark.parametrize("bus", ["default", "parcels"])
def test_every_row_names_a_metric_that_is_published(template: dict[str, Any], bus: str) -> None:
    shown = [row for w in widgets(template, EventBusName=bus) for row in rows(w)]

    assert len(shown) > 30
    for row in shown:
        assert len(row) % 2 == 0
        assert names(row) in dimension_sets(row[0], row[1]), row


def test_no_row_spans_the_account(template: dict[str, Any]) -> None:
    assert all(names(row) for widget in widgets(template) for row in rows(widget))


def test_searches_look_for_dimensions_that_are_published(template: dict[str, Any]) -> None:
    searches = [
        row[0]["expression"]
        for widget in widgets(template)
        for row in widget["properties"].get("metrics", [])
        if isinstance(row[0], dict)
    ]

    assert len(searches) == 1
    for search in searches:
        found = re.fullmatch(
            r"SEARCH\('\{(\w+),([\w,]+)\} MetricName=\"(\w+)\" Environment=\"dev\"','Sum',300\)",
            search,
        )
        assert found
        assert frozenset(found[2].split(",")) in dimension_sets(found[1], found[3])


def test_widgets_have_the_members_that_cloudwatch_knows(template: dict[str, Any]) -> None:
    known = {"metric": METRIC, "log": LOG, "alarm": {"title", "alarms"}}

    for widget in widgets(template):
        assert widget.keys() == WIDGET
        assert widget["properties"].keys() <= known[widget["type"]]


def test_widgets_are_laid_out_side_by_side(template: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in widgets(template):
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget["properties"]["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells

    height = max(y for _, y in taken) + 1
    assert len(taken) == 24 * height, "there is no gap"


def test_it_shows_what_an_operator_asks_for(template: dict[str, Any]) -> None:
    assert {widget["properties"]["title"] for widget in widgets(template)} == TITLES


@pytest.mark.parametrize("level", ["full", "basic"])
def test_the_alarms_shown_are_those_there_are(template: dict[str, Any], level: str) -> None:
    stack = Stack(template, Alarms=level, DeclaredPerDay=0)
    deployed = {a.properties["AlarmName"] for a in stack.resources("AWS::CloudWatch::Alarm")}
    [shown] = [w["properties"]["alarms"] for w in widgets(template, Alarms=level) if w["y"] == 0]

    prefix = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:"
    assert {arn.removeprefix(prefix) for arn in shown} == deployed


def test_without_alarms_none_is_shown(template: dict[str, Any]) -> None:
    assert "alarm" not in {widget["type"] for widget in widgets(template, Alarms="none")}


def test_logs_are_asked_in_groups_of_this_stack(template: dict[str, Any]) -> None:
    groups = {g.name for g in Stack(template).resources("AWS::Logs::LogGroup")}
    asked = {
        source
        for widget in widgets(template)
        for source in re.findall(r"SOURCE '(\w+)'", widget["properties"].get("query", ""))
    }

    assert asked == groups


def test_logs_are_asked_for_members_that_the_functions_write(template: dict[str, Any]) -> None:
    queries = " ".join(w["properties"].get("query", "") for w in widgets(template))
    sources = bundle.sources()

    assert "by problem" in queries
    assert '"problem": ' in sources["waypost/aws_lambda/processor.py"]
    assert f"sum({Metric.ALERTS.value})" in queries
    assert f"by labels.{Metric.ALERTS.label_names[0]}" in queries
    assert '"labels": ' in sources["waypost/metrics/emf.py"]


def test_open_incidents_are_shown_for_every_condition_that_opens_one(
    template: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    [query] = [
        widget["properties"]["query"]
        for widget in widgets(template)
        if widget["properties"]["title"] == "Open incidents"
    ]
    caplog.set_level("INFO")
    World().sweep.handle({}, Time())
    [line] = [vars(record) for record in caplog.records if hasattr(record, "openIncidents")]

    shown = re.findall(r"openIncidents\.(\w+) as (\w+)", query)
    assert [first for first, _ in shown] == [second for _, second in shown]
    assert [first for first, _ in shown] == list(line["openIncidents"])
    assert "atLeast" in query
    assert line["atLeast"] is False
