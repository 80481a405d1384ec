"""Rules about dashboards: CloudWatch takes any body, and shows nothing where it does not know better."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint import identities
from waypost.stack.lint.findings import Rule, gap, hit
from waypost.stack.lint.identities import Is
from waypost.stack.lint.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import Resource, View

_DASHBOARD: Final = "AWS::CloudWatch::Dashboard"
_BODY: Final = "DashboardBody"
_WIDGET: Final = frozenset({"type", "x", "y", "width", "height", "properties"})
_PROPERTIES: Final[Mapping[str, frozenset[str]]] = {
    "alarm": frozenset({"alarms", "sortBy", "states", "title"}),
    "custom": frozenset({"endpoint", "params", "title", "updateOn"}),
    "explorer": frozenset(
        {"aggregateBy", "labels", "metrics", "period", "splitBy", "title", "widgetOptions"}
    ),
    "log": frozenset(
        {
            "accountId",
            "logGroupPrefixes",
            "query",
            "queryLanguage",
            "region",
            "stacked",
            "table",
            "title",
            "view",
        }
    ),
    "metric": frozenset(
        {
            *(
                "accountId",
                "annotations",
                "end",
                "labels",
                "legend",
                "liveData",
                "metrics",
                "period",
            ),
            *("region", "setPeriodToTimeRange", "singleValueFullPrecision", "sparkline", "stacked"),
            *("start", "stat", "table", "timezone", "title", "trend", "view", "yAxis"),
        }
    ),
    "text": frozenset({"background", "markdown"}),
}
_SEARCH: Final = re.compile(r"SEARCH\(\s*['\"]\{([^,{}]+)((?:,[^,{}]+)*)\}([^']*)'")
_METRIC_NAME: Final = re.compile(r"MetricName\s*=\s*\\?[\"']?([\w.-]+)")
_AGAIN: Final = "."
_ALL_AGAIN: Final = "..."


@dataclass(frozen=True, slots=True)
class _Row:
    """A metric that a widget shows."""

    dashboard: Resource
    widget: str
    namespace: Any
    metric: Any
    dimensions: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _NoBody:
    """Why a dashboard's body cannot be read, and whether that is so wherever it is deployed."""

    why: str
    always: bool = True


def _body(dashboard: Resource) -> dict[str, Any] | _NoBody:
    text = dashboard.get(_BODY)
    if not isinstance(text, str):
        return _NoBody("it has no body")
    try:
        body = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        is_gap = text.startswith("${", error.pos)
        return _NoBody(f"its body is not JSON: {error}", always=not is_gap)
    except RecursionError:
        return _NoBody("its body is nested too deeply")
    if not isinstance(body, dict) or not isinstance(body.get("widgets"), list):
        return _NoBody("its body has no list of widgets", always=is_known(text))
    return body


def _widgets(view: View) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    for dashboard in view.of(_DASHBOARD):
        body = _body(dashboard)
        for number, widget in enumerate(body["widgets"] if isinstance(body, dict) else [], 1):
            if isinstance(widget, dict):
                properties = widget.get("properties")
                title = properties.get("title") if isinstance(properties, dict) else None
                yield dashboard, f"widget {number}" + (f" ({title})" if title else ""), widget


def _rows(view: View) -> Iterator[_Row]:
    for dashboard, name, widget in _widgets(view):
        properties = widget.get("properties")
        metrics = properties.get("metrics") if isinstance(properties, dict) else None
        above: list[Any] = []
        for row in metrics if isinstance(metrics, list) else []:
            fields = [f for f in row if not isinstance(f, dict)] if isinstance(row, list) else []
            if not fields:
                continue
            above = _in_full(fields, above)
            dimensions = dict(zip(map(str, above[2::2]), above[3::2], strict=False))
            if len(above) > 1:
                yield _Row(dashboard, name, above[0], above[1], dimensions)


def _in_full(fields: list[Any], above: list[Any]) -> list[Any]:
    """Return a row with what stands for the row above written out."""
    if fields[0] == _ALL_AGAIN:
        rest = fields[1:]
        return above[: len(above) - len(rest)] + rest
    return [
        above[i] if field == _AGAIN and i < len(above) else field for i, field in enumerate(fields)
    ]


