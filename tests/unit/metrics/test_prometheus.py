from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from waypost.metrics.prometheus import CONTENT_TYPE, PrometheusMetrics, describe
from waypost.ports import Metric, MetricKind


def test_a_registry_takes_them_only_once() -> None:
    registry = CollectorRegistry()
    PrometheusMetrics(registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        PrometheusMetrics(registry)


def test_it_publishes_the_closed_set_and_nothing_beside_it() -> None:
    metrics = PrometheusMetrics(CollectorRegistry())
    for metric in Metric:
        labels = ["x"] * len(metric.label_names)
        (metrics.add if metric.kind is MetricKind.COUNTER else metrics.set)(metric, 1, *labels)
    families = list(text_string_to_metric_families(metrics.render().decode()))
    assert len(families) == len(Metric)
    assert [family.documentation for family in families] == [metric.help for metric in Metric]
    assert sum(len(family.samples) for family in families) == len(Metric)


def test_a_metric_without_labels_is_there_from_the_start() -> None:
    text = PrometheusMetrics(CollectorRegistry()).render().decode()
    assert "\nwaypost_duplicates_ignored_total 0.0\n" in text
    assert "\nwaypost_entries_behind 0.0\n" in text
    assert "waypost_shipment_updates_processed_total{" not in text


def test_names_and_labels_are_in_snake_case() -> None:
    metrics = PrometheusMetrics(CollectorRegistry())
    metrics.add(Metric.MESSAGES, 1, "smtp", "sent")
    line = 'waypost_messages_delivered_total{notifier="smtp",outcome="sent"} 1.0'
    assert line in metrics.render().decode().splitlines()
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")


def test_the_reference_has_a_row_for_every_metric() -> None:
    heading, _, *rows = describe().splitlines()
    assert heading.startswith("| Metric |")
    assert len(rows) == len(Metric)
    assert rows[0].startswith("| `waypost_shipment_updates_processed_total` | `status` | Updates")
