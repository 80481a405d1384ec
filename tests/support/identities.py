"""Which metrics there are: what is watched under another name or other dimensions is never there."""

from __future__ import annotations

from waypost.stack.lint import catalogue, ours


def dimension_sets(namespace: str, metric: str) -> frozenset[frozenset[str]]:
    """Return the sets of dimensions that a metric is published under; none if there is no such."""
    published = {**catalogue.metrics(), **ours.identities()}
    return published.get(namespace, {}).get(metric, frozenset())
