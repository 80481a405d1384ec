"""What the commands on a stack print, and how they end."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from moto import mock_aws

from tests.support.aws import aws_client
from tests.support.cloudformation import CloudFormation
from waypost.clock import SystemClock
from waypost.stack import bundle
from waypost.stack.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.conftest import Waypost

QA = ("--env", "qa", "--region", "eu-central-1")
MADE = [("", "CREATE_IN_PROGRESS", ""), ("", "CREATE_COMPLETE", "")]
ADDED = {"Action": "Add", "LogicalResourceId": "Queue", "ResourceType": "AWS::SQS::Queue"}
OUT = {"Action": "Remove", "LogicalResourceId": "Old", "ResourceType": "AWS::SQS::Queue"}
TABLE = ("AWS::DynamoDB::Table", "shipment-logs-qa")

client = cache(aws_client)
"""Making one takes longer than a test."""


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Who answers instead of moto, by service."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(
        Connection, "client", lambda _, service: found.get(service) or client(service)
    )
    monkeypatch.setattr("time.sleep", lambda _: None)
    with mock_aws():
        yield found


@pytest.fixture
def cloud(services: dict[str, Any]) -> CloudFormation:
    found = CloudFormation(course=MADE[:], changes=[ADDED])
    services["cloudformation"] = found
    return found


def test_nobody_to_answer_is_wrong_use_and_changes_nothing(
    waypost: Waypost, cloud: CloudFormation
) -> None:
    assert "--yes" in waypost("stack", "deploy", *QA, code=2).err
    assert "execute_change_set" not in cloud.asked


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked(
    waypost: Waypost, cloud: CloudFormation, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("waypost.cli.aws._is_somebody_there", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda question, err: answer == "y")

    ran = waypost("stack", "deploy", *QA, code=0 if answer == "y" else 1)

    assert ("execute_change_set" in cloud.asked) is (answer == "y")
    assert ran.out.startswith("Deployed." if answer == "y" else "Nothing was changed.")


def test_deploying_shows_the_changes_the_course_and_the_next_step(
    waypost: Waypost, cloud: CloudFormation
) -> None:
    cloud.changes = [ADDED, OUT]

    ran = waypost("stack", "deploy", *QA, "--yes")

    told = ran.err.splitlines()
    assert told[0] == "account 123456789012, region eu-central-1, stack waypost-qa"
    assert next(i for i, row in enumerate(told) if row.startswith("remove")) < next(
        i for i, row in enumerate(told) if row.startswith("add")
    )
    assert "CREATE_COMPLETE" in ran.err
    assert "Nobody is told of alerts" in ran.err
    assert "waypost stack status --env qa --region eu-central-1" in ran.err
    assert "shipment-logs-qa" in ran.out


def test_a_mail_that_waits_to_be_confirmed_is_said(
    waypost: Waypost, services: dict[str, Any], cloud: CloudFormation
) -> None:
    cloud.resources = [("AWS::SNS::Topic", "arn:aws:sns:eu-central-1:1:logistics-alerts-qa")]
    cloud.parameters = {"AlertEmail": "ops@example.com"}
    services["sns"] = Mock()
    services["sns"].get_topic_attributes.return_value = {
        "Attributes": {"SubscriptionsPending": "1"}
    }

    ran = waypost("stack", "deploy", *QA, "--yes")

    assert "Now confirm: AWS has sent 1 mails to ops@example.com" in ran.out


def test_deploying_in_json_is_one_object(waypost: Waypost, cloud: CloudFormation) -> None:
    row = waypost("stack", "deploy", *QA, "--yes", "--json", "--stack-name", "mine").row

    assert (row["result"], row["status"]) == ("deployed", "CREATE_COMPLETE")
    assert row["outputs"] == {"DynamoDBTableName": "shipment-logs-qa"}
    assert row["changes"][0]["logicalId"] == "Queue"


def test_a_change_set_that_is_left_is_named(waypost: Waypost, cloud: CloudFormation) -> None:
    out = waypost("stack", "deploy", *QA, "--no-execute").out

    assert "execute-change-set --change-set-name change-set-1" in out


def test_ctrl_c_is_a_no_that_says_how_to_look(
    waypost: Waypost, cloud: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)

    told = waypost("stack", "deploy", *QA, "--yes", code=1).err

    assert "What has begun goes on on AWS." in told
    assert "waypost stack status --env qa --region eu-central-1 --watch" in told
    assert "execute_change_set" in cloud.asked


def test_a_failure_is_a_no(waypost: Waypost, cloud: CloudFormation) -> None:
    cloud.course = [MADE[0], ("Queue", "CREATE_FAILED", "too many"), ("", "ROLLBACK_COMPLETE", "")]

    assert "First cause: Queue" in waypost("stack", "deploy", *QA, "--yes", code=1).err


@pytest.mark.parametrize(
    "wrong",
    [
        ["deploy", "--env", "Not-An-Env"],
        ["deploy", *QA, "--parameter", "NoSuch=1"],
        ["deploy", *QA, "--parameter", "AlertEmail"],
        ["deploy", *QA, "--tag", "=1"],
        ["deploy", *QA, "--bucket", "My_bucket"],
        ["deploy", *QA, "--stack-name", "1st"],
        ["deploy"],
        ["logs", *QA, "--function", "cook"],
        ["logs", *QA, "--since", "soon"],
        ["redrive", "shipment-updates", *QA],
    ],
)
def test_wrong_use_is_said(waypost: Waypost, cloud: CloudFormation, wrong: list[str]) -> None:
    assert waypost("stack", *wrong, code=2).err
    assert cloud.asked == []


def test_parameters_and_tags_are_passed_on(waypost: Waypost, cloud: CloudFormation) -> None:
    given = ["--parameter", "StalledHours=9", "--tag", "a=b=c", "--alert-email", ""]

    waypost("stack", "deploy", *QA, "--yes", *given)

    asked = cloud.calls[0][1]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in asked["Parameters"]}
    assert values == {"EnvironmentSuffix": "qa", "StalledHours": "9", "AlertEmail": ""}
    assert asked["Tags"] == [{"Key": "a", "Value": "b=c"}]


@pytest.mark.parametrize("as_json", [False, True])
def test_destroying_names_what_stays(
    waypost: Waypost, cloud: CloudFormation, as_json: bool
) -> None:
    cloud.status, cloud.resources = "CREATE_COMPLETE", [TABLE]
    cloud.course = [("", "DELETE_COMPLETE", "")]

    ran = waypost("stack", "destroy", *QA, "--yes", *(["--json"] if as_json else []))

    if as_json:
        assert ran.row == {"destroyed": True, "kept": ["shipment-logs-qa"]}
    else:
        assert ran.out == "Destroyed. These tables stay: shipment-logs-qa.\n"


@pytest.mark.parametrize("command", [("stack", "status", *QA), ("doctor", "--stack", *QA[1:])])
def test_a_stack_that_is_not_there_is_a_no(
    waypost: Waypost, cloud: CloudFormation, command: tuple[str, ...]
) -> None:
    assert "no stack waypost-qa" in waypost(*command, code=1).err


def test_logs_go_on_until_ctrl_c(
    waypost: Waypost, services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [{"events": [{"eventId": "1", "timestamp": 1, "message": "one"}]}]
    services["logs"] = Mock()
    services["logs"].get_paginator.return_value.paginate.return_value = pages
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", pause)

    ran = waypost("stack", "logs", *QA, "--follow", "--function", "sweep", code=130)

    assert ran.out.count("one") == 1


def test_what_is_under_way_can_be_watched_from_its_beginning(
    waypost: Waypost, cloud: CloudFormation
) -> None:
    cloud.step("Old", "CREATE_FAILED", "long ago")
    cloud.step("", "CREATE_COMPLETE")
    cloud.step("", "UPDATE_IN_PROGRESS")
    cloud.step("New", "UPDATE_FAILED", "it broke")
    cloud.course = [("", "UPDATE_ROLLBACK_IN_PROGRESS", ""), ("", "UPDATE_ROLLBACK_COMPLETE", "")]

    ran = waypost("stack", "status", *QA, "--watch", code=1)

    assert "Old" not in ran.err
    assert "First cause: New: it broke" in ran.err
    assert ran.out.startswith("waypost-qa: UPDATE_ROLLBACK_COMPLETE")


@pytest.mark.parametrize("as_json", [False, True])
def test_logs_are_shown_oldest_first(
    waypost: Waypost, services: dict[str, Any], as_json: bool
) -> None:
    now = SystemClock().now()
    for name, ago in (("processor", 2_000), ("notifier", 1_000)):
        group = {"logGroupName": f"/aws/lambda/shipment-{name}-qa"}
        client("logs").create_log_group(**group)
        client("logs").create_log_stream(**group, logStreamName="1")
        client("logs").put_log_events(
            **group, logStreamName="1", logEvents=[{"timestamp": now - ago, "message": name}]
        )
    asked = ("--function", "notifier", "--function", "processor")

    ran = waypost("stack", "logs", *QA, *asked, *(["--json"] if as_json else []))

    if as_json:
        assert [row["message"] for row in ran.rows] == ["processor", "notifier"]
    else:
        assert [line.split()[1] for line in ran.out.splitlines()] == [
            "shipment-processor-qa",
            "shipment-notifier-qa",
        ]


@pytest.mark.parametrize("as_json", [False, True])
def test_code_that_differs_is_a_no(
    waypost: Waypost, services: dict[str, Any], monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    more = ["--json"] if as_json else []
    monkeypatch.setattr("waypost.stack.verify._download", lambda _: b"no zip")
    functions = Mock()
    functions.get_function.return_value = {
        "Configuration": {"CodeSha256": "another"},
        "Code": {"Location": "http://127.0.0.1"},
    }
    services["lambda"] = functions

    ran = waypost("stack", "verify", *QA, *more, code=1)
    assert "cannot be read" in (ran.out if as_json else ran.err)

    monkeypatch.setattr("waypost.stack.verify._sha256", lambda _: "another")
    assert bundle.zip_code()
    assert len(waypost("stack", "verify", *QA, *more).out.splitlines()) == 3


@pytest.mark.parametrize("as_json", [False, True])
def test_what_stays_in_a_queue_is_a_no(
    waypost: Waypost, services: dict[str, Any], monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr("waypost.stack.redrive._WAIT", 0)
    client("sqs").create_queue(QueueName="shipment-updates-qa")
    url = client("sqs").create_queue(QueueName="shipment-invoke-dlq-qa")["QueueUrl"]
    for body in ('{"requestPayload": {"detail": {}}}', "nothing"):
        client("sqs").send_message(QueueUrl=url, MessageBody=body)

    asked = ("stack", "redrive", "shipment-invoke-dlq-qa", *QA)
    ran = waypost(*asked, *(["--json"] if as_json else []), code=1)

    if as_json:
        assert ran.row["sent"] == 1
        assert ran.row["left"] == {"it is no JSON object": 1}
    else:
        assert ran.out == "1 sent on\n"
        assert "1 stay: it is no JSON object" in ran.err


def test_what_aws_refuses_cannot_be_reached(waypost: Waypost, services: dict[str, Any]) -> None:
    assert "AWS refused GetFunction" in waypost("stack", "verify", *QA, code=3).err
