"""Rules about metrics: an alarm on what nobody publishes stays green whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.stack.lint import identities
from waypost.stack.lint.code import Code
from waypost.stack.lint.findings import Rule, gap, hit
from waypost.stack.lint.identities import Is
from waypost.stack.lint.sources import code_of
from waypost.stack.lint.watching import ALARM, expressions, watches
from waypost.stack.lint.wiring import FUNCTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import View

_SEARCHES: Final = ("SEARCH(", "SELECT ")


def _published_by_aws(view: View) -> Iterator[Said]:
    yield from _identities(view, of_aws=True)
    for alarm in view.of(ALARM):
        if any(word in text for text in expressions(alarm) for word in _SEARCHES):
            yield gap(alarm, "a search finds its metrics only when it runs", "Metrics")


def _published_by_the_stack(view: View) -> Iterator[Said]:
    yield from _identities(view, of_aws=False)


def _identities(view: View, *, of_aws: bool) -> Iterator[Said]:
    for watch in watches(view):
        if identities.is_of_aws(watch.namespace) is not of_aws:
            continue
        verdict = identities.judge(view, watch.namespace, watch.metric, watch.dimensions)
        if verdict.kind is Is.DEAD:
            yield hit(watch.alarm, verdict.why, *watch.keys)
        elif verdict.kind is Is.UNKNOWN:
            yield gap(watch.alarm, verdict.why, *watch.keys)


def _errors_are_watched(view: View) -> Iterator[Said]:
    watched = {(watch.namespace, watch.metric) for watch in watches(view, all_alarms=True)}
    for function in view.of(FUNCTION):
        code = code_of(view, function)
        if not isinstance(code, Code):
            continue
        for emitted in code.emitted:
            if emitted.on_error and (emitted.namespace, emitted.metric) not in watched:
                yield hit(
                    function,
                    f"its code puts {emitted.namespace} {emitted.metric} where it handles an error, "
                    "and no alarm looks at it",
                    "Code",
                )


RULES: Final = (
    Rule(
        id="WP101",
        title="An alarm watches a metric that AWS does not publish",
        level="error",
        at_night="What it is meant to see happens, and the alarm stays as it is: it has no data and "
        "never will.",
        fix="Take a metric and a set of dimensions that AWS publishes; the reference page says from "
        "where the list is.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension",
        check=_published_by_aws,
    ),
    Rule(
        id="WP102",
        title="An alarm watches a metric of yours that nothing publishes",
        level="error",
        at_night="The alarm has no data: CloudWatch takes a metric under other dimensions for another "
        "metric.",
        fix="Watch the dimensions under which the code puts the metric, all of them, or put it under "
        "those that are watched.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension",
        check=_published_by_the_stack,
    ),
    Rule(
        id="WP103",
        title="The code counts its failures, and no alarm looks at the count",
        level="error",
        at_night="Updates fail one after another, a number rises, and nobody is told.",
        fix="Add an alarm: Sum of the metric above 0, with missing data notBreaching.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html",
        check=_errors_are_watched,
    ),
)
