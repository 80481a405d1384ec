"""The stack that Waypost ships: nothing is found in it, and what would be broken is."""

from __future__ import annotations

import pytest

from tests.support.linting import found, judge, unjudged
from waypost.stack.lint import ours
from waypost.stack.render import render

OURS = ours.template().decode()
BESIDE = render("a-bucket").decode()
EMITTED = ours.identities()


@pytest.mark.parametrize("bucket", [None, "a-bucket"])
def test_nothing_is_found(bucket: str | None) -> None:
    report = judge(render(bucket), identities=EMITTED)

    assert found(report) == set()
    assert report.suppressed == ()


def test_what_is_not_judged_is_said_and_is_about_code_alone() -> None:
    reasons = {why for _, _, why in unjudged(judge(OURS, identities=EMITTED))}

    assert reasons == {
        "its code makes calls that are not known here",
        "its code reads variables by names that are not known here",
    }


@pytest.mark.parametrize(
    ("old", "new", "rule", "where"),
    [
        ("MetricName: WriteThrottleEvents", "MetricName: WriteThrottles", "WP101", "DynamoDBThrottleAlarm"),
        ("!If [IsDefaultBus, !Ref AWS::NoValue, {Name: EventBusName, Value: !Ref EventBusName}], ", "", "WP101", "RuleFailedAlarm"),
        ("MetricName: ProcessingErrors, Dimensions: [", "MetricName: ProcessingErrors, Dimensions: [{Name: Status, Value: x}, ", "WP102", "RejectedAlarm"),
        ("'FILL(w,0)+FILL(r,0)'", "'FILL(w,0)+r'", "WP201", "DynamoDBThrottleAlarm"),
        ("Threshold: 0, TreatMissingData", "Threshold: 9, TreatMissingData", "WP202", "LambdaErrorAlarm"),
        ("MaxValue: 168", "MaxValue: 169", "WP204", "DeadManAlarm"),
        ("ExtendedStatistic: p99", "Statistic: Average", "WP205", "LambdaDurationAlarm"),
        ("AlarmActions: [!Ref OpsTopic]}}", "AlarmActions: []}}", "WP206", "LambdaErrorAlarm"),
        ("MetricName: TriggeredRules, Dim", "MetricName: FailedInvocations, Dim", "WP207", "ShipmentUpdateRule"),
        ("Period: 300, EvaluationPeriods: 3, DatapointsToAlarm: 2, ComparisonOperator: GreaterThanThreshold, Threshold: 15000", "Period: 60, EvaluationPeriods: 3, DatapointsToAlarm: 2, ComparisonOperator: GreaterThanThreshold, Threshold: 15000", "WP209", "LambdaDurationAlarm"),
        ('"stacked":true', '"stacks":true', "WP301", "LogisticsDashboard"),
        ('["AWS/Lambda","Errors","FunctionName","${P}"]', '["AWS/Lambda","Errors"]', "WP302", "LogisticsDashboard"),
        ('"LogisticsProcessing","ProcessingErrors","Environment","${E}"', '"LogisticsProcessing","ProcessingErrors"', "WP303", "LogisticsDashboard"),
        ('{"widgets":[${States}', '{"widgets":[${States},', "WP304", "LogisticsDashboard"),
        ("DeadLetterConfig: {Arn: !GetAtt DeliveryDlq.Arn}", "Input: ''", "WP401", "ShipmentUpdateRule"),
        ("RedrivePolicy: {deadLetterTargetArn: !GetAtt AlertDlq.Arn}", "FilterPolicy: {}", "WP401", "AlertTopicSubscription"),
        ("Value: !GetAtt SweepDlq.QueueName}", "Value: !GetAtt RefoldDlq.QueueName}", "WP402", "SweepDlq"),
        ("DependsOn: [EventsQueuePolicy, IngestMapping, ", "DependsOn: [IngestMapping, ", "WP403", "ShipmentUpdateRule"),
        ("VisibilityTimeout: 180", "VisibilityTimeout: 179", "WP404", "IngestQueue"),
        ("MaximumRecordAgeInSeconds: 82800", "MaximumRecordAgeInSeconds: -1", "WP405", "NotifierMapping"),
        ("Queues: [!Ref IngestQueue, !Ref DeliveryDlq]", "Queues: [!Ref IngestQueue]", "WP406", "ShipmentUpdateRule"),
        ("Action: dynamodb:PutItem, Resource: [!GetAtt ShipmentLogsTable.Arn, ", "Action: dynamodb:PutItem, Resource: ['*', ", "WP501", "ProcessorRole"),
        ("Action: sns:Publish, Resource: !Ref AlertTopic", "Action: cloudwatch:PutMetricData, Resource: '*'", "WP502", "NotifierRole"),
        ("DisplayName: Logistics Processing Alarms", "KmsMasterKeyId: alias/aws/sns", "WP505", "OpsTopic"),
        ("LogGroup: !Ref LambdaLogGroup}", "LogGroup: x}", "WP601", "LambdaLogGroup"),
        ("Handler: index.lambda_handler", "Handler: app.lambda_handler", "WP602", "ShipmentProcessorFunction"),
        ("Default: python3.14", "Default: python3.9", "WP605", "ShipmentSweepFunction"),
        ("{0,30}", "{0,60}", "WP701", "EnvironmentSuffix"),
        ("Default: ''", "Default: test@test.com", "WP702", "AlertEmail"),
        ("UpdateReplacePolicy: Retain", "UpdateReplacePolicy: Delete", "WP801", "ShipmentLogsTable"),
    ],
)  # fmt: skip
def test_what_would_be_broken_is_found(old: str, new: str, rule: str, where: str) -> None:
    template = OURS if rule == "WP602" else BESIDE
    assert old in template
    broken = template.replace(old, new)
    if rule == "WP601":
        broken = broken.replace(
            "[logs:CreateLogStream,", "[logs:CreateLogGroup, logs:CreateLogStream,"
        )
        broken = broken.replace("Resource: !GetAtt LambdaLogGroup.Arn", "Resource: x")

    assert (rule, where) in found(judge(broken, identities=EMITTED))
