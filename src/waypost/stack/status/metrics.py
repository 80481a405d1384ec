"""Numbers of CloudWatch, all of one span in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from waypost.core.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Points = list[tuple[int, float]]
"""Values by the instant (epoch ms) at which their period begins, the oldest first."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric under one set of dimensions, and how its values of a period become one.

    Attributes:
        dimensions: (name, value) each.
        statistic: such as ``Sum``.
        period: seconds of one value.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = "Sum"
    period: int = 86_400

    def __str__(self) -> str:
        """Return it as people write it."""
        values = ", ".join(value for _, value in self.dimensions)
        return f"{self.namespace} {self.name} of {values}"


def read(client: Any, metrics: Sequence[Metric], start: int, end: int) -> Mapping[Metric, Points]:
    """Return the values of metrics that have any.

    Args:
        client: of CloudWatch; its errors are raised as they are.
        metrics: at most 500, which is what one call takes. Each costs 0.00001 USD.
        start: of the first period, epoch ms.
        end: of the last, epoch ms.
    """
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in metric.dimensions],
                },
                "Period": metric.period,
                "Stat": metric.statistic,
            },
        }
        for number, metric in enumerate(metrics)
    ]
    found: dict[Metric, Points] = {}
    asked = {"MetricDataQueries": queries, "StartTime": start // SECOND, "EndTime": end // SECOND}
    for page in client.get_paginator("get_metric_data").paginate(**asked):
        for result in page["MetricDataResults"]:
            instants = [int(time.timestamp() * SECOND) for time in result["Timestamps"]]
            points = list(zip(instants, result["Values"], strict=True))
            if points:
                metric = metrics[int(result["Id"][1:])]
                found[metric] = sorted(found.get(metric, []) + points)
    return found
