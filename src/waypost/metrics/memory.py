"""Keeps numbers in memory: for tests, and for commands that publish none."""

from __future__ import annotations

from threading import Lock

from waypost.metrics import check_use
from waypost.ports import Metric, MetricKind

Series = tuple[Metric, tuple[str, ...]]
"""A metric with its labels: what one number belongs to."""


class MemoryMetrics:
    """A dictionary of numbers. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._values: dict[Series, float] = {}

    def add(self, metric: Metric, value: float = 1, *labels: str) -> None:
        """Add to a counter."""
        check_use(metric, MetricKind.COUNTER, value, labels)
        with self._lock:
            self._values[metric, labels] = self._values.get((metric, labels), 0) + value

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        check_use(metric, MetricKind.GAUGE, value, labels)
        with self._lock:
            self._values[metric, labels] = value

    def value(self, metric: Metric, *labels: str) -> float:
        """Return one number; 0 if it never moved."""
        with self._lock:
            return self._values.get((metric, labels), 0)

    def values(self) -> dict[Series, float]:
        """Return all numbers that ever moved, as they are now."""
        with self._lock:
            return dict(self._values)
