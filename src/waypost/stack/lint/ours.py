"""The stack that Waypost ships, as something to be linted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waypost.metrics.emf import IDENTITIES, NAMESPACE
from waypost.stack.render import render

if TYPE_CHECKING:
    from waypost.stack.lint.facts import Identities


def template() -> bytes:
    """Return the template with the code in it, as ``stack render`` writes it."""
    return render()


def identities() -> Identities:
    """Return the metrics that the functions publish by their logs, which no call of theirs shows."""
    return {
        NAMESPACE: {
            metric.value: frozenset(
                {frozenset({"Environment", *([metric.label_names[-1]] if values else [])})}
            )
            for metric, values in IDENTITIES.items()
        }
    }
