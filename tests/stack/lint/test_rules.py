"""Rules on small templates: the cases that the larger ones do not have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.linting import found, judge, resources, said, unjudged

ALARM = """
A:
  Type: AWS::CloudWatch::Alarm
  Properties: {Namespace: %s, MetricName: %s, Dimensions: [%s], Statistic: %s, Period: 300,
    EvaluationPeriods: 1, ComparisonOperator: GreaterThanOrEqualToThreshold, Threshold: %s,
    TreatMissingData: notBreaching, AlarmActions: [a]}
"""


def alarm(
    namespace: str, metric: str, *names: str, statistic: str = "Sum", threshold: str = "1"
) -> str:
    dimensions = ", ".join(f"{{Name: {name}, Value: x}}" for name in names)
    return ALARM % (namespace, metric, dimensions, statistic, threshold)


# --- Identities


@pytest.mark.parametrize(
    ("watched", "hit", "why"),
    [
        (alarm("AWS/Lambda", "AsyncEventsDropped", "FunctionName"), False, ""),
        (alarm("AWS/Scheduler", "InvocationDroppedCount", "ScheduleGroup"), False, ""),
        (alarm("AWS/Scheduler", "InvocationDroppedCount", "ScheduleName"), True, "never by ScheduleName"),
        (alarm("AWS/Lambda", "Error", "FunctionName"), True, "publishes no metric Error in AWS/Lambda"),
        (alarm("AWS/SQS", "ApproximateAgeOfOldestMessage"), True, "is published by QueueName"),
        (alarm("AWS/Events", "FailedInvocations", "EventBusName", "RuleName"), False, ""),
        (alarm("AWS/Events", "FailedInvocations", "EventBusName"), True, "never by EventBusName"),
    ],
)  # fmt: skip
def test_identities_that_aws_publishes_are_known(watched: str, hit: bool, why: str) -> None:
    what = said(judge(resources(watched)), "WP101")

    assert bool(what) is hit
    assert all(why in one for one in what)


@pytest.mark.parametrize(
    ("watched", "why"),
    [
        (
            alarm("AWS/States", "Nonsense", "StateMachineArn"),
            "what AWS/States publishes is not complete",
        ),
        (alarm("AWS/Unheard", "Of"), "what AWS/Unheard publishes is not complete"),
        (alarm("AWS/ECS", "CPUUtilization", "TaskId"), "what AWS/ECS publishes is not complete"),
        (alarm("!Ref AWS::StackName", "Of"), "known only when it is deployed"),
    ],
)
def test_what_no_list_has_is_not_judged(watched: str, why: str) -> None:
    [(_, where, reason)] = unjudged(judge(resources(watched)))

    assert where == "A"
    assert why in reason


def test_a_search_is_not_judged() -> None:
    text = resources(
        """
A:
  Type: AWS::CloudWatch::Alarm
  Properties:
    Metrics: [{Id: s, Expression: "SUM(SEARCH('{AWS/SQS,QueueName} MetricName=x', 'Sum', 60))"}]
    EvaluationPeriods: 1
    AlarmActions: [a]
"""
    )
    assert ("WP101", "A", "a search finds its metrics only when it runs") in unjudged(judge(text))


@pytest.mark.parametrize(
    ("bus", "names"), [("Bus", ["RuleName"]), ("", ["EventBusName", "RuleName"])]
)
def test_a_rule_is_published_by_the_bus_that_it_is_on(bus: str, names: list[str]) -> None:
    rule = f"""
R:
  Type: AWS::Events::Rule
  Properties: {{Name: x, State: DISABLED, {"EventBusName: " + bus if bus else "Description: d"}}}
"""
    wrong = resources(rule + alarm("AWS/Events", "TriggeredRules", *names))
    right = (
        wrong.replace("Description: d", "EventBusName: b")
        if not bus
        else wrong.replace("EventBusName: Bus", "Description: d")
    )

    assert ("WP101", "A") in found(judge(wrong))
    assert ("WP101", "A") not in found(judge(right))


FILTER = """
F:
  Type: AWS::Logs::MetricFilter
  Properties:
    MetricTransformations: [{MetricNamespace: Shop, MetricName: Failures, Dimensions: [{Key: Till, Value: $.till}]}]
