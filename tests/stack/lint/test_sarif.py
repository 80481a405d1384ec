"""SARIF 2.1.0, as code hosts want it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from tests.support.linting import judge
from waypost.stack.lint.rules import RULES
from waypost.stack.lint.sarif import to_sarif

HERE = Path(__file__).parent
_MESSAGE: Final = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
_LOCATIONS: Final = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["physicalLocation"],
        "properties": {
            "physicalLocation": {
                "type": "object",
                "required": ["artifactLocation", "region"],
                "properties": {
                    "artifactLocation": {"type": "object", "required": ["uri"]},
                    "region": {
                        "type": "object",
                        "required": ["startLine"],
                        "properties": {"startLine": {"type": "integer", "minimum": 1}},
                    },
                },
            }
        },
    },
}
REQUIRED: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription", "help"],
                                            "properties": {
                                                "shortDescription": _MESSAGE,
                                                "fullDescription": _MESSAGE,
                                                "help": _MESSAGE,
                                                "helpUri": {"pattern": "^https://"},
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "properties": {
                                "toolExecutionNotifications": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["message"],
                                        "properties": {"message": _MESSAGE},
                                    },
                                }
                            },
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "locations", "partialFingerprints"],
                            "properties": {
                                "message": _MESSAGE,
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "locations": _LOCATIONS,
                                "suppressions": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["kind"],
                                        "properties": {"kind": {"enum": ["inSource", "external"]}},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""What the schema of SARIF 2.1.0 requires (sarif-schema-2.1.0.json of OASIS), and beyond it what
GitHub does (docs.github.com, "SARIF support for code scanning")."""


def sarif_of(path: str, **facts: Any) -> dict[str, Any]:
    log = to_sarif(judge((HERE / path).read_bytes(), **facts), path)
    jsonschema.validate(log, REQUIRED)
    read_back: dict[str, Any] = json.loads(json.dumps(log))
    return read_back


@pytest.mark.parametrize(
    "path", ["first.yaml", "samples/cfn-custom-bus.yaml", "samples/sam-macro.yaml"]
)
def test_it_is_a_log_with_what_is_required(path: str) -> None:
    assert len(sarif_of(path)["runs"]) == 1


def test_each_result_points_to_its_rule_and_its_line() -> None:
    [run] = sarif_of("first.yaml", per_day=1_500)["runs"]
    rules = run["tool"]["driver"]["rules"]

    assert [rule["id"] for rule in rules] == list(RULES)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == RULES[result["ruleId"]].level
    [one] = [result for result in run["results"] if result["ruleId"] == "WP101"]
    [location] = one["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "first.yaml"},
        "region": {"startLine": 108},
    }
    assert location["logicalLocations"] == [{"name": "DynamoDBThrottleAlarm", "kind": "resource"}]


def test_a_finding_stays_the_same_one_when_lines_move() -> None:
    text = (HERE / "first.yaml").read_text(encoding="utf-8")
    prints = [
        {
            r["partialFingerprints"]["waypost/v1"]
            for r in to_sarif(judge(t), "t")["runs"][0]["results"]
        }
        for t in (text, f"# a line more\n{text}")
    ]

    assert prints[0] == prints[1]
    assert len(prints[0]) == len(judge(text).findings)


def test_what_is_suppressed_stands_there_as_suppressed() -> None:
    [run] = sarif_of("samples/cfn-custom-bus.yaml")["runs"]
    [one] = [result for result in run["results"] if "suppressions" in result]

    assert one["ruleId"] == "WP206"
    assert one["suppressions"] == [
        {"kind": "inSource", "justification": "a dashboard shows it to whoever is on call"}
    ]


def test_what_was_not_checked_is_notified() -> None:
    [run] = sarif_of("samples/sam-macro.yaml")["runs"]
    texts = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]

    assert "not checked: what the transform CompanyGuardrails makes is not seen here" in texts
    assert "WP603 was not checked: its code is not Python" in texts
