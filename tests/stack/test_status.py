"""What is unwell is a sentence; a line of a log is shown once."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from tests.support.cloudformation import CloudFormation
from waypost.core.errors import InvalidSettings, NotFound
from waypost.stack import logs, status
from waypost.stack.connection import Connection, aws_errors
from waypost.stack.errors import AwsFailed
from waypost.stack.logs import Tail

RESOURCES = [
    ("AWS::CloudWatch::Alarm", "dlq-alarm"),
    ("AWS::SQS::Queue", "https://sqs/1/shipment-updates-dlq-qa"),
    ("AWS::SQS::Queue", "https://sqs/1/shipment-updates-qa"),
    ("AWS::Lambda::Function", "shipment-processor-qa"),
    ("AWS::SNS::Topic", "arn:aws:sns:eu-central-1:1:logistics-alerts-qa"),
]


class Aws:
    """The services, as told."""

    def __init__(
        self,
        *,
        stack: str = "UPDATE_COMPLETE",
        alarm: str = "OK",
        waiting: int = 0,
        function: str = "Active",
        source: str = "Enabled",
        pending: int = 0,
    ) -> None:
        said = {"AlarmName": "dlq-alarm", "StateValue": alarm, "AlarmDescription": "look"}
        counts = {
            "ApproximateNumberOfMessages": str(waiting),
            "ApproximateNumberOfMessagesNotVisible": "0",
        }
        one = Mock()
        one.describe_alarms.return_value = {"MetricAlarms": [said]}
        one.get_queue_attributes.return_value = {"Attributes": counts}
        one.get_function_configuration.return_value = {"State": function, "Runtime": "python3.14"}
        one.list_event_source_mappings.return_value = {"EventSourceMappings": [{"State": source}]}
        one.get_topic_attributes.return_value = {
            "Attributes": {"SubscriptionsPending": str(pending), "SubscriptionsConfirmed": "1"}
        }
        self._one = one
        self._cloud = CloudFormation(stack, resources=RESOURCES)

    def connect(self, service: str) -> Any:
        return self._cloud if service == "cloudformation" else self._one


@pytest.mark.parametrize(
    ("unwell", "problem"),
    [
        ({"stack": "UPDATE_ROLLBACK_FAILED"}, "the stack is in UPDATE_ROLLBACK_FAILED"),
        ({"alarm": "ALARM"}, "alarm dlq-alarm: look"),
        (
            {"waiting": 3},
            "shipment-updates-dlq-qa holds 3: `waypost stack redrive shipment-updates-dlq-qa`",
        ),
        ({"function": "Failed"}, "shipment-processor-qa is Failed"),
        ({"source": "Disabled"}, "shipment-processor-qa is not fed: Disabled"),
        ({"pending": 1}, "logistics-alerts-qa: 1 have not confirmed their subscription"),
    ],
)
def test_each_trouble_is_a_problem(unwell: dict[str, Any], problem: str) -> None:
    assert status.look(Aws(**unwell).connect, "waypost-qa").problems == [problem]


def test_a_stack_that_is_well_has_no_problems() -> None:
    report = status.look(Aws().connect, "waypost-qa")

    assert report.problems == []
    assert [queue.name for queue in report.queues] == [
        "shipment-updates-dlq-qa",
        "shipment-updates-qa",
    ]


def test_a_stack_without_alarms_does_not_ask_for_all_of_the_account() -> None:
    aws = Aws()
    aws._cloud.resources = RESOURCES[1:]

    assert status.look(aws.connect, "waypost-qa").alarms == []


def test_a_stack_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        status.look(lambda _: CloudFormation(), "waypost-qa")


class Log:
    """A log that is read again from a time on."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.starts: list[int] = []

    def get_paginator(self, _: str) -> Log:
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803 (AWS calls them so)
        assert logGroupName == "/aws/lambda/f"
        self.starts.append(startTime)
        return [{"events": [one]} for one in self.events if one["timestamp"] >= startTime]


def line(time: int, text: str, **more: str) -> dict[str, Any]:
    return {"timestamp": time, "message": f"{text}\n", **more}


def test_a_line_that_comes_late_is_shown_and_none_twice() -> None:
    log = Log()
    tail = Tail(log, ["f"], since=0)

    log.events = [line(90_000, "b", eventId="2")]
    assert [one.text for one in tail.read()] == ["b"]
    log.events += [line(70_000, "a", eventId="1"), line(90_000, "c", eventId="3")]
    assert [one.text for one in tail.read()] == ["a", "c"]
    assert log.starts == [0, 60_000]


def test_what_gives_no_ids_is_known_by_its_text() -> None:
    log = Log()
    tail = Tail(log, ["f"], since=0)
    log.events = [line(1, "a"), line(1, "b")]

    assert len(tail.read()) == 2
    assert tail.read() == []


def test_only_so_many_lines_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "REMEMBERED", 2)
    log = Log()
    tail = Tail(log, ["f"], since=0)
    log.events = [line(1, text) for text in "abc"]

    tail.read()

    assert len(tail._seen) == 2


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A machine that knows nothing of AWS."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "region"),
        ({"profile": "nobody"}, "nobody"),
        ({"region": "eu-central-1"}, "credentials"),
        ({"region": "eu-central-1", "endpoint_url": "nowhere"}, "endpoint"),
    ],
)
def test_what_is_missing_to_connect_is_a_setting(options: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidSettings, match=problem), aws_errors():
        Connection(**options).client("sts").get_caller_identity()


def test_what_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.stack.connection.ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    nowhere = Connection(region="eu-central-1", endpoint_url="http://127.0.0.1:9")

    with pytest.raises(AwsFailed, match="cannot be used"), aws_errors():
        nowhere.client("sts").get_caller_identity()


def test_an_error_that_is_none_of_aws_is_raised_on() -> None:
    with pytest.raises(ValueError, match="other"), aws_errors():
        raise ValueError("other")