"""


@pytest.mark.parametrize(
    ("watched", "why"),
    [
        (alarm("Shop", "Failures", "Till"), []),
        (
            alarm("Shop", "Failures"),
            ["Shop Failures is published by Till, never for the whole account and Region"],
        ),
        (alarm("Shop", "Sales", "Till"), ["nothing publishes Shop Sales"]),
    ],
)
def test_a_filter_of_logs_publishes_too(watched: str, why: list[str]) -> None:
    assert said(judge(resources(FILTER + watched)), "WP102") == why


def test_code_that_is_elsewhere_may_publish_more() -> None:
    function = (
        "G: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs24.x, Code: {S3Bucket: b}}}\n"
    )
    report = judge(resources(FILTER + function + alarm("Shop", "Sales")))

    assert said(report, "WP102") == []
    assert ("WP102", "A", "Shop Sales may be published by code that is not read here") in unjudged(
        report
    )


# --- Alarms


@pytest.mark.parametrize(
    ("watched", "rule", "hit"),
    [
        (alarm("AWS/Lambda", "Errors", "FunctionName", statistic="Average", threshold="1"), "WP205", True),
        (alarm("AWS/Lambda", "Errors", "FunctionName", statistic="Average", threshold="0.2"), "WP205", False),
        (alarm("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", statistic="Minimum"), "WP205", True),
        (alarm("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", statistic="Maximum"), "WP205", False),
        (alarm("AWS/Lambda", "Errors", "FunctionName", threshold="1"), "WP202", False),
        (alarm("AWS/Lambda", "Errors", "FunctionName", threshold="2"), "WP202", True),
        (alarm("AWS/Lambda", "Errors", "FunctionName", threshold="2").replace("300", "3600"), "WP202", False),
        (alarm("AWS/Lambda", "Errors", "FunctionName").replace("300", "90"), "WP204", True),
        (alarm("AWS/Lambda", "Errors", "FunctionName").replace("300", "30"), "WP204", False),
        (alarm("AWS/Lambda", "Errors", "FunctionName").replace("Periods: 1", "Periods: 0"), "WP204", True),
        (alarm("AWS/Lambda", "Errors", "FunctionName").replace("Periods: 1", "Periods: 1, DatapointsToAlarm: 2"), "WP204", True),
        (alarm("AWS/Lambda", "Errors", "FunctionName").replace("Periods: 1", "Periods: 289"), "WP204", True),
        (alarm("AWS/Lambda", "Errors", "FunctionName").replace("Periods: 1", "Periods: 288"), "WP204", False),
        (alarm("AWS/Lambda", "Errors", "FunctionName").replace("AlarmActions: [a]", "ActionsEnabled: false"), "WP206", True),
    ],
)  # fmt: skip
def test_alarms(watched: str, rule: str, hit: bool) -> None:
    assert ((rule, "A") in found(judge(resources(watched), per_day=1_500))) is hit


def test_periods_that_are_not_known_are_not_judged() -> None:
    text = "Parameters: {P: {Type: Number}}\n" + resources(
        alarm("AWS/Lambda", "Errors", "FunctionName").replace("Periods: 1", "Periods: !Ref P")
    )

    assert ("WP204", "A", "its periods are known only when it is deployed") in unjudged(judge(text))


def test_an_alarm_within_another_needs_no_actions() -> None:
    lone = alarm("AWS/Lambda", "Errors", "FunctionName").replace(
        "AlarmActions: [a]", "AlarmName: inner"
    )
    outer = "B: {Type: AWS::CloudWatch::CompositeAlarm, Properties: {AlarmRule: ALARM(inner)}}\n"

    assert ("WP206", "A") in found(judge(resources(lone)))
    assert ("WP206", "A") not in found(judge(resources(lone + outer)))


RULE = """
R:
  Type: AWS::Events::Rule
  Properties:
    EventPattern: {source: [shop]}
    Targets: [{Id: t, Arn: !GetAtt Q.Arn, DeadLetterConfig: {Arn: arn:aws:sqs:eu-central-1:123456789012:dlq}}]
