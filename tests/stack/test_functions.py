"""What the functions run on, and what they may do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.templates import Stack, listed, statements
from waypost.stack import bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = {
    "ShipmentProcessorFunction": ("lambda_handler", "ProcessorRole", "LambdaLogGroup"),
    "ShipmentNotifierFunction": ("notifier_handler", "NotifierRole", "NotifierLogGroup"),
    "ShipmentSweepFunction": ("sweep_handler", "SweepRole", "SweepLogGroup"),
}
CONTRACT = {"DYNAMODB_TABLE", "SNS_TOPIC_ARN", "ENVIRONMENT", "REJECTED_TABLE"}
FOLLOWING = CONTRACT | {"STATE_TABLE", "STALLED_HOURS"}
VARIABLES = {
    "ShipmentProcessorFunction": CONTRACT,
    "ShipmentNotifierFunction": FOLLOWING | {"REFOLD_QUEUE_URL"},
    "ShipmentSweepFunction": FOLLOWING,
}
POLL = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
STREAM = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
BY_LAMBDA = POLL | STREAM | LOG
"""What Lambda itself does with a function's role."""
STATE = {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"}
GRANTS: dict[str, dict[str, set[str]]] = {
    "ProcessorRole": {
        "ShipmentLogsTable.Arn": {"dynamodb:PutItem"},
        "ShipmentRejectedTable.Arn": {"dynamodb:PutItem"},
        "IngestQueue.Arn": POLL,
        "InvokeDlq.Arn": {"sqs:SendMessage"},
        "LambdaLogGroup.Arn": LOG,
    },
    "NotifierRole": {
        "ShipmentLogsTable.Arn": {"dynamodb:Query"},
        "ShipmentLogsTable.StreamArn": STREAM,
        "ShipmentRejectedTable.StreamArn": STREAM,
        "ShipmentStateTable.Arn": STATE,
        "ShipmentStateTable.Arn/index/codes": {"dynamodb:Query"},
        "RefoldQueue.Arn": POLL | {"sqs:SendMessage"},
        "StreamDlq.Arn": {"sqs:SendMessage"},
        "AlertTopic": {"sns:Publish"},
        "NotifierLogGroup.Arn": LOG,
    },
    "SweepRole": {
        "ShipmentLogsTable.Arn": {"dynamodb:Query"},
        "ShipmentStateTable.Arn": STATE,
        "ShipmentStateTable.Arn/index/due": {"dynamodb:Query"},
        "ShipmentStateTable.Arn/index/open": {"dynamodb:Query"},
        "ShipmentStateTable.Arn/index/undecided": {"dynamodb:Query"},
        "SweepDlq.Arn": {"sqs:SendMessage"},
        "AlertTopic": {"sns:Publish"},
        "SweepLogGroup.Arn": LOG,
    },
    "SchedulerRole": {
        "ShipmentSweepFunction.Arn": {"lambda:InvokeFunction"},
        "SweepDlq.Arn": {"sqs:SendMessage"},
    },
}


def grants(stack: Stack) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for role, statement in statements(stack):
        assert statement["Effect"] == "Allow"
        for resource in listed(statement["Resource"]):
            actions = found.setdefault(role, {}).setdefault(resource, set())
            actions.update(listed(statement["Action"]))
    return found


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_has_a_role_and_a_log_of_its_own(stack: Stack, name: str) -> None:
    handler, role, group = FUNCTIONS[name]
    function = stack[name]

    assert function["Handler"] == f"index.{handler}"
    assert function["Role"] == f"{role}.Arn"
    assert function["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
        "LogGroup": group,
    }
    assert stack[group]["LogGroupName"] == f"/aws/lambda/{function['FunctionName']}"


def test_logs_are_kept_as_long_as_is_said(template: dict[str, Any]) -> None:
    stack = Stack(template, LogRetentionDays=3)
    groups = stack.resources("AWS::Logs::LogGroup")

    assert [group.properties["RetentionInDays"] for group in groups] == [3, 3, 3]


def test_functions_run_on_what_is_said(template: dict[str, Any]) -> None:
    assert Stack(template)["ShipmentSweepFunction"]["Runtime"] == "python3.14"
    for function in Stack(template, Runtime="python3.12").resources("AWS::Lambda::Function"):
        assert function.properties["Runtime"] == "python3.12"


@pytest.mark.parametrize(
    ("given", "wanted"), [({}, "arm64"), ({"Architecture": "x86_64"}, "x86_64")], ids=["", "x86_64"]
)
def test_functions_run_on_another_processor_where_a_region_has_no_arm64(
    template: dict[str, Any], given: dict[str, str], wanted: str
) -> None:
    functions = Stack(template, **given).resources("AWS::Lambda::Function")

    assert [one.properties["Architectures"] for one in functions] == [[wanted]] * 3


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_function_has_the_variables_that_it_reads(stack: Stack, name: str) -> None:
    assert stack[name]["Environment"]["Variables"].keys() == VARIABLES[name]


def test_variables_that_are_set_are_read_and_those_that_are_read_are_set() -> None:
    texts = [text for path, text in bundle.sources().items() if "/aws_lambda/" in path]
    read = {name for text in texts for name in re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', text)}

    assert read & {n for names in VARIABLES.values() for n in names} == set().union(
        *VARIABLES.values()
    )


def test_a_role_may_do_what_its_function_does_and_no_more(stack: Stack) -> None:
    assert grants(stack) == GRANTS


def test_nothing_is_granted_on_everything(stack: Stack) -> None:
    for _, statement in statements(stack):
        assert not any(action.endswith("*") for action in listed(statement["Action"]))
        assert not any(resource == "*" for resource in listed(statement["Resource"]))


def test_no_role_brings_somebody_elses_policies(stack: Stack) -> None:
    for role in stack.resources("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role.properties


def test_no_role_may_make_a_log_group(stack: Stack) -> None:
    # Made by a late invocation, it would outlive the stack and keep its lines for ever.
    actions = {a for _, statement in statements(stack) for a in listed(statement["Action"])}

    assert "logs:CreateLogGroup" not in actions


def test_partitions_are_not_taken_for_granted(template: dict[str, Any]) -> None:
    assert list(_fixed_arns(template)) == []


def _fixed_arns(node: Any) -> Iterator[str]:
    if isinstance(node, str) and node.startswith("arn:aws"):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _fixed_arns(child)
