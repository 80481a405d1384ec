"""Runs all rules over a template, in all its scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.stack.lint import sam
from waypost.stack.lint.findings import (
    Finding,
    Gap,
    Hit,
    NotChecked,
    Report,
    Suppressed,
)
from waypost.stack.lint.reading import Map, read
from waypost.stack.lint.rules import RULES
from waypost.stack.lint.suppressions import TEMPLATE, suppressions
from waypost.stack.lint.template import views
from waypost.stack.lint.values import listed, member, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.facts import Facts
    from waypost.stack.lint.template import View

_TRANSFORMS: Final = frozenset({"AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"})
_NESTED: Final = frozenset({"AWS::CloudFormation::Stack", "AWS::CloudFormation::Macro"})


def lint(data: bytes, facts: Facts) -> Report:
    """Judge a template.

    What shows in several scenarios is said once, of the first.

    Raises:
        UnusableTemplate: it cannot be judged at all.
    """
    document = read(data)
    found, left_out = views(document, facts)
    findings: dict[tuple[str, Hit], Finding] = {}
    gaps: dict[tuple[str, Gap], NotChecked] = {}
    for view in found:
        for rule in RULES.values():
            for said in rule.check(view):
                if isinstance(said, Hit):
                    finding = Finding(rule, said, view.scenario.words)
                    findings.setdefault((rule.id, said), finding)
                else:
                    gaps.setdefault((rule.id, said), NotChecked(rule, said))
    unseen = [*_unseen(document), *(Gap("", 1, f"the template {words}") for words in left_out)]
    return _with_suppressions(
        found[0],
        list(findings.values()),
        [*(NotChecked(None, gap) for gap in unseen), *gaps.values()],
    )


def _unseen(document: Map) -> Iterator[Gap]:
    """Return what of a template no rule sees."""
    for transform in listed(document.get("Transform")):
        name = text(member(transform, "Name") or transform)
        if name not in _TRANSFORMS:
            yield Gap(
                "", document.lines["Transform"], f"what the transform {name} makes is not seen here"
            )
    resources = document["Resources"]
    for name, whole in resources.items():
        if name.startswith("Fn::"):
            yield Gap(name, resources.lines[name], "the resources that it makes are not seen here")
        elif member(whole, "Properties", "Fn::Transform") is not None:
            yield Gap(name, resources.lines[name], "what a transform adds to it is not seen here")
        elif text(member(whole, "Type")) in _NESTED:
            yield Gap(name, resources.lines[name], f"what {whole['Type']} makes is not seen here")
    for where, line, reason in sam.untold(document):
        yield Gap(where, line, reason)


def _with_suppressions(view: View, findings: list[Finding], gaps: list[NotChecked]) -> Report:
    allowed = {
        (one.where, one.id): one.reason
        for one in suppressions(view)
        if one.id in RULES and one.reason
    }
    kept: list[Finding] = []
    suppressed: list[Suppressed] = []
    used: set[tuple[str, str]] = set()
    for finding in findings:
        place = finding.hit.where if finding.hit.where in view.all else TEMPLATE
        key = (place, finding.rule.id)
        if key in allowed:
            used.add(key)
            suppressed.append(Suppressed(finding, allowed[key]))
        else:
            kept.append(finding)
    return Report(
        resources=len(view.all),
        findings=tuple(sorted(kept, key=_order)),
        suppressed=tuple(suppressed),
        not_checked=tuple(gaps),
        unused=tuple(sorted(allowed.keys() - used)),
    )


def _order(finding: Finding) -> tuple[str, int, str]:
    return finding.rule.id, finding.hit.line, finding.hit.where
