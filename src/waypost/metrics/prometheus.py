"""Publishes numbers in the form that Prometheus scrapes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from waypost.metrics.memory import MemoryMetrics
from waypost.ports import Metric, MetricKind

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
"""The media type of what `PrometheusMetrics.render` returns."""

_WORD: Final = re.compile(r"(?<!^)(?=[A-Z])")


class PrometheusMetrics(MemoryMetrics, Collector):
    """Publishes the closed set of metrics, and nothing beside it, through a registry.

    The library's own counters would add a `_created` series to each. A metric without labels is
    there from the start, at 0. Safe to use from several threads.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register.

        Raises:
            ValueError: if the registry has one of the metrics already.
        """
        super().__init__()
        self._registry = registry
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Return all numbers as they are now, for the registry."""
        values = self.values()
        for metric in Metric:
            family = _family(metric)
            if not metric.label_names:
                values.setdefault((metric, ()), 0)
            for (moved, labels), value in values.items():
                if moved is metric:
                    family.add_metric(labels, value)
            yield family

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Return what there is, for the registry to find names that are taken."""
        return self.collect()

    def render(self) -> bytes:
        """Return all that the registry holds, as text of the type `CONTENT_TYPE`."""
        return generate_latest(self._registry)


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    name = f"waypost_{snake_case(metric.value)}"
    labels = [snake_case(label) for label in metric.label_names]
    match metric.kind:
        case MetricKind.COUNTER:
            return CounterMetricFamily(name, metric.help, labels=labels)
        case MetricKind.GAUGE:
            return GaugeMetricFamily(name, metric.help, labels=labels)


def snake_case(name: str) -> str:
    """Return a name in CamelCase as Prometheus writes it."""
    return _WORD.sub("_", name).lower()


def describe() -> str:
    """Return the closed set of metrics as a table in Markdown."""
    rows = ["| Metric | Labels | When it moves, and what to do then |", "|---|---|---|"]
    for metric in Metric:
        total = "_total" if metric.kind is MetricKind.COUNTER else ""
        labels = ", ".join(f"`{snake_case(name)}`" for name in metric.label_names)
        rows.append(f"| `waypost_{snake_case(metric.value)}{total}` | {labels} | {metric.help} |")
    return "\n".join(rows)
