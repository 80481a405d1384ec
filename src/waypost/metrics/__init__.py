"""Where numbers go; each sink passes ``tests/contract/test_metrics.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waypost.ports import MetricKind

if TYPE_CHECKING:
    from waypost.ports import Metric


def check_use(metric: Metric, kind: MetricKind, value: float, labels: tuple[str, ...]) -> None:
    """Check that a metric is used as its definition says; every sink does this first.

    Raises:
        ValueError: a counter was set or taken back, a gauge was added to, or the number of
            labels is wrong. That is a bug of the caller, not a matter of data.
    """
    if metric.kind is not kind:
        message = f"{metric.value} is a {metric.kind.value}, not a {kind.value}"
        raise ValueError(message)
    if len(labels) != len(metric.label_names):
        message = f"{metric.value} takes the labels {metric.label_names}, not {len(labels)} of them"
        raise ValueError(message)
    if kind is MetricKind.COUNTER and value < 0:
        message = f"{metric.value} is a counter and cannot go down"
        raise ValueError(message)
