"""Nothing on its way from one resource to the next is lost, and nobody waits for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.templates import Stack, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.templates import Properties

FOURTEEN_DAYS = 14 * 86_400


def edges(stack: Stack) -> Iterator[tuple[str, str | None]]:
    """Return every asynchronous hand-over, and where what cannot be handed over goes."""
    [rule] = stack.resources("AWS::Events::Rule")
    for target in [*rule.properties["Targets"], stack["SweepSchedule"]["Target"]]:
        yield f"to {target['Arn']}", target.get("DeadLetterConfig", {}).get("Arn")
    for subscription in stack.resources("AWS::SNS::Subscription"):
        policy = subscription.properties.get("RedrivePolicy", {})
        yield subscription.name, policy.get("deadLetterTargetArn")
    for config in stack.resources("AWS::Lambda::EventInvokeConfig"):
        yield config.name, on_failure(config.properties)
    for mapping in stack.resources("AWS::Lambda::EventSourceMapping"):
        yield mapping.name, after(stack, mapping.properties)


def after(stack: Stack, mapping: Properties) -> str | None:
    """Return where goes what a mapping's function did not take."""
    source = mapping["EventSourceArn"]
    if source.endswith(".StreamArn"):
        return on_failure(mapping)
    redrive = stack[source.removesuffix(".Arn")].get("RedrivePolicy", {})
    arn: str | None = redrive.get("deadLetterTargetArn")
    return arn


def on_failure(properties: Properties) -> str | None:
    destination: str | None = properties["DestinationConfig"]["OnFailure"]["Destination"]
    return destination


def test_every_asynchronous_edge_has_a_dead_letter_queue(stack: Stack) -> None:
    found = dict(edges(stack))
    queues = {f"{queue.name}.Arn" for queue in stack.resources("AWS::SQS::Queue")}

    assert len(found) == 10
    assert set(found.values()) <= queues


def test_every_dead_letter_queue_serves_and_keeps_as_long_as_it_can(stack: Stack) -> None:
    used = {str(arn).removesuffix(".Arn") for _, arn in edges(stack)}
    named = {q.name for q in stack.resources("AWS::SQS::Queue") if q.name.endswith("Dlq")}

    assert used == named
    for name in named:
        assert stack[name]["MessageRetentionPeriod"] == FOURTEEN_DAYS


def test_every_dead_letter_queue_has_an_alarm_on_what_is_visible_in_it(
    template: dict[str, Any],
) -> None:
    stack = Stack(template, Alarms="basic")
    watched = {
        alarm.properties["Dimensions"][0]["Value"]
        for alarm in stack.resources("AWS::CloudWatch::Alarm")
        if alarm.properties["MetricName"] == "ApproximateNumberOfMessagesVisible"
        and (alarm.properties["ComparisonOperator"], alarm.properties["Threshold"])
        == ("GreaterThanThreshold", 0)
    }
    queues = {q.name for q in stack.resources("AWS::SQS::Queue") if q.name.endswith("Dlq")}

    assert watched == {f"{name}.QueueName" for name in queues}


def test_every_function_that_is_called_asynchronously_says_where_failures_go(stack: Stack) -> None:
    configured = {
        config.properties["FunctionName"]
        for config in stack.resources("AWS::Lambda::EventInvokeConfig")
    }

    # The notifier is called by mappings only, and those wait for its answer.
    assert configured == {"ShipmentProcessorFunction", "ShipmentSweepFunction"}


def test_queues_wait_six_times_as_long_as_the_function_may_take(stack: Stack) -> None:
    mappings = [
        mapping.properties
        for mapping in stack.resources("AWS::Lambda::EventSourceMapping")
        if mapping.properties["EventSourceArn"].endswith("Queue.Arn")
    ]

    assert len(mappings) == 2
    for mapping in mappings:
        queue = stack[mapping["EventSourceArn"].removesuffix(".Arn")]
        timeout = stack[mapping["FunctionName"]]["Timeout"]
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue["VisibilityTimeout"] >= 6 * timeout + window
        assert queue["RedrivePolicy"]["maxReceiveCount"] == 5


def test_queues_push_back_instead_of_overrunning_the_account(stack: Stack) -> None:
    for mapping in stack.resources("AWS::Lambda::EventSourceMapping"):
        if mapping.properties["EventSourceArn"].endswith("Queue.Arn"):
            assert 2 <= mapping.properties["ScalingConfig"]["MaximumConcurrency"] <= 10
    for function in stack.resources("AWS::Lambda::Function"):
        # A reserve would make the pollers fetch more than can run, and good messages die.
        assert "ReservedConcurrentExecutions" not in function.properties


