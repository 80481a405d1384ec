"""EMF: lines that CloudWatch turns into metrics, of a closed set."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

from tests.support.clocks import NOON, FakeClock
from waypost.core.statuses import CONDITIONS, Status
from waypost.metrics.emf import EmfMetrics
from waypost.ports import Metric, MetricKind

if TYPE_CHECKING:
    import pytest


def sink() -> tuple[EmfMetrics, StringIO]:
    out = StringIO()
    return EmfMetrics(environment="dev", clock=FakeClock(), out=out), out


def lines(metrics: EmfMetrics, out: StringIO) -> list[dict[str, Any]]:
    metrics.flush()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def identities(line: dict[str, Any]) -> set[tuple[str, ...]]:
    """Return what CloudWatch makes of a line: (metric, dimension=value ...)."""
    return {
        (metric["Name"], *(f"{name}={line[name]}" for name in dimensions))
        for directive in line["_aws"]["CloudWatchMetrics"]
        for dimensions in directive["Dimensions"]
        for metric in directive["Metrics"]
    }


def test_whatever_happens_there_are_at_most_14_identities() -> None:
    metrics, out = sink()
    for status in Status:
        metrics.add(Metric.UPDATES, 1, status.value)
    metrics.add(Metric.UPDATES, 1, "some word of a producer's")
    for condition in CONDITIONS:
        metrics.add(Metric.ALERTS, 1, condition.value)
    for outcome in ("sent", "failed", "dead"):
        metrics.add(Metric.MESSAGES, 1, "sns", outcome)
    for metric in Metric:
        if not metric.label_names:
            (metrics.add if metric.kind is MetricKind.COUNTER else metrics.set)(metric, 1)
    found = {identity for line in lines(metrics, out) for identity in identities(line)}
    assert ("ShipmentUpdatesProcessed", "Environment=dev", "Status=LOST") in found
    assert ("ShipmentUpdatesProcessed", "Environment=dev", "Status=OTHER") in found
    assert ("ProcessingErrors", "Environment=dev") in found
    assert len(found) == 14


def test_a_line_is_what_the_format_asks_for() -> None:
    metrics, out = sink()
    metrics.add(Metric.UPDATES, 2, "RETURNING")
    [line] = lines(metrics, out)
    assert line == {
        "_aws": {
            "Timestamp": NOON,
            "CloudWatchMetrics": [
                {
                    "Namespace": "LogisticsProcessing",
                    "Dimensions": [["Environment", "Status"]],
                    "Metrics": [{"Name": "ShipmentUpdatesProcessed", "Unit": "Count"}],
                }
            ],
        },
        "Environment": "dev",
        "Status": "OTHER",
        "ShipmentUpdatesProcessed": 2,
        "labels": {"Status": "RETURNING"},
    }


def test_numbers_without_labels_share_a_line() -> None:
    metrics, out = sink()
    metrics.add(Metric.DUPLICATES)
    metrics.add(Metric.REJECTED)
    metrics.add(Metric.CONFLICTS)
    [line] = lines(metrics, out)
    assert {name for name, _ in identities(line)} == {"DuplicatesIgnored", "ProcessingErrors"}
    assert line["ConflictsFound"] == 1, "in the line for queries, but no metric"


def test_a_flush_begins_anew_and_writes_nothing_of_nothing() -> None:
    metrics, out = sink()
    metrics.add(Metric.DUPLICATES)
    assert len(lines(metrics, out)) == 1
    assert len(lines(metrics, out)) == 1


def test_without_an_output_it_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = EmfMetrics(environment="dev", clock=FakeClock())
    metrics.add(Metric.DUPLICATES)
    metrics.flush()
    assert json.loads(capsys.readouterr().out)["DuplicatesIgnored"] == 1