def _readable(view: View) -> Iterator[Said]:
    for dashboard in view.of(_DASHBOARD):
        body = _body(dashboard)
        if isinstance(body, _NoBody):
            yield (hit if body.always else gap)(dashboard, body.why, _BODY)


def _known_members(view: View) -> Iterator[Said]:
    for dashboard, name, widget in _widgets(view):
        kind = str(widget.get("type"))
        unknown = sorted(widget.keys() - _WIDGET)
        properties = widget.get("properties")
        if kind not in _PROPERTIES:
            yield hit(dashboard, f"{name}: there is no type {kind!r}", _BODY)
        elif isinstance(properties, dict):
            unknown += sorted(properties.keys() - _PROPERTIES[kind])
        if unknown:
            yield hit(dashboard, f"{name}: unknown {', '.join(unknown)}", _BODY)


def _of_one_resource(view: View) -> Iterator[Said]:
    for row in _rows(view):
        verdict = identities.judge(view, row.namespace, row.metric, row.dimensions)
        if verdict.kind is Is.WIDE:
            yield hit(row.dashboard, f"{row.widget}: {verdict.why}", _BODY)


def _shows_something(view: View) -> Iterator[Said]:
    for row in _rows(view):
        verdict = identities.judge(view, row.namespace, row.metric, row.dimensions)
        if verdict.kind is Is.DEAD:
            yield hit(row.dashboard, f"{row.widget}: {verdict.why}", _BODY)
        elif verdict.kind is Is.UNKNOWN:
            yield gap(row.dashboard, f"{row.widget}: {verdict.why}", _BODY)
    for dashboard, name, widget in _widgets(view):
        yield from _searches(view, dashboard, name, widget)


def _searches(view: View, dashboard: Resource, name: str, widget: dict[str, Any]) -> Iterator[Said]:
    for text in _expressions(widget):
        if "SEARCH" not in text:
            continue
        found = _SEARCH.search(text)
        metric = _METRIC_NAME.search(found[3]) if found else None
        if found is None or metric is None:
            yield gap(
                dashboard,
                f"{name}: what the search {text[:60]} finds is known only when it runs",
                _BODY,
            )
            continue
        dimensions = dict.fromkeys(part.strip() for part in found[2].split(",") if part.strip())
        verdict = identities.judge(view, found[1].strip(), metric[1], dimensions)
        if verdict.kind is Is.DEAD:
            yield hit(dashboard, f"{name}: {verdict.why}", _BODY)
        elif verdict.kind is Is.UNKNOWN:
            yield gap(dashboard, f"{name}: {verdict.why}", _BODY)


def _expressions(widget: dict[str, Any]) -> Iterator[str]:
    properties = widget.get("properties")
    rows = properties.get("metrics") if isinstance(properties, dict) else None
    for row in rows if isinstance(rows, list) else []:
        for field in row if isinstance(row, list) else []:
            if isinstance(field, dict) and isinstance(field.get("expression"), str):
                yield field["expression"]


_STRUCTURE: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"

RULES: Final = (
    Rule(
        id="WP301",
        title="A widget has a property that CloudWatch does not know",
        level="error",
        at_night="The widget shows something else than its author meant, with nothing to say so.",
        fix="Write what the page on the dashboard's body lists; dimensions stand in each metric's "
        "array.",
        source=_STRUCTURE,
        check=_known_members,
    ),
    Rule(
        id="WP302",
        title="A row of a dashboard shows the whole account",
        level="error",
        at_night="Another team's function has errors, and you look for them in yours; or yours has, "
        "and nobody sees them among all others.",
        fix='Name the resource in the row: ["AWS/Lambda", "Errors", "FunctionName", "..."].',
        source=_STRUCTURE,
        check=_of_one_resource,
    ),
    Rule(
        id="WP303",
        title="A row of a dashboard shows nothing",
        level="error",
        at_night="An empty graph reads as all quiet.",
        fix="Name a metric with a set of dimensions under which it is published; a SEARCH gathers "
        "one for each value.",
        source=_STRUCTURE,
        check=_shows_something,
    ),
    Rule(
        id="WP304",
        title="A dashboard's body cannot be read",
        level="error",
        at_night="There is no dashboard.",
        fix="The body is a JSON object with a list of widgets.",
        source=_STRUCTURE,
        check=_readable,
    ),
)
