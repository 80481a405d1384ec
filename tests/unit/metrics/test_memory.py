from __future__ import annotations

from waypost.metrics.memory import MemoryMetrics
from waypost.ports import Metric


def test_all_numbers_that_moved_are_there_and_stay_as_they_were() -> None:
    metrics = MemoryMetrics()
    metrics.add(Metric.UPDATES, 2, "LOST")
    metrics.set(Metric.BEHIND, 5)
    values = metrics.values()
    metrics.add(Metric.UPDATES, 1, "LOST")
    assert values == {(Metric.UPDATES, ("LOST",)): 2, (Metric.BEHIND, ()): 5}
