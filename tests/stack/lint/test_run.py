"""A whole run: exceptions with their reasons, gaps, and nothing said twice."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.support.linting import found, judge, resources, said, unjudged
from waypost.stack.errors import UnusableTemplate
from waypost.stack.lint.reading import read
from waypost.stack.lint.rules import RULES

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())
TABLE = "T: {Type: AWS::DynamoDB::Table, Metadata: {waypost: {ignore: IGNORE}}}\n"


def table(ignore: str) -> str:
    return resources(TABLE.replace("IGNORE", ignore))


@pytest.mark.parametrize(
    ("ignore", "why"),
    [
        ("[{id: WP801}]", "WP801 is suppressed without a reason"),
        ("[{id: WP801, reason: ' '}]", "WP801 is suppressed without a reason"),
        ("[{id: WP801, reason: 7}]", "WP801 is suppressed without a reason"),
        ("[{id: WP999, reason: old}]", "there is no rule WP999 to suppress"),
        ("[WP801]", "there is no rule None to suppress"),
    ],
)
def test_a_suppression_without_a_reason_is_none_and_a_finding(ignore: str, why: str) -> None:
    report = judge(table(ignore))

    assert said(report, "WP001") == [why]
    assert ("WP801", "T") in found(report)
    assert report.suppressed == ()


@pytest.mark.parametrize(
    "listed", ["{id: WP801, reason: a cache}", "[{id: WP801, reason: a cache}]"]
)
def test_a_suppression_with_a_reason_is_kept_and_shown(listed: str) -> None:
    report = judge(table(listed))

    assert report.findings == ()
    assert [(one.finding.rule.id, one.reason) for one in report.suppressed] == [
        ("WP801", "a cache")
    ]
    assert report.unused == ()


def test_a_suppression_holds_for_its_resource_only() -> None:
    text = table("[{id: WP801, reason: a cache}]") + "  U: {Type: AWS::DynamoDB::Table}\n"

    assert found(judge(text)) == {("WP801", "U")}


def test_a_suppression_of_nothing_is_shown() -> None:
    assert judge(table("[{id: WP801, reason: x}, {id: WP101, reason: y}]")).unused == (
        ("T", "WP101"),
    )


def test_what_is_no_resource_is_suppressed_by_the_template() -> None:
    text = (
        "Metadata: {waypost: {ignore: [{id: WP702, reason: the address is ours}]}}\n"
        "Parameters: {Email: {Type: String, Default: on-call@waypost.dev}}\n"
        "Resources: {X: {Type: Custom::X}}"
    )
    report = judge(text)

    assert report.findings == ()
    assert [one.reason for one in report.suppressed] == ["the address is ours"]


def test_what_shows_in_one_scenario_only_says_in_which() -> None:
    text = """
Parameters: {Stage: {Type: String, Default: dev}}
Conditions: {IsProd: !Equals [!Ref Stage, prod]}
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties: {Runtime: !If [IsProd, python3.8, python3.14], Role: r}
"""
    [finding] = judge(text).findings

    assert finding.rule.id == "WP605"
    assert finding.scenario == "with Stage 'prod'"


def test_a_resource_that_a_scenario_lacks_is_not_judged_in_it() -> None:
    text = """
Parameters: {Hours: {Type: Number, Default: 0, MaxValue: 24}}
Conditions: {HasHours: !Not [!Equals [!Ref Hours, 0]]}
Resources:
  A:
    Type: AWS::CloudWatch::Alarm
    Condition: HasHours
    Properties: {Namespace: AWS/SQS, MetricName: NumberOfMessagesSent, Dimensions: [{Name: QueueName, Value: q}],
      Statistic: Sum, Period: 3600, EvaluationPeriods: !Ref Hours, Threshold: 1, AlarmActions: [a],
      ComparisonOperator: LessThanThreshold, TreatMissingData: breaching}
"""
    assert judge(text).findings == ()
    assert said(judge(text.replace("24}", "200}")), "WP204")


def test_findings_are_in_the_order_of_rules_and_lines() -> None:
    findings = judge((Path(__file__).parent / "first.yaml").read_bytes()).findings
    order = [(f.rule.id, f.hit.line) for f in findings]

    assert order == sorted(order)


def test_a_macro_is_said_to_be_unseen() -> None:
    text = "Transform: Mine\nResources: {X: {Type: Custom::X}}"

    assert unjudged(judge(text)) == {("", "", "what the transform Mine makes is not seen here")}


@pytest.mark.parametrize("more", ["", ", Statistic: Sum"])
def test_properties_that_a_transform_makes_are_said_to_be_unseen(more: str) -> None:
    transform = "Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://a/b}}"
    report = judge(resources(f"T: {{Type: Custom::T, Properties: {{{transform}{more}}}}}\n"))

    assert unjudged(report) == {("", "T", "what a transform adds to it is not seen here")}


def test_every_rule_says_what_it_is_about() -> None:
    assert len(RULES) >= 30
    for rule in RULES.values():
        assert rule.source.startswith("https://")
        assert rule.at_night.endswith(".")
        assert rule.fix.rstrip(")").endswith((".", "]"))
        assert not rule.title.endswith(".")


# --- Hostile templates

JUNK: list[Any] = [
    *(None, "", 0, -1, 3.5, True, [], {}, "x", ["a"], {"a": 1}, [[]], 10**400),
    {"Ref": "Nope"},
    {"Ref": []},
    {"Fn::Sub": "${A.b} ${!c} ${"},
    {"Fn::If": ["C", 1]},
    {"Fn::Join": ["", [{"Ref": "AWS::Region"}, [1]]]},
    {"Fn::Select": [9, ["a"]]},
    {"Fn::FindInMap": ["a", {"x": 1}, "c"]},
]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every member of everything within a value: its holder, its key."""
    found_: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        found_ = [(value, key) for key in value]
    elif isinstance(value, list):
        found_ = [(value, index) for index in range(len(value))]
    return found_ + [place for holder, key in found_ for place in places(holder[key])]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_whatever_stands_in_a_template_it_is_judged_or_refused(path: Path) -> None:
    dice = random.Random(path.name)
    whole = plain(read(path.read_bytes()))
    judged = 0
    for _ in range(30):
        broken = deepcopy(whole)
        for _ in range(dice.choice([1, 1, 3])):
            holder, key = dice.choice(places(broken))
            holder[key] = deepcopy(dice.choice(JUNK))
        try:
            judge(json.dumps(broken), per_day=100)
        except UnusableTemplate:
            continue
        judged += 1

    assert judged > 10
