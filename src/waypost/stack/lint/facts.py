"""What is known besides the template: the declared traffic, today, the functions' code, metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

Identities = Mapping[str, Mapping[str, frozenset[frozenset[str]]]]
"""Namespace, metric, the sets of dimensions that it is published under."""


def _no_code(_: str) -> Mapping[str, str] | None:
    return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask for.

    Attributes:
        today: the day from which a runtime's end is judged.
        per_day: events a day that the system is meant for; None if nobody said.
        overrides: parameters that are not to have their defaults.
        identities: custom metrics that are known to be published, though by no inline code.
        read_code: gives the Python sources at a place beside the template, by path; None if there
            are none to be read.
    """

    today: date
    per_day: float | None = None
    overrides: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    identities: Identities = field(default_factory=lambda: MappingProxyType({}))
    read_code: Callable[[str], Mapping[str, str] | None] = _no_code