Q: {Type: AWS::SQS::Queue}
P: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Q]}}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("source: [shop]", "source: [aws.s3]"),
        ("Properties:\n    EventP", "Properties:\n    State: DISABLED\n    EventP"),
        ("EventPattern: {source: [shop]}", "ScheduleExpression: rate(1 day)"),
    ],
)
def test_silence_of_some_rules_is_as_it_should_be(old: str, new: str) -> None:
    some = alarm("AWS/Lambda", "Errors", "FunctionName")
    assert ("WP207", "R") in found(judge(resources(RULE + some)))
    assert old in RULE

    assert ("WP207", "R") not in found(judge(resources(RULE.replace(old, new) + some)))


def test_a_queue_that_is_never_fed_speaks_for_its_rule() -> None:
    watching = alarm("AWS/SQS", "NumberOfMessagesSent", "QueueName").replace(
        "Value: x", "Value: !GetAtt Q.QueueName"
    )
    assert ("WP207", "R") in found(judge(resources(RULE + watching)))

    watching = watching.replace("notBreaching", "breaching")
    assert ("WP207", "R") not in found(judge(resources(RULE + watching)))


def test_a_policy_is_needed_and_comes_first() -> None:
    assert {("WP403", "R")} <= found(judge(resources(RULE)))
    tied = RULE.replace("Type: AWS::Events::Rule", "Type: AWS::Events::Rule\n  DependsOn: P")
    assert ("WP403", "R") not in found(judge(resources(tied)))
    without = RULE.replace("AWS::SQS::QueuePolicy", "Custom::Policy")
    assert said(judge(resources(without)), "WP406") == [
        "no queue policy lets events.amazonaws.com into Q"
    ]


# --- Dashboards

BOARD = "D: {Type: AWS::CloudWatch::Dashboard, Properties: {DashboardBody: %s}}\n"


@pytest.mark.parametrize(
    ("body", "rule", "what"),
    [
        ("'{'", "WP304", "its body is not JSON"),
        ("'[]'", "WP304", "its body has no list of widgets"),
        ("[1]", "WP304", "it has no body"),
        (f"'{'[' * 5000}'", "WP304", "nested too deeply"),
        ("""'{"widgets":[{"type":"metrics"}]}'""", "WP301", "widget 1: there is no type 'metrics'"),
        ("""'{"widgets":[{"type":"text","z":1,"properties":{"title":"t"}}]}'""", "WP301", "widget 1 (t): unknown z, title"),
        ("""'{"widgets":[{"type":"metric","properties":{"metrics":[["AWS/SQS","NumberOfMessagesSent","QueueName","q"],["...","r"],[".","Sent",".","."]]}}]}'""", "WP303", "AWS publishes no metric Sent in AWS/SQS"),
        ("""'{"widgets":[{"type":"metric","properties":{"metrics":[[{"expression":"SEARCH(''{AWS/SQS,Queue} MetricName=\\"NumberOfMessagesSent\\"'',''Sum'')"}]]}}]}'""", "WP303", "never by Queue"),
    ],
)  # fmt: skip
def test_dashboards(body: str, rule: str, what: str) -> None:
    body = body.replace('\\"', '\\\\"') if "SEARCH" in body and '\\\\"' not in body else body
    told = said(judge(resources(BOARD % body.replace('\\\\"', '\\"'))), rule)

    assert len(told) == 1
    assert what in told[0]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("""!Sub '{"widgets":${Widgets}}'""", "its body is not JSON"),
        (
            """'{"widgets":[{"type":"metric","properties":{"metrics":[[{"expression":"SEARCH(x)"}]]}}]}'""",
            "known only when it runs",
        ),
    ],
)
def test_what_a_dashboard_will_show_is_not_always_known(body: str, why: str) -> None:
    [(_, where, reason)] = unjudged(judge(resources(BOARD % body)))

    assert where == "D"
    assert why in reason


# --- Permissions

FUNCTION = """
F:
  Type: AWS::Lambda::Function
  Properties:
    Runtime: python3.14
    Handler: index.handler
    Role: !GetAtt R.Arn
    Code:
      ZipFile: |
        import boto3
        queue = boto3.client("sqs")
        def handler(event, context):
            queue.send_message_batch(QueueUrl="q", Entries=[])
            boto3.client("lambda").invoke(FunctionName="f")
R:
  Type: AWS::IAM::Role
  Properties: %s
"""


