"""Judges whether a metric is published under a set of dimensions: by AWS, or by the template."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint import catalogue
from waypost.stack.lint.code import Code
from waypost.stack.lint.sources import code_of
from waypost.stack.lint.values import is_known, listed, member
from waypost.stack.lint.wiring import FUNCTION, RULE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from waypost.stack.lint.template import View

_FILTER: Final = "AWS::Logs::MetricFilter"
_DEFAULT_BUS: Final = "default"


class Is(Enum):
    """What a metric's identity is."""

    PUBLISHED = auto()
    WIDE = auto()
    """Published, of the whole account and Region, where it could be had of one resource."""
    DEAD = auto()
    """Published by nobody: it never has a value."""
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an identity is, and why in words."""

    kind: Is
    why: str = ""


def is_of_aws(namespace: object) -> bool:
    """Tell whether AWS publishes into a namespace, rather than a program of somebody's own."""
    return isinstance(namespace, str) and (
        namespace.startswith("AWS/") or namespace in catalogue.metrics()
    )


def judge(view: View, namespace: Any, metric: Any, dimensions: Mapping[str, Any]) -> Verdict:
    """Say what the identity of a metric is."""
    if (
        not isinstance(namespace, str)
        or not isinstance(metric, str)
        or not (is_known(namespace) and is_known(metric))
    ):
        return Verdict(Is.UNKNOWN, "its namespace or name is known only when it is deployed")
    names = frozenset(dimensions)
    if not is_of_aws(namespace):
        return _judge_custom(view, namespace, metric, names)
    known = catalogue.metrics().get(namespace, {}).get(metric)
    is_whole = namespace in catalogue.whole()
    if known is None:
        why = f"AWS publishes no metric {metric} in {namespace}"
        return Verdict(
            Is.DEAD if is_whole else Is.UNKNOWN, why if is_whole else _no_list(namespace)
        )
    if names not in known:
        why = f"{namespace} {metric} is published {_sets(known)}, never {_set(names)}"
        return Verdict(
            Is.DEAD if is_whole else Is.UNKNOWN, why if is_whole else _no_list(namespace)
        )
    if not names and len(known) > 1:
        nearest = min(known - {frozenset()}, key=lambda one: (len(one), sorted(one)))
        why = f"{namespace} {metric} {_set(names)}; there is one {_set(nearest)}"
        return Verdict(Is.WIDE, why)
    return _judge_bus(view, dimensions) if namespace == "AWS/Events" else Verdict(Is.PUBLISHED)


def _no_list(namespace: str) -> str:
    return f"the list of what {namespace} publishes is not complete here"


def _judge_bus(view: View, dimensions: Mapping[str, Any]) -> Verdict:
    """A rule of the default bus is published under its name alone, another's under both."""
    rule = view.target(dimensions.get("RuleName"), RULE)
    if rule is None:
        return Verdict(Is.PUBLISHED)
    bus = rule.get("EventBusName") or _DEFAULT_BUS
    if bus == _DEFAULT_BUS and "EventBusName" in dimensions:
        why = f"{rule.name} is on the default bus, whose rules are published by RuleName only"
        return Verdict(Is.DEAD, why)
    if bus != _DEFAULT_BUS and "EventBusName" not in dimensions:
        why = f"{rule.name} is on a bus of its own, whose rules are published by EventBusName and RuleName"
        return Verdict(Is.DEAD, why)
    return Verdict(Is.PUBLISHED)


def _judge_custom(view: View, namespace: str, metric: str, names: frozenset[str]) -> Verdict:
    known, may_be_more = _custom(view, namespace)
    if not known:
        return Verdict(Is.UNKNOWN, f"nothing in the template is seen to publish {namespace}")
    sets = known.get(metric, set())
    if names in sets:
        return Verdict(Is.PUBLISHED)
    if may_be_more:
        return Verdict(
            Is.UNKNOWN, f"{namespace} {metric} may be published by code that is not read here"
        )
    if not sets:
        return Verdict(Is.DEAD, f"nothing publishes {namespace} {metric}")
    return Verdict(Is.DEAD, f"{namespace} {metric} is published {_sets(sets)}, never {_set(names)}")


def _custom(view: View, namespace: str) -> tuple[dict[str, set[frozenset[str]]], bool]:
    """Return what is published into a namespace of one's own, and whether there may be more."""
    found = {m: set(sets) for m, sets in view.facts.identities.get(namespace, {}).items()}
    may_be_more = False
    for function in view.any_of(FUNCTION):
        code = code_of(view, function)
        if not isinstance(code, Code):
            may_be_more = True
            continue
        may_be_more = may_be_more or code.emits_more
        for emitted in code.emitted:
            if emitted.namespace == namespace:
                found.setdefault(emitted.metric, set()).add(emitted.dimensions)
    for filtered in view.any_of(_FILTER):
        for made in listed(filtered.get("MetricTransformations")):
            if member(made, "MetricNamespace") == namespace:
                keys = {str(member(one, "Key")) for one in listed(member(made, "Dimensions"))}
                found.setdefault(str(member(made, "MetricName")), set()).add(frozenset(keys))
    return found, may_be_more and namespace not in view.facts.identities


def _sets(known: Iterable[frozenset[str]]) -> str:
    shown = sorted(known, key=lambda names: (len(names), sorted(names)))
    return " or ".join(map(_set, shown))


def _set(names: frozenset[str]) -> str:
    return f"by {' and '.join(sorted(names))}" if names else "for the whole account and Region"
