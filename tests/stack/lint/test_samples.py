"""Templates as SAM, the CDK and people write them: what is said on each, and nothing more.

The samples are our own, in those styles; each opens with what it is about.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.linting import found, judge, said, unjudged

SAMPLES = Path(__file__).parent / "samples"
NOT_PYTHON = "its code is not Python"
ELSEWHERE = "its code is not here"
NO_ALARM = "the template has no alarm at all; they may be in another one"

FINDINGS: dict[str, set[tuple[str, str]]] = {
    "cdk-bucket.json": {
        ("WP401", "Thumbs35"),  # S3 calls it asynchronously
        ("WP605", "Thumbs35"),
    },
    "cdk-dashboard.json": set(),
    "cdk-queue-lambda.json": {
        ("WP404", "WorkA11"),  # the construct's default of 30 s
    },
    "cdk-rule-lambda.json": {
        ("WP205", "Slow07"),
        ("WP206", "Quiet08"),
        ("WP207", "Rule04"),
        ("WP208", "Rule04"),
        ("WP401", "Rule04"),
        ("WP402", "HandlerDeadLetterQueue03"),
    },
    "cdk-table-stream.json": set(),
    "cfn-custom-bus.yaml": {
        ("WP101", "Silent"),  # by RuleName alone, on a bus of its own
        ("WP204", "Silent"),  # 200 hours
    },
    "cfn-state-machine.yaml": set(),
    "cfn-web-service.yaml": {
        ("WP501", "TaskRole"),
    },
    "sam-events-and-schedules.yaml": {
        ("WP401", "OnOrder"),  # its rule has a queue, its own failures have not
        ("WP401", "NightlyTick"),
    },
    "sam-fan-out.yaml": {
        ("WP401", "News"),
        ("WP401", "Tell"),
        ("WP401", "TellNews"),
        ("WP402", "Lost"),
        ("WP406", "ArchiveSubscription"),
        ("WP602", "Tell"),
        ("WP603", "Tell"),
        ("WP604", "Tell"),
    },
    "sam-http-api.yaml": set(),
    "sam-macro.yaml": set(),
    "sam-queue-worker.yaml": set(),
    "sam-stream.yaml": {
        ("WP206", "GivenAlarm"),
        ("WP401", "ProjectChanges"),
        ("WP402", "Given"),  # an alarm on what is sent is not one on what lies there
        ("WP405", "ProjectChanges"),
        ("WP801", "Orders"),
    },
}
GAPS: dict[str, set[tuple[str, str]]] = {
    "cdk-bucket.json": {
        ("Provider32", "its runtime is known only when it is deployed"),
        ("Provider32", NOT_PYTHON),
        ("ProviderRole33", NOT_PYTHON),
        ("Thumbs35", NOT_PYTHON),
        ("ThumbsRole34", NOT_PYTHON),
        ("", NO_ALARM),
    },
    "cdk-dashboard.json": {
        ("Dashboard22", "widget 4 (T): nothing in the template is seen to publish MyShop"),
        ("Handler20", NOT_PYTHON),
        ("HandlerRole21", NOT_PYTHON),
    },
    "cdk-queue-lambda.json": {("WorkerD44", NOT_PYTHON), ("WorkerServiceRoleB22", NOT_PYTHON)},
    "cdk-rule-lambda.json": {("Handler02", NOT_PYTHON), ("HandlerServiceRole01", NOT_PYTHON)},
    "cdk-table-stream.json": {
        ("Follow13", NOT_PYTHON),
        ("FollowServiceRole11", NOT_PYTHON),
        ("LogRetentionProvider16", NOT_PYTHON),
        ("LogRetentionProviderRole17", NOT_PYTHON),
    },
    "cfn-custom-bus.yaml": set(),
    "cfn-state-machine.yaml": set(),
    "cfn-web-service.yaml": set(),
    "sam-events-and-schedules.yaml": {
        ("Sync", "what SAM makes of AWS::Serverless::StateMachine is not seen here"),
        ("OnOrder", NOT_PYTHON),
        ("OnOrderRole", NOT_PYTHON),
        ("Nightly", NOT_PYTHON),
        ("NightlyRole", NOT_PYTHON),
        ("", NO_ALARM),
    },
    "sam-fan-out.yaml": {("", NO_ALARM)},
    "sam-http-api.yaml": {
        ("ReadFunction", ELSEWHERE),
        ("ReadFunctionRole", ELSEWHERE),
        ("WriteFunction", ELSEWHERE),
        ("WriteFunctionRole", ELSEWHERE),
    },
    "sam-macro.yaml": {
        ("", "what the transform CompanyGuardrails makes is not seen here"),
        ("Fn::ForEach::Queues", "the resources that it makes are not seen here"),
        ("Network", "what AWS::CloudFormation::Stack makes is not seen here"),
        ("Shared", "what SAM makes of AWS::Serverless::Application is not seen here"),
        ("Watcher", "what SAM makes of its event Topic (MSK) is not seen here"),
        ("Watcher", NOT_PYTHON),
        ("WatcherRole", NOT_PYTHON),
    },
    "sam-queue-worker.yaml": set(),
    "sam-stream.yaml": {
        ("Project", ELSEWHERE),
        ("ProjectRole", ELSEWHERE),
        ("Index", ELSEWHERE),
        ("IndexRole", ELSEWHERE),
    },
}


def test_each_sample_is_pinned() -> None:
    names = {path.name for path in SAMPLES.iterdir()}

    assert names == FINDINGS.keys() == GAPS.keys()


@pytest.mark.parametrize("name", sorted(FINDINGS))
def test_a_sample_gets_what_it_deserves(name: str) -> None:
    report = judge((SAMPLES / name).read_bytes())

    assert found(report) == FINDINGS[name]
    assert {(where, why) for _, where, why in unjudged(report)} == GAPS[name]


def test_a_suppressed_finding_is_kept_with_its_reason() -> None:
    [one] = judge((SAMPLES / "cfn-custom-bus.yaml").read_bytes()).suppressed

    assert (one.finding.rule.id, one.finding.hit.where) == ("WP206", "UndeliveredAlarm")
    assert one.reason == "a dashboard shows it to whoever is on call"


def test_an_alarm_on_what_is_sent_is_told_from_one_on_what_is_there() -> None:
    [what] = said(judge((SAMPLES / "sam-stream.yaml").read_bytes()), "WP402")

    assert "the one on NumberOfMessagesSent misses" in what
