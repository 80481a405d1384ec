"""Which metrics AWS publishes, and when Lambda's runtimes end: dated data that comes with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from waypost.stack.lint.facts import Identities

Dimensions = frozenset[str]

_DATA: Final = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Runtime:
    """When a runtime ends.

    Attributes:
        deprecated: from this day on it gets no security patches.
        update_block: from this day on functions on it cannot be changed; None if not known.
        successor: what to take instead; None if it is the newest of its kind.
    """

    deprecated: date
    update_block: date | None
    successor: str | None


@cache
def metrics() -> Identities:
    """Return the sets of dimensions under which AWS publishes metrics, by namespace and metric."""
    found: dict[str, dict[str, set[Dimensions]]] = {}
    generated = _load("metrics.json")["namespaces"]
    additions = [(one["namespace"], one["metrics"]) for one in _load("additions.json")["additions"]]
    for namespace, listed in (*generated.items(), *additions):
        for metric, sets in listed.items():
            known = found.setdefault(namespace, {}).setdefault(metric, set())
            known |= {frozenset(names.split(",")) if names else frozenset() for names in sets}
    return {
        namespace: {metric: frozenset(sets) for metric, sets in listed.items()}
        for namespace, listed in found.items()
    }


@cache
def whole() -> frozenset[str]:
    """Return the namespaces of which every metric is listed: what is not there is not published."""
    return frozenset(_load("additions.json")["whole"])


@cache
def runtimes() -> Mapping[str, Runtime]:
    """Return when Lambda's runtimes end, by identifier."""
    return {
        name: Runtime(
            date.fromisoformat(one["deprecated"]),
            date.fromisoformat(one["update-block"]) if one["update-block"] else None,
            one["successor"],
        )
        for name, one in _load("runtimes.json")["runtimes"].items()
    }


def sources() -> list[str]:
    """Return where the data is from, a line each."""
    generated, runtime = (_load(name)["about"] for name in ("metrics.json", "runtimes.json"))
    additions = _load("additions.json")
    return [
        f"{generated['source']} ({generated['licence']}), read on {generated['read']}",
        *(
            f"{one['namespace']}, what that lacks: by hand, after {one['source']}"
            for one in additions["additions"]
        ),
        f"{runtime['source']} ({runtime['licence']}), read on {runtime['read']}",
    ]


@cache
def _load(name: str) -> Any:
    return json.loads((_DATA / name).read_text(encoding="ascii"))
