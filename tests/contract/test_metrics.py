"""What every metrics sink has to do. A new one joins with one entry in SINKS."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from io import StringIO
from threading import Thread
from typing import TYPE_CHECKING, Final

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.support.clocks import FakeClock
from waypost.metrics.emf import EmfMetrics
from waypost.metrics.memory import MemoryMetrics
from waypost.metrics.prometheus import PrometheusMetrics, snake_case
from waypost.ports import Metric, MetricKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.ports import Metrics


@dataclass
class Sink:
    """A sink, and what its readers see: the number of a metric with its labels, 0 if none."""

    metrics: Metrics
    read: Callable[[Metric, tuple[str, ...]], float]


def memory() -> Sink:
    metrics = MemoryMetrics()
    return Sink(metrics, lambda metric, labels: metrics.value(metric, *labels))


def prometheus() -> Sink:
    metrics = PrometheusMetrics(CollectorRegistry())

    def read(metric: Metric, labels: tuple[str, ...]) -> float:
        name = f"waypost_{snake_case(metric.value)}"
        name += "_total" if metric.kind is MetricKind.COUNTER else ""
        wanted = dict(zip(map(snake_case, metric.label_names), labels, strict=True))
        families = text_string_to_metric_families(metrics.render().decode())
        found = [
            sample.value
            for family in families
            for sample in family.samples
            if (sample.name, sample.labels) == (name, wanted)
        ]
        return sum(found)

    return Sink(metrics, read)


def emf() -> Sink:
    out = StringIO()
    metrics = EmfMetrics(environment="dev", clock=FakeClock(), out=out)

    def read(metric: Metric, labels: tuple[str, ...]) -> float:
        metrics.flush()
        wanted = dict(zip(metric.label_names, labels, strict=True))
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        found = [
            line[metric.value]
            for line in lines
            if metric.value in line and line.get("labels", {}) == wanted
        ]
        return float(sum(found) if metric.kind is MetricKind.COUNTER else found[-1])

    return Sink(metrics, read)


SINKS: Final = (memory, prometheus, emf)


@pytest.fixture(params=SINKS, ids=lambda make: make.__name__)
def sink(request: pytest.FixtureRequest) -> Sink:
    made: Sink = request.param()
    return made


def some_labels(metric: Metric) -> tuple[str, ...]:
    return tuple(f"{name} 1" for name in metric.label_names)


COUNTERS = [metric for metric in Metric if metric.kind is MetricKind.COUNTER]
GAUGES = [metric for metric in Metric if metric.kind is MetricKind.GAUGE]


@pytest.mark.parametrize("metric", list(Metric))
def test_a_wrong_number_of_labels_is_a_bug(sink: Sink, metric: Metric) -> None:
    move = sink.metrics.add if metric.kind is MetricKind.COUNTER else sink.metrics.set
    with pytest.raises(ValueError, match="labels"):
        move(metric, 1, *some_labels(metric), "one too many")
    if metric.label_names:
        with pytest.raises(ValueError, match="labels"):
            move(metric, 1)


def test_a_counter_is_not_set_and_a_gauge_not_added_to(sink: Sink) -> None:
    with pytest.raises(ValueError, match="DuplicatesIgnored is a counter, not a gauge"):
        sink.metrics.set(Metric.DUPLICATES, 1)
    with pytest.raises(ValueError, match="EntriesBehind is a gauge, not a counter"):
        sink.metrics.add(Metric.BEHIND)


def test_a_counter_never_goes_down(sink: Sink) -> None:
    sink.metrics.add(Metric.DUPLICATES, 2)
    with pytest.raises(ValueError, match="cannot go down"):
        sink.metrics.add(Metric.DUPLICATES, -1)
    assert sink.read(Metric.DUPLICATES, ()) == 2


@pytest.mark.parametrize("metric", COUNTERS)
def test_a_counter_adds_up(sink: Sink, metric: Metric) -> None:
    labels = some_labels(metric)
    sink.metrics.add(metric, 1, *labels)
    sink.metrics.add(metric, 2.5, *labels)
    sink.metrics.add(metric, 0, *labels)
    assert sink.read(metric, labels) == 3.5


@pytest.mark.parametrize("metric", GAUGES)
def test_a_gauge_is_what_it_was_set_to_last(sink: Sink, metric: Metric) -> None:
    sink.metrics.set(metric, 7)
    sink.metrics.set(metric, 3)
    assert sink.read(metric, ()) == 3


def test_labels_are_counted_apart(sink: Sink) -> None:
    sink.metrics.add(Metric.MESSAGES, 1, "smtp", "sent")
    sink.metrics.add(Metric.MESSAGES, 2, "smtp", "dead")
    sink.metrics.add(Metric.MESSAGES, 4, "webhook", "sent")
    assert sink.read(Metric.MESSAGES, ("smtp", "sent")) == 1
    assert sink.read(Metric.MESSAGES, ("smtp", "dead")) == 2
    assert sink.read(Metric.MESSAGES, ("webhook", "sent")) == 4
    assert sink.read(Metric.MESSAGES, ("webhook", "dead")) == 0


@pytest.mark.parametrize("label", ["", 'a"b', "a\\b", "a\nb", "ü", "{}", "=,"])
def test_any_label_keeps_its_text(sink: Sink, label: str) -> None:
    sink.metrics.add(Metric.UPDATES, 1, label)
    assert sink.read(Metric.UPDATES, (label,)) == 1


def test_what_several_threads_add_is_all_there(sink: Sink) -> None:
    def add() -> None:
        for _ in range(2_000):
            sink.metrics.add(Metric.UPDATES, 1, "LOST")

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        sink.read(Metric.UPDATES, ("LOST",))
    for thread in threads:
        thread.join()
    assert sink.read(Metric.UPDATES, ("LOST",)) == 8_000


def test_every_name_is_one_that_every_sink_can_write() -> None:
    names = [metric.value for metric in Metric] + [n for m in Metric for n in m.label_names]
    assert all(re.fullmatch("([A-Z][a-z]+)+", name) for name in names)