def test_every_mapping_reports_single_failures(stack: Stack) -> None:
    for mapping in stack.resources("AWS::Lambda::EventSourceMapping"):
        assert mapping.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_streams_hand_over_new_items_only_and_from_the_beginning(stack: Stack) -> None:
    mappings = [
        mapping.properties
        for mapping in stack.resources("AWS::Lambda::EventSourceMapping")
        if mapping.properties["EventSourceArn"].endswith(".StreamArn")
    ]

    assert {m["EventSourceArn"] for m in mappings} == {
        "ShipmentLogsTable.StreamArn",
        "ShipmentRejectedTable.StreamArn",
    }
    for mapping in mappings:
        [pattern] = mapping["FilterCriteria"]["Filters"]
        assert json.loads(pattern["Pattern"]) == {"eventName": ["INSERT"]}
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["MaximumRecordAgeInSeconds"] < 86_400, "a stream keeps a day"


def test_the_alert_window_is_the_batching_window(template: dict[str, Any]) -> None:
    stack = Stack(template, AlertWindowSeconds=7)

    for name in ("NotifierMapping", "RejectedMapping"):
        assert stack[name]["MaximumBatchingWindowInSeconds"] == 7


def test_the_rule_comes_after_all_that_its_events_need(template: dict[str, Any]) -> None:
    rule = template["Resources"]["ShipmentUpdateRule"]

    assert set(rule["DependsOn"]) >= {"EventsQueuePolicy", "IngestMapping"}


def test_what_the_first_version_s_rule_still_delivers_itself_reaches_the_function(
    stack: Stack,
) -> None:
    # CloudFormation would take the permission away while the rule's old target is still in use.
    assert stack["LambdaInvokePermission"] == {
        "FunctionName": "ShipmentProcessorFunction",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": "ShipmentUpdateRule.Arn",
    }


def test_subscriptions_come_after_the_policy_of_their_dead_letter_queue(stack: Stack) -> None:
    for subscription in stack.resources("AWS::SNS::Subscription"):
        assert subscription.whole["DependsOn"] == "AlertQueuePolicy"


@pytest.mark.parametrize(
    ("bus", "rule"),
    [
        ("default", "rule/shipment-update-rule-dev"),
        ("parcels", "rule/parcels/shipment-update-rule-dev"),
    ],
)
def test_only_the_rule_may_send_to_the_queue(template: dict[str, Any], bus: str, rule: str) -> None:
    policy = Stack(template, EventBusName=bus)["EventsQueuePolicy"]
    [statement] = policy["PolicyDocument"]["Statement"]

    arn = f"arn:aws:events:eu-central-1:123456789012:{rule}"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": arn}}
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert listed(statement["Resource"]) == ["IngestQueue.Arn", "DeliveryDlq.Arn"]
    assert policy["Queues"] == ["IngestQueue", "DeliveryDlq"]


def test_only_the_topics_may_send_to_their_dead_letter_queue(stack: Stack) -> None:
    [statement] = stack["AlertQueuePolicy"]["PolicyDocument"]["Statement"]

    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": ["AlertTopic", "OpsTopic"]}}


def test_only_alarms_of_this_account_may_speak_on_the_operators_topic(stack: Stack) -> None:
    [statement] = stack["OpsTopicPolicy"]["PolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_no_topic_is_encrypted_with_a_key_that_alarms_cannot_use(stack: Stack) -> None:
    for topic in stack.resources("AWS::SNS::Topic"):
        assert "KmsMasterKeyId" not in topic.properties


def test_events_are_tried_for_a_day(stack: Stack) -> None:
    [target] = stack["ShipmentUpdateRule"]["Targets"]

    assert target["RetryPolicy"] == {
        "MaximumEventAgeInSeconds": 86_400,
        "MaximumRetryAttempts": 185,
    }


def test_the_sweep_runs_every_few_minutes(stack: Stack) -> None:
    schedule = stack["SweepSchedule"]

    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule["Target"]["Arn"] == "ShipmentSweepFunction.Arn"
    assert stack["ShipmentSweepFunction"]["Timeout"] < 300, "one ends before the next begins"
