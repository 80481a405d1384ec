"""A stack is taken away, and its tables stay."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from tests.support.cloudformation import CloudFormation, Desk
from tests.support.deploying import AGAIN, GONE, deploy, deployer
from waypost.core.errors import NotFound
from waypost.stack import stacks
from waypost.stack.errors import StackFailed


def standing() -> CloudFormation:
    return CloudFormation(
        "UPDATE_COMPLETE",
        GONE[:],
        resources=[("AWS::DynamoDB::Table", "shipment-logs-qa"), ("AWS::SQS::Queue", "q")],
    )


def test_destroying_says_what_stays_before_it_asks() -> None:
    cloud, desk = standing(), Desk(answer=False)

    assert deployer(cloud, desk).destroy("waypost-qa", AGAIN) is None

    assert desk.said[1].startswith("1 resources go")
    assert "What stays: shipment-logs-qa" in desk.said[2]
    assert cloud.asked == []


def test_destroying_names_the_tables_that_stay() -> None:
    cloud = standing()

    assert deployer(cloud, Desk()).destroy("waypost-qa", AGAIN) == ("shipment-logs-qa",)
    assert cloud.asked == ["delete_stack"]


TABLE = {"Type": "AWS::DynamoDB::Table"}
NOT_KEEPING: list[Any] = [
    "Resources: {ShipmentLogsTable: {Type: AWS::DynamoDB::Table}}",
    {"Resources": {"ShipmentLogsTable": TABLE, "Q": {"Type": "AWS::SQS::Queue"}}},
    {"Resources": {"ShipmentLogsTable": {**TABLE, "DeletionPolicy": "Delete"}}},
]


@pytest.mark.parametrize("template", NOT_KEEPING, ids=["yaml", "json", "delete"])
def test_a_stack_whose_template_keeps_no_table_is_not_destroyed(template: Any) -> None:
    cloud = standing()
    cloud.template = template

    with pytest.raises(StackFailed, match=r"ShipmentLogsTable, and shipment-logs-qa.*stack deploy"):
        deployer(cloud, Desk()).destroy("waypost-qa", AGAIN)

    assert cloud.asked == []


def test_a_stack_stuck_at_birth_is_not_deleted_with_a_table() -> None:
    cloud = standing()
    cloud.status, cloud.template = "DELETE_FAILED", NOT_KEEPING[0]

    with pytest.raises(StackFailed, match=r"does not keep ShipmentLogsTable.*Back it up"):
        deploy(cloud)

    assert cloud.asked == []


def test_destroying_that_fails_says_the_first_cause() -> None:
    cloud = standing()
    cloud.course = [("q", "DELETE_FAILED", "in use"), ("", "DELETE_FAILED", "")]

    with pytest.raises(StackFailed, match=r"First cause: q .*in use"):
        deployer(cloud, Desk()).destroy("waypost-qa", AGAIN)


def test_what_is_not_there_cannot_be_destroyed() -> None:
    with pytest.raises(NotFound, match="no stack waypost-qa"):
        deployer(CloudFormation(), Desk()).destroy("waypost-qa", AGAIN)


def test_a_stack_is_found_as_long_as_it_is_there() -> None:
    assert stacks.find(CloudFormation("DELETE_COMPLETE"), "waypost-qa") is None

    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeStacks")
    with pytest.raises(ClientError, match="AccessDenied"):
        stacks.find(Mock(describe_stacks=Mock(side_effect=denied)), "waypost-qa")
