"""Deployments to a CloudFormation for tests, and to the rest of AWS by moto."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from tests.support.aws import aws_client
from tests.support.cloudformation import CloudFormation, Desk
from waypost.stack.deploy import Deployed, Deployer, Plan

AGAIN = "--env qa"
BUCKET = "waypost-123456789012-eu-central-1"
DONE = [("", "UPDATE_IN_PROGRESS", ""), ("", "UPDATE_COMPLETE", "")]
MADE = [("", "CREATE_IN_PROGRESS", ""), ("", "CREATE_COMPLETE", "")]
GONE = [("", "DELETE_IN_PROGRESS", ""), ("", "DELETE_COMPLETE", "")]


STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


client = cache(aws_client)
"""Making one takes longer than a test."""


def change(action: str, kind: str = "AWS::SQS::Queue", **more: str) -> dict[str, Any]:
    return {"Action": action, "LogicalResourceId": "It", "ResourceType": kind, **more}


def deployer(cloud: CloudFormation, desk: Desk) -> Deployer:
    def connect(service: str) -> Any:
        return cloud if service == "cloudformation" else client(service)

    return Deployer(connect, desk, lambda _: None)


def deploy(
    cloud: CloudFormation,
    desk: Desk | None = None,
    *,
    bucket: str | None = None,
    execute: bool = True,
    drift: bool | None = None,
    **parameters: str,
) -> Deployed:
    plan = Plan(
        stack="waypost-qa",
        parameters={"EnvironmentSuffix": "qa", **parameters},
        tags={"team": "ops"},
        bucket=bucket,
        execute=execute,
        again=AGAIN,
        change_set="waypost-1",
        drift=drift,
        today=date(2026, 11, 23),
    )
    return deployer(cloud, desk or Desk()).deploy(plan)


def request(cloud: CloudFormation) -> dict[str, Any]:
    [asked] = [asked for name, asked in cloud.calls if name == "create_change_set"]
    return asked


def leave_table(**more: Any) -> None:
    """Let the table of updates be there, as an earlier stack left it."""
    client("dynamodb").create_table(
        TableName="shipment-logs-qa",
        KeySchema=[{"AttributeName": "shipmentId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "shipmentId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def first_version() -> CloudFormation:
    leave_table(StreamSpecification=STREAM)
    for n in range(3):
        row = {"shipmentId": {"S": f"OLD-{n}"}}
        client("dynamodb").put_item(TableName="shipment-logs-qa", Item=row)
    return CloudFormation(
        "CREATE_COMPLETE",
        DONE[:],
        [change("Add")],
        parameters={"EnvironmentSuffix": "qa", "AlertEmail": "test@test.com"},
        resources=[("AWS::DynamoDB::Table", "shipment-logs-qa")],
        logical_ids={"shipment-logs-qa": "ShipmentLogsTable"},
    )
