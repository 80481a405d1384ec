"""What alarms look at: each metric of each alarm, members of metric math too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint.values import listed, member, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from waypost.stack.lint.template import Resource, View

ALARM: Final = "AWS::CloudWatch::Alarm"


@dataclass(frozen=True, slots=True)
class Watch:
    """One metric that an alarm looks at.

    Attributes:
        dimensions: their values by name.
        statistic: such as ``Sum`` or ``p99``.
        id: of a member of metric math; empty for an alarm's only metric.
    """

    alarm: Resource
    namespace: str
    metric: str
    dimensions: Mapping[str, Any]
    statistic: str
    period: Any
    id: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The property that names the metric."""
        return ("Metrics",) if self.id else ("MetricName",)

    @property
    def name(self) -> str:
        """The metric in words."""
        return f"{self.namespace} {self.metric}"


@lru_cache(maxsize=2)  # rules run over one view after another
def watches(view: View, *, all_alarms: bool = False) -> tuple[Watch, ...]:
    """Return what the alarms of a view look at; those too that it does not make, if asked for."""
    alarms = view.any_of(ALARM) if all_alarms else view.of(ALARM)
    return tuple(watch for alarm in alarms for watch in of(alarm))


def of(alarm: Resource) -> Iterator[Watch]:
    """Return what one alarm looks at."""
    if "MetricName" in alarm.properties:
        statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
        yield _watch(alarm, alarm.properties, statistic, alarm.get("Period"), "")
    for query in listed(alarm.get("Metrics")):
        metric = member(query, "MetricStat", "Metric")
        if metric is not None:
            stat = query["MetricStat"]
            identifier = str(member(query, "Id"))
            yield _watch(alarm, metric, member(stat, "Stat"), member(stat, "Period"), identifier)


def _watch(alarm: Resource, metric: Any, statistic: Any, period: Any, identifier: str) -> Watch:
    return Watch(
        alarm,
        text(member(metric, "Namespace")),
        text(member(metric, "MetricName")),
        {
            str(member(dimension, "Name")): member(dimension, "Value")
            for dimension in listed(member(metric, "Dimensions"))
        },
        text(statistic),
        period,
        identifier,
    )


def expressions(alarm: Resource) -> list[str]:
    """Return the expressions of an alarm on metric math."""
    found = (member(query, "Expression") for query in listed(alarm.get("Metrics")))
    return [str(expression) for expression in found if expression is not None]
