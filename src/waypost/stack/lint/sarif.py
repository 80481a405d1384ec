"""Writes a report as SARIF 2.1.0, which code hosts show beside the lines of a change.

The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from waypost import __version__
from waypost.stack.lint.rules import RULES

if TYPE_CHECKING:
    from waypost.stack.lint.findings import Finding, NotChecked, Report, Rule

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_INDEX: Final = {identifier: index for index, identifier in enumerate(RULES)}


def to_sarif(report: Report, uri: str) -> dict[str, Any]:
    """Return a report as a SARIF log.

    Args:
        report: of one template.
        uri: of the template, relative to the root of its repository.
    """
    results = [_result(finding, uri) for finding in report.findings]
    for one in report.suppressed:
        suppression = {"kind": "inSource", "justification": one.reason}
        results.append({**_result(one.finding, uri), "suppressions": [suppression]})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver()},
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            _notification(one, uri) for one in report.not_checked
                        ],
                    }
                ],
                "results": results,
            }
        ],
    }


def _driver() -> dict[str, Any]:
    return {
        "name": "waypost stack lint",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in RULES.values()],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.at_night},
        "help": {"text": f"{rule.at_night}\n\n{rule.fix}\n\n{rule.source}"},
        "helpUri": rule.source,
        "defaultConfiguration": {"level": rule.level},
    }


def _result(finding: Finding, uri: str) -> dict[str, Any]:
    rule, hit = finding.rule, finding.hit
    place = f"{hit.where}: " if hit.where else ""
    when = f" ({finding.scenario})" if finding.scenario else ""
    # Without the line, so that a finding stays the same one when lines above it come or go.
    print_ = hashlib.sha256(f"{rule.id} {hit.where} {hit.what}".encode()).hexdigest()
    return {
        "ruleId": rule.id,
        "ruleIndex": _INDEX[rule.id],
        "level": rule.level,
        "message": {"text": f"{place}{hit.what}{when}. {rule.at_night}"},
        "locations": [_location(uri, hit.line, hit.where)],
        "partialFingerprints": {"waypost/v1": print_},
    }


def _notification(one: NotChecked, uri: str) -> dict[str, Any]:
    by = f"{one.rule.id} was " if one.rule is not None else ""
    return {
        "level": "note",
        "message": {"text": f"{by}not checked: {one.gap.why}"},
        "locations": [_location(uri, one.gap.line, one.gap.where)],
    }


def _location(uri: str, line: int, where: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": max(line, 1)},
        }
    }
    if where:
        location["logicalLocations"] = [{"name": where, "kind": "resource"}]
    return location
