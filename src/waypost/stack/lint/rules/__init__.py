"""The rules, one module a family; each is a pure function of a template in one scenario."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.stack.lint.rules import (
    alarms,
    dashboards,
    data,
    edges,
    functions,
    metrics,
    names,
    permissions,
    silence,
    suppressing,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from waypost.stack.lint.findings import Rule

FAMILIES: Final = (
    suppressing,
    metrics,
    alarms,
    silence,
    dashboards,
    edges,
    permissions,
    functions,
    names,
    data,
)
_ALL: Final = [rule for family in FAMILIES for rule in family.RULES]
RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {rule.id: rule for rule in sorted(_ALL, key=lambda rule: rule.id)}
)
"""All rules by their id."""
