"""Templates for the lint's tests, and what it says on them."""

from __future__ import annotations

from datetime import date
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint.facts import Facts
from waypost.stack.lint.run import lint

if TYPE_CHECKING:
    from waypost.stack.lint.findings import Report

TODAY: Final = date(2026, 11, 23)


def judge(template: str | bytes, **facts: Any) -> Report:
    """Lint a template on a fixed day."""
    data = template.encode() if isinstance(template, str) else template
    return lint(data, Facts(**{"today": TODAY, **facts}))


def resources(text: str) -> str:
    """Return a template of resources alone."""
    return f"Resources:\n{indent(text, '  ')}"


def found(report: Report) -> set[tuple[str, str]]:
    """Return which rules found something where."""
    return {(finding.rule.id, finding.hit.where) for finding in report.findings}


def said(report: Report, rule: str) -> list[str]:
    """Return what a rule found, in words."""
    return [finding.hit.what for finding in report.findings if finding.rule.id == rule]


def unjudged(report: Report) -> set[tuple[str, str, str]]:
    """Return what was not checked: rule, where, why."""
    return {
        (one.rule.id if one.rule else "", one.gap.where, one.gap.why) for one in report.not_checked
    }
