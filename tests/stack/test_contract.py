"""What people and programs rely on since before there was a queue: it never breaks."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tables import INDEXES, projection
from tests.support.templates import Stack
from waypost.metrics.emf import IDENTITIES, NAMESPACE
from waypost.ports import Metric

if TYPE_CHECKING:
    from tests.support.templates import Properties

NAMES = {
    "ShipmentLogsTable": ("TableName", "shipment-logs-qa"),
    "AlertTopic": ("TopicName", "logistics-alerts-qa"),
    "ShipmentProcessorFunction": ("FunctionName", "shipment-processor-qa"),
    "ShipmentUpdateRule": ("Name", "shipment-update-rule-qa"),
    "LambdaLogGroup": ("LogGroupName", "/aws/lambda/shipment-processor-qa"),
    "LogisticsDashboard": ("DashboardName", "logistics-processing-qa"),
    "LambdaErrorAlarm": ("AlarmName", "shipment-processor-errors-qa"),
    "LambdaThrottleAlarm": ("AlarmName", "shipment-processor-throttles-qa"),
    "LambdaDurationAlarm": ("AlarmName", "shipment-processor-duration-qa"),
    "DynamoDBThrottleAlarm": ("AlarmName", "shipment-logs-throttles-qa"),
}
"""Logical ids too: a change of one would replace the resource when a stack is updated."""

TYPES = {
    "ShipmentLogsTable": "AWS::DynamoDB::Table",
    "AlertTopic": "AWS::SNS::Topic",
    "AlertTopicSubscription": "AWS::SNS::Subscription",
    "ShipmentProcessorFunction": "AWS::Lambda::Function",
    "LambdaLogGroup": "AWS::Logs::LogGroup",
    "ShipmentUpdateRule": "AWS::Events::Rule",
    "LambdaInvokePermission": "AWS::Lambda::Permission",
    "LogisticsDashboard": "AWS::CloudWatch::Dashboard",
}


def tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties["Tags"]}


@pytest.mark.parametrize("logical_id", sorted(NAMES))
def test_names_are_kept(template: dict[str, Any], logical_id: str) -> None:
    name, value = NAMES[logical_id]

    assert Stack(template, EnvironmentSuffix="qa")[logical_id][name] == value


def test_logical_ids_keep_their_types(template: dict[str, Any]) -> None:
    kept = {name: template["Resources"][name]["Type"] for name in TYPES}

    assert kept == TYPES


@pytest.mark.parametrize("suffix", ["", "-", "-a", "a-", "A", "a_b", "a" * 33])
def test_a_suffix_that_names_cannot_end_in_is_refused(
    template: dict[str, Any], suffix: str
) -> None:
    pattern = template["Parameters"]["EnvironmentSuffix"]["AllowedPattern"]

    assert re.fullmatch(pattern, suffix) is None


@pytest.mark.parametrize("suffix", ["dev", "prod", "a", "x9", "team-a-2", "a" * 32])
def test_other_suffixes_are_taken(template: dict[str, Any], suffix: str) -> None:
    pattern = template["Parameters"]["EnvironmentSuffix"]["AllowedPattern"]

    assert re.fullmatch(pattern, suffix)


def test_mail_goes_to_nobody_unless_somebody_is_named(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["AlertEmail"]

    assert parameter["Default"] == ""
    assert re.fullmatch(parameter["AllowedPattern"], "")
    assert re.fullmatch(parameter["AllowedPattern"], "ops+x@example.org")
    assert re.fullmatch(parameter["AllowedPattern"], "nobody") is None
    assert Stack(template).resources("AWS::SNS::Subscription") == []


def test_mail_of_alerts_and_of_alarms_goes_to_one_address(stack: Stack) -> None:
    subscriptions = [s.properties for s in stack.resources("AWS::SNS::Subscription")]

    assert {(s["TopicArn"], s["Protocol"], s["Endpoint"]) for s in subscriptions} == {
        ("AlertTopic", "email", "ops@example.org"),
        ("OpsTopic", "email", "ops@example.org"),
    }


def test_a_stack_with_a_custom_suffix_has_it_in_every_name(template: dict[str, Any]) -> None:
    stack = Stack(template, EnvironmentSuffix="qa")
    names = [
        (resource.type, value)
        for resource in stack.resources()
        for key, value in resource.properties.items()
        if key in {"Name", "AlarmName", "QueueName", "TableName", "TopicName"}
        or (key == "FunctionName" and resource.type == "AWS::Lambda::Function")
    ]

    assert all(name.endswith("-qa") for _, name in names)
    assert len(names) == len(set(names)) > 35


def test_parameters(template: dict[str, Any]) -> None:
    defaults = {name: p["Default"] for name, p in template["Parameters"].items()}

    assert defaults == {
        "EnvironmentSuffix": "dev",
        "AlertEmail": "",
        "AlertWindowSeconds": 60,
        "LogRetentionDays": 14,
        "StalledHours": "",
        "DeadManHours": 0,
        "EventBusName": "default",
        "Runtime": "python3.14",
        "Architecture": "arm64",
        "DeclaredPerDay": 1500,
        "ArchiveDays": 0,
        "Alarms": "full",
    }


def test_six_outputs_and_four_exports(stack: Stack) -> None:
    values = {name: output["Value"] for name, output in stack.outputs.items()}
    exports = {n: o["Export"]["Name"] for n, o in stack.outputs.items() if "Export" in o}
    command = values.pop("EventBridgeTestCommand")

    assert values == {
        "EventBridgeRuleName": "shipment-update-rule-dev",
        "LambdaFunctionArn": "ShipmentProcessorFunction.Arn",
        "DynamoDBTableName": "ShipmentLogsTable",
        "SNSTopicArn": "AlertTopic",
        "DashboardURL": "https://console.aws.amazon.com/cloudwatch/home?region=eu-central-1"
        "#dashboards:name=logistics-processing-dev",
    }
    assert exports == {
        "EventBridgeRuleName": "waypost-EventBridgeRule",
        "LambdaFunctionArn": "waypost-LambdaArn",
        "DynamoDBTableName": "waypost-TableName",
        "SNSTopicArn": "waypost-SNSTopicArn",
    }
    *program, entries = shlex.split(command)
    [entry] = json.loads(entries)
    assert program == ["aws", "events", "put-events", "--entries"]
    assert json.loads(entry["Detail"])["shipmentId"] == "SHIP-12345"


def test_the_rule_matches_what_it_always_matched(stack: Stack) -> None:
    rule = stack["ShipmentUpdateRule"]

    assert rule["EventPattern"] == {
        "source": ["logistics.shipments"],
        "detail-type": ["Shipment Update"],
    }
    assert rule["State"] == "ENABLED"
    assert [target["Id"] for target in rule["Targets"]] == ["ShipmentProcessorTarget"]


def test_the_default_bus_is_not_named(stack: Stack) -> None:
    # To name it under a fixed rule name risks a replacement that collides with itself.
    assert "EventBusName" not in stack["ShipmentUpdateRule"]


def test_another_bus_may_be_named(template: dict[str, Any]) -> None:
    stack = Stack(template, EventBusName="parcels")

    assert stack["ShipmentUpdateRule"]["EventBusName"] == "parcels"


def test_nothing_is_archived_unless_days_are_named(stack: Stack) -> None:
    assert stack.resources("AWS::Events::Archive") == []


@pytest.mark.parametrize("bus", ["default", "freight"])
def test_the_archive_keeps_what_the_rule_matches_of_the_rule_s_bus(
    template: dict[str, Any], bus: str
) -> None:
    stack = Stack(template, ArchiveDays=30, EventBusName=bus, EnvironmentSuffix="e" * 32)

    archive = stack["UpdateArchive"]

    assert archive["EventPattern"] == stack["ShipmentUpdateRule"]["EventPattern"]
    assert archive["RetentionDays"] == 30
    assert archive["SourceArn"].endswith(f":event-bus/{bus}")
    assert len(archive["ArchiveName"]) <= 48  # the most that AWS takes


def test_the_log_keeps_its_keys_and_its_stream(stack: Stack) -> None:
    table = stack["ShipmentLogsTable"]

    assert table["KeySchema"] == [
        {"AttributeName": "shipmentId", "KeyType": "HASH"},
        {"AttributeName": "timestamp", "KeyType": "RANGE"},
    ]
    assert table["AttributeDefinitions"] == [
        {"AttributeName": "shipmentId", "AttributeType": "S"},
        {"AttributeName": "timestamp", "AttributeType": "N"},
    ]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert "GlobalSecondaryIndexes" not in table


def test_the_other_tables_have_the_indexes_that_the_store_reads(stack: Stack) -> None:
    found = {
        table: {
            index["IndexName"]: tuple(key["AttributeName"] for key in index["KeySchema"])
            for index in stack[table]["GlobalSecondaryIndexes"]
        }
        for table in ("ShipmentStateTable", "ShipmentRejectedTable")
    }

    assert found == {
        "ShipmentStateTable": INDEXES,
        "ShipmentRejectedTable": {"fate": ("fate", "arrival")},
    }


def test_an_index_has_no_more_in_it_than_is_read_from_it(stack: Stack) -> None:
    for table in ("ShipmentStateTable", "ShipmentRejectedTable"):
        for index in stack[table]["GlobalSecondaryIndexes"]:
            assert index["Projection"] == projection(index["IndexName"])


def test_the_index_of_deadlines_is_ordered_by_number(stack: Stack) -> None:
    types = {
        a["AttributeName"]: a["AttributeType"]
        for a in stack["ShipmentStateTable"]["AttributeDefinitions"]
    }

    assert {name for name, kind in types.items() if kind == "N"} == {"dueAt"}


def test_every_table_is_billed_by_use_and_can_be_restored(stack: Stack) -> None:
    tables = stack.resources("AWS::DynamoDB::Table")

    assert len(tables) == 3
    for table in tables:
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"
        recovery = table.properties["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": True}


def test_no_table_goes_with_its_stack(template: dict[str, Any]) -> None:
    for table in Stack(template).resources("AWS::DynamoDB::Table"):
        assert table.whole["DeletionPolicy"] == "RetainExceptOnCreate"
        assert table.whole["UpdateReplacePolicy"] == "Retain"


def test_in_production_no_table_can_be_deleted(template: dict[str, Any]) -> None:
    for suffix, wanted in (("prod", True), ("dev", False)):
        for table in Stack(template, EnvironmentSuffix=suffix).resources("AWS::DynamoDB::Table"):
            assert table.properties["DeletionProtectionEnabled"] is wanted


def test_rows_do_not_vanish_by_themselves(stack: Stack) -> None:
    for table in stack.resources("AWS::DynamoDB::Table"):
        assert "TimeToLiveSpecification" not in table.properties


def test_the_processor_keeps_its_handler_and_its_variables(stack: Stack) -> None:
    function = stack["ShipmentProcessorFunction"]
    variables = function["Environment"]["Variables"]

    assert function["Handler"] == "index.lambda_handler"
    assert variables["DYNAMODB_TABLE"] == "ShipmentLogsTable"
    assert variables["SNS_TOPIC_ARN"] == "AlertTopic"
    assert variables["ENVIRONMENT"] == "dev"


def test_metrics_keep_their_names_and_dimensions(stack: Stack) -> None:
    assert NAMESPACE == "LogisticsProcessing"
    assert Metric.UPDATES.value == "ShipmentUpdatesProcessed"
    assert Metric.UPDATES.label_names == ("Status",)
    assert Metric.REJECTED.value == "ProcessingErrors"
    assert IDENTITIES[Metric.REJECTED] == ()
    alarm = stack["RejectedAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (NAMESPACE, Metric.REJECTED.value)
    assert alarm["Dimensions"] == [{"Name": "Environment", "Value": "dev"}]


UNTAGGED = {
    "AWS::CloudWatch::Alarm": "25 times the same would not fit; a stack's own tags reach them",
    "AWS::CloudWatch::Dashboard": "takes no tags",
    "AWS::Lambda::EventInvokeConfig": "takes no tags",
    "AWS::Lambda::Permission": "takes no tags",
    "AWS::Lambda::EventSourceMapping": "costs nothing and holds nothing; as alarms",
    "AWS::SNS::Subscription": "takes no tags",
    "AWS::SNS::TopicPolicy": "takes no tags",
    "AWS::SQS::QueuePolicy": "takes no tags",
    "AWS::Scheduler::Schedule": "takes no tags",
}


def test_all_that_holds_or_runs_something_is_tagged(stack: Stack) -> None:
    untagged = set()
    for resource in stack.resources():
        if "Tags" in resource.properties:
            wanted = {"Environment": "dev", "Application": "LogisticsProcessing"}
            assert tags(resource.properties) == wanted
        else:
            untagged.add(resource.type)

    assert untagged == set(UNTAGGED)