def policy(*actions: str, **statement: Any) -> str:
    more = "".join(f", {key}: {value}" for key, value in statement.items())
    return (
        "{Policies: [{PolicyDocument: {Statement: [{Effect: Allow, "
        f"Action: [{', '.join(actions)}], Resource: x{more}}}]}}}}]}}"
    )


@pytest.mark.parametrize(
    ("role", "missing", "idle"),
    [
        (policy("sqs:SendMessage", "lambda:InvokeFunction"), [], []),
        (policy("sqs:Send*", "lambda:*"), [], []),
        (policy("sqs:SendMessage"), ["lambda:invokefunction"], []),
        (policy("sqs:SendMessage", "lambda:InvokeFunction", "s3:GetObject"), [], ["s3:GetObject"]),
        (policy("sqs:SendMessage", "lambda:InvokeFunction", "logs:PutLogEvents"), [], []),
        (
            "{Policies: [{PolicyDocument: {Statement: {Effect: Deny, Action: '*'}}}]}",
            ["lambda:invokefunction", "sqs:sendmessage"],
            [],
        ),
    ],
)
def test_what_code_does_is_what_its_role_allows(
    role: str, missing: list[str], idle: list[str]
) -> None:
    report = judge(resources(FUNCTION % role))

    assert [what.split()[3].rstrip(",") for what in said(report, "WP503")] == missing
    assert [what.split()[2].rstrip(",") for what in said(report, "WP504")] == idle


@pytest.mark.parametrize(
    "role",
    [
        "{ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonSQSFullAccess']}",
        "{Policies: [{PolicyDocument: {Statement: [{Effect: Allow, NotAction: iam:Get, Resource: x}]}}]}",
    ],
)
def test_a_role_that_may_do_more_than_is_seen_is_not_judged(role: str) -> None:
    report = judge(resources(FUNCTION % role))

    assert said(report, "WP503") == []
    assert ("WP503", "F", "its role has policies that are not here") in unjudged(report)


def test_a_policy_beside_the_role_counts() -> None:
    beside = """
P:
  Type: AWS::IAM::Policy
  Properties:
    Roles: [!Ref R]
    PolicyDocument: {Statement: [{Effect: Allow, Action: [sqs:SendMessage, lambda:InvokeFunction], Resource: x}]}
"""
    assert said(judge(resources(FUNCTION % "{}" + beside)), "WP503") == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("Action: '*', Resource: x", ["it allows *"]),
        ("Action: s3:GetObject, Resource: '*'", ["it allows s3:GetObject on every resource"]),
        ("Action: [ec2:DescribeVpcs, xray:PutTraceSegments], Resource: '*'", []),
        ("Action: s3:GetObject, Resource: '*', Condition: {StringEquals: {a: b}}", []),
    ],
)
def test_stars(statement: str, told: list[str]) -> None:
    role = f"R: {{Type: AWS::IAM::Role, Properties: {{Policies: [{{PolicyDocument: {{Statement: [{{Effect: Allow, {statement}}}]}}}}]}}}}\n"

    assert said(judge(resources(role)), "WP501") == told


@pytest.mark.parametrize(
    ("key", "hit", "gap"),
    [
        ("alias/aws/sns", True, False),
        ("!Ref Blind", True, False),
        ("!Ref Open", False, False),
        ("!ImportValue shared-key", False, True),
    ],
)
def test_a_key_that_alarms_may_not_use_silences_them(key: str, hit: bool, gap: bool) -> None:
    text = resources(
        alarm("AWS/Lambda", "Errors", "FunctionName").replace("[a]", "[!Ref T]")
        + f"T: {{Type: AWS::SNS::Topic, Properties: {{KmsMasterKeyId: {key}}}}}\n"
        + "Blind: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Statement: []}}}\n"
        + "Open: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Statement: "
        + "[{Principal: {Service: cloudwatch.amazonaws.com}}]}}}\n"
    )
    report = judge(text)

    assert bool(said(report, "WP505")) is hit
    assert any(rule == "WP505" for rule, _, _ in unjudged(report)) is gap


