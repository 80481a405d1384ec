"""Publishes numbers as lines of CloudWatch's embedded metric format (EMF), without any call.

A line is a JSON object that CloudWatch Logs keeps whole; only what its ``_aws`` member declares
becomes a metric. Metrics are billed by identity (name and dimensions), so what is declared is a
closed set, `IDENTITIES`; the exact labels are members that a log query can count by.
"""

from __future__ import annotations

import json
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from waypost.metrics.memory import MemoryMetrics
from waypost.ports import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from waypost.ports import Clock

NAMESPACE: Final = "LogisticsProcessing"
IDENTITIES: Final[Mapping[Metric, tuple[str, ...]]] = MappingProxyType(
    {
        Metric.UPDATES: (
            "IN_TRANSIT",
            "OUT_FOR_DELIVERY",
            "DELIVERED",
            "DELAYED",
            "LOST",
            "DAMAGED",
            "EXCEPTION",
            "UNKNOWN",
            "OTHER",
        ),
        Metric.REJECTED: (),
        Metric.DUPLICATES: (),
        Metric.ALERTS: (),
        Metric.MESSAGES: ("sent", "failed"),
    }
)
"""What becomes a metric, each with the dimension Environment. Where values are named, the metric's
last label is a dimension too, and has one of them: the last one stands for all others."""


class EmfMetrics(MemoryMetrics):
    """Gathers numbers, and writes them when flushed: one line for each label, one for the rest."""

    def __init__(self, *, environment: str, clock: Clock, out: TextIO | None = None) -> None:
        """Write to ``out``, or to whatever standard output is when it is flushed."""
        super().__init__()
        self._environment = environment
        self._clock = clock
        self._out = out

    def flush(self) -> None:
        """Write what moved since the last flush, and begin anew. Nothing moved: no line."""
        with self._lock:
            values, self._values = self._values, {}
        plain = {metric: value for (metric, labels), value in values.items() if not labels}
        lines = [self._line(plain)] if plain else []
        lines += [
            self._line({metric: value}, dict(zip(metric.label_names, labels, strict=True)))
            for (metric, labels), value in values.items()
            if labels
        ]
        out = self._out or sys.stdout
        out.write("".join(f"{json.dumps(line)}\n" for line in lines))
        out.flush()

    def _line(
        self, values: Mapping[Metric, float], labels: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, Any]:
        dimensions = {"Environment": self._environment}
        declared = [metric for metric in values if metric in IDENTITIES]
        for metric in declared:
            if known := IDENTITIES[metric]:
                name = metric.label_names[-1]
                dimensions[name] = labels[name] if labels[name] in known else known[-1]
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": metric.value, "Unit": "Count"} for metric in declared],
        }
        return {
            "_aws": {
                "Timestamp": self._clock.now(),
                "CloudWatchMetrics": [directive] if declared else [],
            },
            **dimensions,
            **{metric.value: value for metric, value in values.items()},
            **({"labels": labels} if labels else {}),
        }
