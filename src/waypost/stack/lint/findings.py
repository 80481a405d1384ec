"""What a rule is, what it may say, and what a whole run says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from waypost.stack.lint.template import Resource, View

Level = Literal["error", "warning"]
"""``error``: data or alerts are lost, or somebody is misled; ``warning``: all else."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found.

    Attributes:
        where: the logical id of a resource, or the name of a parameter.
        line: in the template, from 1.
        what: is wrong there, a sentence without its full stop.
    """

    where: str
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What a rule could not judge, and why: as `Hit`."""

    where: str
    line: int
    why: str


Said = Hit | Gap
Check = Callable[["View"], Iterator[Said]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        id: such as ``WP101``; it never changes its meaning.
        title: in a few words, what is wrong.
        at_night: what it means at 3 a.m.
        fix: what to do.
        source: address of what it rests on.
        check: a pure function of one view of a template.
    """

    id: str
    title: str
    level: Level
    at_night: str
    fix: str
    source: str
    check: Check


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's `Hit`, with the scenario in which it shows if not in that of the defaults."""

    rule: Rule
    hit: Hit
    scenario: str = ""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that the template's author answers for."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A rule's `Gap`; of the whole template where no rule is named."""

    rule: Rule | None
    gap: Gap


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run says.

    Attributes:
        resources: how many there are.
        unused: suppressions that suppress nothing: where, which rule.
    """

    resources: int
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    unused: tuple[tuple[str, str], ...] = field(default=())


def hit(resource: Resource, what: str, *keys: str) -> Hit:
    """Return a hit on a resource, on the line of one of its properties."""
    return Hit(resource.name, resource.line_of(*keys), what)


def gap(resource: Resource, why: str, *keys: str) -> Gap:
    """Return a gap at a resource, on the line of one of its properties."""
    return Gap(resource.name, resource.line_of(*keys), why)