# --- Functions and names


def test_an_alias_stands_for_its_function() -> None:
    text = resources(
        """
F: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs24.x}}
L: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref F, Name: live}}
S: {Type: AWS::SNS::Subscription, Properties: {Protocol: lambda, Endpoint: !Ref L, TopicArn: t, RedrivePolicy: {deadLetterTargetArn: q}}}
"""
    )
    assert ("WP401", "F") in found(judge(text))


@pytest.mark.parametrize(
    ("group", "more", "races"),
    [
        ("/aws/lambda/f", "", True),
        ("/aws/lambda/g", "", False),
        ("/aws/lambda/f", "  DependsOn: G\n", False),
        ("/aws/lambda/f", "  Metadata: {x: !Ref G}\n", False),
    ],
)
def test_log_groups(group: str, more: str, races: bool) -> None:
    text = f"""
G: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: {group}}}}}
F:
  Type: AWS::Lambda::Function
{more}  Properties: {{Runtime: nodejs24.x, FunctionName: f, Role: somewhere}}
"""
    assert (("WP601", "G") in found(judge(resources(text)))) is races


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("{Type: String, MaxLength: 10}", []),
        ("{Type: String, AllowedValues: [a, bb]}", []),
        ("{Type: Number, MaxValue: 99}", []),
        ("{Type: String, AllowedPattern: '[a-z]{1,20}'}", []),
        ("{Type: String, MaxLength: 70}", ["it may have 70"]),
        ("{Type: String, AllowedPattern: '[a-z]+'}", ["nothing bounds it"]),
        ("{Type: String, AllowedPattern: '(?<x'}", ["nothing bounds it"]),
        ("{Type: String, AllowedPattern: '[a-z]{1,63}'}", ["it may have 63"]),
        (f"{{Type: String, AllowedPattern: '{'a' * 600}'}}", ["nothing bounds it"]),
    ],
)
def test_names_may_not_become_too_long(declared: str, told: list[str]) -> None:
    text = f"Parameters: {{P: {declared}}}\n" + resources(
        "F: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs24.x, FunctionName: !Sub 'f-${P}'}}"
    )

    assert [what.partition("; ")[2] for what in said(judge(text), "WP701")] == told


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("!Ref P", 64),
        ("!Join ['-', [a, !Ref P, b]]", 60),
        ("!Sub ['${P}x', {}]", 63),
        ("fixed", None),
    ],
)
def test_names_are_put_together_in_several_ways(name: str, most: int | None) -> None:
    text = "Parameters: {P: {Type: String}}\n" + resources(
        f"F: {{Type: AWS::Lambda::Function, Properties: {{Runtime: nodejs24.x, FunctionName: {name}}}}}"
    )
    told = said(judge(text), "WP701")

    assert [f"room for {most} characters" in what for what in told] == ([True] if most else [])


@pytest.mark.parametrize(
    ("address", "hit"),
    [
        ("test@test.com", True),
        ("ops@example.com", False),
        ("ops@mail.example.org", False),
        ("ops@shop.test", False),
        ("nobody", False),
        ("''", False),
    ],
)
def test_addresses_of_strangers(address: str, hit: bool) -> None:
    text = f"Parameters: {{P: {{Type: String, Default: {address}}}}}\nResources: {{X: {{Type: Custom::X}}}}"

    assert bool(said(judge(text), "WP702")) is hit


@pytest.mark.parametrize(
    ("runtime", "today", "hit"),
    [
        ("python3.10", "2026-10-30", False),
        ("python3.10", "2026-10-31", True),
        ("python9.9", "2026-10-31", False),
    ],
)
def test_a_runtime_ends_on_its_day(runtime: str, today: str, hit: bool) -> None:
    from datetime import date

    text = resources(f"F: {{Type: AWS::Lambda::Function, Properties: {{Runtime: {runtime}}}}}")
    report = judge(text, today=date.fromisoformat(today))

    assert bool(said(report, "WP605")) is hit
    assert (("WP605", "F", "when python9.9 ends is not known here") in unjudged(report)) is (
        runtime == "python9.9"
    )
