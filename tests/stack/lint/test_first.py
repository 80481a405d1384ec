"""The template that Waypost began as: each defect that loses data or misleads is found.

The numbers are those of the defects' list; T6 is one of taste, and T12 on are less than these.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.linting import found, judge, said

FIRST = (Path(__file__).parent / "first.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("rule", "where"),
    [
        pytest.param("WP101", "DynamoDBThrottleAlarm", id="T1-throttles-that-are-never-published"),
        pytest.param("WP201", "DynamoDBThrottleAlarm", id="T2-missing-data-is-always-ignored"),
        pytest.param("WP203", "LambdaErrorAlarm", id="T3-errors-that-never-rise"),
        pytest.param("WP202", "LambdaErrorAlarm", id="T3-more-errors-than-events"),
        pytest.param("WP103", "ShipmentProcessorFunction", id="T4-the-only-signal-has-no-alarm"),
        pytest.param("WP205", "LambdaDurationAlarm", id="T5-an-average-hides-a-hang"),
        pytest.param("WP401", "ShipmentUpdateRule", id="T7-the-rule-drops"),
        pytest.param("WP401", "ShipmentProcessorFunction", id="T7-the-function-drops"),
        pytest.param("WP207", "ShipmentUpdateRule", id="T8-silence-is-green"),
        pytest.param("WP208", "ShipmentUpdateRule", id="T9-failed-deliveries-are-not-seen"),
        pytest.param("WP208", "ShipmentProcessorFunction", id="T9-dropped-events-are-not-seen"),
        pytest.param("WP208", "AlertTopic", id="T9-undelivered-alerts-are-not-seen"),
        pytest.param("WP301", "LogisticsDashboard", id="T10-dimensions-is-no-property"),
        pytest.param("WP302", "LogisticsDashboard", id="T10-rows-of-the-whole-account"),
        pytest.param("WP303", "LogisticsDashboard", id="T10-rows-that-are-empty"),
        pytest.param("WP702", "AlertEmail", id="T11-a-stranger-is-told"),
    ],
)
def test_a_defect_of_the_first_template_is_found(rule: str, where: str) -> None:
    assert (rule, where) in found(judge(FIRST, per_day=1_500))


def test_nothing_in_it_is_left_unjudged() -> None:
    assert judge(FIRST, per_day=1_500).not_checked == ()


def test_without_traffic_it_says_that_it_did_not_judge_thresholds() -> None:
    report = judge(FIRST)

    assert said(report, "WP202") == []
    assert {(one.rule.id, one.gap.where) for one in report.not_checked if one.rule} == {
        ("WP202", "LambdaErrorAlarm"),
    }


def test_a_finding_stands_on_the_line_that_is_wrong() -> None:
    lines = FIRST.splitlines()
    report = judge(FIRST, per_day=1_500)
    places = {(f.rule.id, f.hit.where): lines[f.hit.line - 1].strip() for f in report.findings}

    assert places["WP101", "DynamoDBThrottleAlarm"] == "MetricName: UserErrors"
    assert places["WP202", "LambdaErrorAlarm"] == "Threshold: 5"
    assert places["WP205", "LambdaDurationAlarm"] == "Statistic: Average"
    assert places["WP605", "ShipmentProcessorFunction"] == "Runtime: python3.10"
    assert places["WP702", "AlertEmail"].startswith("AlertEmail:")
