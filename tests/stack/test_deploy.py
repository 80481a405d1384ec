"""What stands in the way of a deployment is named; what would lose data is not done."""

from __future__ import annotations

import json
from datetime import date
from fnmatch import fnmatch
from functools import cache
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.aws import REGION, Refusing, aws_client
from tests.support.cloudformation import CloudFormation, Desk
from waypost.core.errors import NotFound
from waypost.stack import bundle, changes, progress, stacks, upload
from waypost.stack.deploy import Deployed, Deployer, Ended, Plan
from waypost.stack.errors import AwsFailed, StackFailed
from waypost.stack.left import TABLES
from waypost.stack.protection import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

AGAIN = "--env qa"
BUCKET = "waypost-123456789012-eu-central-1"
DONE = [("", "UPDATE_IN_PROGRESS", ""), ("", "UPDATE_COMPLETE", "")]
MADE = [("", "CREATE_IN_PROGRESS", ""), ("", "CREATE_COMPLETE", "")]
GONE = [("", "DELETE_IN_PROGRESS", ""), ("", "DELETE_COMPLETE", "")]


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


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


# ------------------------------------------------------------------------------- it goes wrong


def test_the_first_cause_is_said_and_not_what_was_cancelled_for_it() -> None:
    cloud = CloudFormation(
        changes=[change("Add")],
        course=[
            ("", "CREATE_IN_PROGRESS", ""),
            ("Other", "CREATE_FAILED", "Resource creation cancelled"),
            ("Queue", "CREATE_FAILED", "You have 0 queues left."),
            ("Last", "CREATE_FAILED", "too late"),
            ("", "ROLLBACK_IN_PROGRESS", "failed: [Queue, Other]"),
            ("", "ROLLBACK_COMPLETE", ""),
        ],
    )

    with pytest.raises(StackFailed) as failed:
        deploy(cloud)

    assert str(failed.value) == (
        "First cause: Queue (AWS::SQS::Queue): You have 0 queues left. The stack is in "
        "ROLLBACK_COMPLETE. Mend the cause and run `waypost stack deploy --env qa`: it asks first."
    )


def test_an_update_that_was_taken_back_says_that_all_is_as_before() -> None:
    course = [("Queue", "UPDATE_FAILED", "no"), ("", "UPDATE_ROLLBACK_COMPLETE", "")]
    cloud = CloudFormation("UPDATE_COMPLETE", course, [change("Modify")])

    with pytest.raises(
        StackFailed, match=r"Queue .*no.*UPDATE_ROLLBACK_COMPLETE.*as it was before"
    ):
        deploy(cloud)


@pytest.mark.parametrize(
    "loss", [change("Remove"), change("Modify", Replacement="True")], ids=lambda c: c["Action"]
)
def test_what_would_lose_a_table_is_refused(loss: dict[str, Any]) -> None:
    table = {**loss, "LogicalResourceId": "Logs", "ResourceType": "AWS::DynamoDB::Table"}
    cloud, desk = CloudFormation("UPDATE_COMPLETE", changes=[change("Add"), table]), Desk()

    with pytest.raises(StackFailed, match=r"Refused.*Logs"):
        deploy(cloud, desk)

    assert [one.logical_id for one in desk.changes if one.replaces] == ["Logs"]
    assert cloud.asked == ["create_change_set", "delete_change_set"]
    assert desk.questions == []


def test_another_replacement_is_asked_about() -> None:
    cloud = CloudFormation("UPDATE_COMPLETE", DONE[:], [change("Modify", Replacement="True")])

    assert deploy(cloud).ended is Ended.DEPLOYED


def test_what_cloudformation_cannot_read_is_said() -> None:
    cloud = CloudFormation(refusal="Parameter AlertEmail failed to satisfy constraint")

    with pytest.raises(StackFailed, match="AlertEmail failed"):
        deploy(cloud, AlertEmail="nobody")

    assert cloud.asked == ["create_change_set", "delete_change_set", "delete_stack"]


def test_a_change_set_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = CloudFormation("UPDATE_COMPLETE")
    monkeypatch.setattr(
        cloud, "describe_change_set", lambda **_: {"Status": "CREATE_IN_PROGRESS"}, raising=False
    )

    with pytest.raises(StackFailed, match="not ready after 10 minutes"):
        deploy(cloud)


def test_a_change_that_is_never_over_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOOKS", 3)
    cloud = CloudFormation("UPDATE_COMPLETE", DONE[:1], [change("Add")])

    with pytest.raises(StackFailed, match="it goes on on AWS"):
        deploy(cloud)


def test_ctrl_c_leaves_it_running_and_says_how_to_look() -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    cloud = CloudFormation("UPDATE_COMPLETE", DONE[:], [change("Add")])

    with pytest.raises(StackFailed, match="waypost stack status --env qa --watch"):
        deploy(cloud, Desk(on_event=interrupt))

    assert cloud.asked == ["create_change_set", "execute_change_set"]


@pytest.mark.parametrize(
    ("status", "started"),
    [
        ("UPDATE_COMPLETE", "execute_change_set"),
        ("ROLLBACK_COMPLETE", "delete_stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue_update_rollback"),
    ],
)
def test_ctrl_c_while_it_is_started_says_how_to_look_for_it_may_have_begun(
    status: str, started: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    cloud = CloudFormation(status, DONE[:], [change("Add")])
    monkeypatch.setattr(cloud, started, interrupt)

    with pytest.raises(StackFailed, match="waypost stack status --env qa --watch"):
        deploy(cloud)


def test_an_update_that_cannot_be_taken_back_says_what_failed_first_and_the_next_step() -> None:
    course = [
        ("", "UPDATE_IN_PROGRESS", ""),
        ("Queue", "UPDATE_FAILED", "no"),
        ("", "UPDATE_ROLLBACK_IN_PROGRESS", ""),
        ("Other", "UPDATE_FAILED", "no way back"),
        ("", "UPDATE_ROLLBACK_FAILED", ""),
    ]
    cloud = CloudFormation("UPDATE_COMPLETE", course, [change("Modify")])

    with pytest.raises(
        StackFailed, match=r"First cause: Queue .*UPDATE_ROLLBACK_FAILED.*waypost stack deploy"
    ):
        deploy(cloud)


def test_no_is_no_and_leaves_nothing() -> None:
    cloud = CloudFormation(changes=[change("Add")])

    assert deploy(cloud, Desk(answer=False)).ended is Ended.DECLINED
    assert cloud.asked == ["create_change_set", "delete_change_set", "delete_stack"]


def test_ctrl_c_at_the_question_is_no() -> None:
    class Leaving(Desk):
        def ask(self, question: str) -> bool:
            raise KeyboardInterrupt

    cloud = CloudFormation("UPDATE_COMPLETE", changes=[change("Add")])

    with pytest.raises(KeyboardInterrupt):
        deploy(cloud, Leaving())

    assert cloud.asked == ["create_change_set", "delete_change_set"]


# ---------------------------------------------------------------------- what it may be found in


@pytest.mark.parametrize(
    "status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"]
)
def test_a_stack_that_was_never_whole_is_deleted_if_that_is_wanted(status: str) -> None:
    unwanted, desk = CloudFormation(status), Desk(answer=False)
    with pytest.raises(StackFailed, match="Nothing was changed"):
        deploy(unwanted, desk)
    assert unwanted.asked == []
    assert status in desk.questions[0]

    cloud = CloudFormation(status, [*GONE, *MADE], [change("Add")])
    assert deploy(cloud).ended is Ended.DEPLOYED
    assert cloud.asked == ["delete_stack", "create_change_set", "execute_change_set"]
    assert request(cloud)["ChangeSetType"] == "CREATE"


def test_a_stack_that_cannot_be_deleted_says_why() -> None:
    course = [("Bucket", "DELETE_FAILED", "it is not empty"), ("", "DELETE_FAILED", "")]

    with pytest.raises(StackFailed, match=r"First cause: Bucket .*it is not empty"):
        deploy(CloudFormation("ROLLBACK_COMPLETE", course))


def test_what_is_under_way_is_waited_for_if_that_is_wanted() -> None:
    with pytest.raises(StackFailed, match="--watch"):
        deploy(CloudFormation("UPDATE_IN_PROGRESS"), Desk(answer=False))

    cloud = CloudFormation("UPDATE_IN_PROGRESS", [*DONE, *DONE], [change("Add")])
    cloud.is_under_way = True
    assert deploy(cloud).ended is Ended.DEPLOYED


def test_a_rollback_that_failed_is_continued_if_that_is_wanted() -> None:
    with pytest.raises(StackFailed, match="waypost stack status --env qa"):
        deploy(CloudFormation("UPDATE_ROLLBACK_FAILED"), Desk(answer=False))

    course = [("", "UPDATE_ROLLBACK_COMPLETE", ""), *DONE]
    cloud = CloudFormation("UPDATE_ROLLBACK_FAILED", course, [change("Add")])
    assert deploy(cloud).ended is Ended.DEPLOYED
    assert cloud.asked[0] == "continue_update_rollback"


def test_a_rollback_that_fails_again_says_what_can_be_skipped() -> None:
    course = [("Queue", "UPDATE_FAILED", "no"), ("", "UPDATE_ROLLBACK_FAILED", "")]

    with pytest.raises(StackFailed, match="--resources-to-skip Queue"):
        deploy(CloudFormation("UPDATE_ROLLBACK_FAILED", course))


def test_another_state_says_the_next_step() -> None:
    with pytest.raises(StackFailed, match=r"UPDATE_FAILED.*rollback-stack"):
        deploy(CloudFormation("UPDATE_FAILED"))


def test_a_stack_of_which_nothing_is_made_is_made() -> None:
    cloud, desk = CloudFormation("REVIEW_IN_PROGRESS", MADE[:], [change("Add")]), Desk()

    assert deploy(cloud, desk).ended is Ended.DEPLOYED
    assert request(cloud)["ChangeSetType"] == "CREATE"
    assert any("still waits" in line for line in desk.said)


# ------------------------------------------------------- a stack of the first version, brought over


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


def test_all_that_stands_in_the_way_is_said_at_once_and_nothing_is_changed() -> None:
    cloud, desk = first_version(), Desk()

    done = deploy(cloud, desk, EnvironmentSuffix="uat")

    assert done.ended is Ended.REFUSED
    assert cloud.asked == []
    assert [one.what.split()[1] for one in desk.findings if one.blocks] == ["stack", "AlertEmail"]
    assert done.findings == tuple(desk.findings)
    assert client("s3").list_buckets()["Buckets"] == []


def test_its_rows_are_counted_before() -> None:
    cloud, desk = first_version(), Desk()

    done = deploy(cloud, desk, AlertEmail="")

    assert str(done.rows_before) == "3"
    assert "for two minutes at the most" in desk.said[1]
    assert "Its table has 3 rows, which stay" in desk.said[2]
    assert "waypost stack backfill --env qa" in desk.said[2]


def test_what_was_changed_by_hand_is_looked_for_only_if_wanted() -> None:
    desk = Desk()

    done = deploy(first_version(), desk, drift=False, AlertEmail="")

    assert done.ended is Ended.DEPLOYED
    assert not any("changes by hand" in line for line in desk.said)


def test_a_large_table_is_counted_by_what_dynamodb_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.stack.rows.EXACT", -1)

    assert str(deploy(first_version(), AlertEmail="").rows_before) == "about 3"


def test_it_is_brought_over_by_who_may_not_read_its_rows() -> None:
    refusing = Refusing(client("dynamodb"), "Scan")
    refusing.start(400, "AccessDeniedException")
    try:
        done = deploy(first_version(), AlertEmail="")
    finally:
        refusing.stop()

    assert done.ended is Ended.DEPLOYED
    assert str(done.rows_before) == "about 3"


# ------------------------------------------------------------------------------------ it works


def test_nothing_to_change_is_a_success() -> None:
    cloud = CloudFormation(
        "UPDATE_COMPLETE", refusal="The submitted information didn't contain changes. Submit"
    )

    done = deploy(cloud)

    assert done.ended is Ended.UNCHANGED
    assert done.stack is not None
    assert cloud.asked == ["create_change_set", "delete_change_set"]


def test_account_region_and_stack_are_said_first() -> None:
    desk = Desk()

    deploy(CloudFormation("UPDATE_COMPLETE", DONE[:], [change("Add")]), desk)

    assert desk.said[0] == "account 123456789012, region eu-central-1, stack waypost-qa"
    assert desk.questions == ["Make these changes?"]


def test_parameters_and_tags_that_are_not_named_stay() -> None:
    cloud = CloudFormation("UPDATE_COMPLETE", DONE[:], [change("Add")])
    cloud.parameters = {"AlertEmail": "ops@waypost.internal", "StalledHours": "9", "Gone": "x"}
    cloud.tags = {"team": "dev", "cost": "7"}

    deploy(cloud, StalledHours="12")

    assert request(cloud)["Parameters"] == [
        {"ParameterKey": "EnvironmentSuffix", "ParameterValue": "qa"},
        {"ParameterKey": "AlertEmail", "UsePreviousValue": True},
        {"ParameterKey": "StalledHours", "ParameterValue": "12"},
    ]
    assert request(cloud)["Tags"] == [
        {"Key": "team", "Value": "ops"},
        {"Key": "cost", "Value": "7"},
    ]


def test_the_parameters_are_those_of_the_template(template: dict[str, Any]) -> None:
    assert set(changes.PARAMETERS) == set(template["Parameters"])


def test_a_change_set_may_be_left_for_somebody_else() -> None:
    cloud = CloudFormation("UPDATE_COMPLETE", changes=[change("Add")])

    done = deploy(cloud, execute=False)

    assert (done.ended, done.change_set_id) == (Ended.PREPARED, "change-set-1")
    assert cloud.asked == ["create_change_set"]


def test_every_event_is_reported_once_even_if_the_change_begins_late() -> None:
    cloud = CloudFormation("UPDATE_COMPLETE", changes=[change("Add"), change("Add")])
    cloud.step("Old", "CREATE_COMPLETE")
    late = [*DONE[:1], ("Queue", "UPDATE_COMPLETE", ""), *DONE[1:]]
    cloud.course = late
    desk, looks = Desk(), 0

    def pause(_: float) -> None:
        nonlocal looks
        looks += 1
        cloud.is_under_way = looks > 3

    def connect(service: str) -> Any:
        return cloud if service == "cloudformation" else client(service)

    plan = Plan(
        stack="waypost-qa",
        parameters={"EnvironmentSuffix": "qa"},
        again=AGAIN,
        change_set="waypost-1",
        today=date(2026, 11, 23),
    )
    cloud.execute_change_set = lambda **_: None  # type: ignore[method-assign]  # nothing is to be seen yet
    done = Deployer(connect, desk, pause).deploy(plan)

    assert len(done.changes) == 2
    assert [event.status for event in desk.events] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE",
    ]


def leave_table(**more: Any) -> None:
    """Let the table of updates be there, as an earlier stack left it."""
    client("dynamodb").create_table(
        TableName="shipment-logs-qa",
        KeySchema=[{"AttributeName": "shipmentId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "shipmentId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_a_new_stack_takes_the_tables_in_that_are_left_and_never_deletes_them() -> None:
    leave_table(StreamSpecification=STREAM)
    cloud, desk = CloudFormation(course=MADE[:], changes=[change("Import")]), Desk()

    assert deploy(cloud, desk).ended is Ended.DEPLOYED

    assert request(cloud)["ImportExistingResources"] is True
    body = request(cloud)["TemplateBody"]
    assert "RetainExceptOnCreate" not in body
    # CloudFormation looks for what has a name as it stands in the template.
    for table in TABLES:
        assert f"TableName: {table}-qa\n" in body
    assert any("shipment-logs-qa" in line for line in desk.said)


def test_a_table_that_was_restored_without_its_stream_is_refused_and_the_way_out_said() -> None:
    leave_table()
    cloud, desk = CloudFormation(course=MADE[:], changes=[change("Import")]), Desk()

    assert deploy(cloud, desk).ended is Ended.REFUSED

    [stream, *others] = desk.findings
    assert "no stream" in stream.what
    assert "update-table --table-name shipment-logs-qa" in stream.way_out
    assert (stream.blocks, *(one.blocks for one in others)) == (True, False, False)
    assert cloud.asked == []
    assert client("s3").list_buckets()["Buckets"] == []


def test_a_table_of_another_stack_is_refused_and_that_stack_named() -> None:
    leave_table(StreamSpecification=STREAM)
    cloud, desk = CloudFormation(course=MADE[:], owner="logistics-qa"), Desk()

    assert deploy(cloud, desk).ended is Ended.REFUSED

    assert "--stack-name logistics-qa" in desk.findings[0].way_out
    assert cloud.asked == []


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS"])
@pytest.mark.parametrize("env", ["a" * 33, "qa-", "-"])
def test_a_new_stack_cannot_have_a_suffix_that_only_the_first_version_took(
    env: str, status: str | None
) -> None:
    cloud, desk = CloudFormation(status), Desk()

    assert deploy(cloud, desk, EnvironmentSuffix=env).ended is Ended.REFUSED

    assert "1 to 32 lowercase letters" in desk.findings[0].way_out
    assert cloud.asked == []


def test_a_new_stack_imports_nothing_else() -> None:
    cloud = CloudFormation(course=MADE[:], changes=[change("Add")])

    deploy(cloud)

    assert "ImportExistingResources" not in request(cloud)
    assert "RetainExceptOnCreate" in request(cloud)["TemplateBody"]


def test_a_stack_that_rests_without_a_word_is_over() -> None:
    cloud = CloudFormation("UPDATE_COMPLETE", changes=[change("Add")])

    assert deploy(cloud).ended is Ended.DEPLOYED
    assert cloud.events == []


def test_what_begins_between_two_questions_is_not_over() -> None:
    cloud = CloudFormation("UPDATE_COMPLETE", changes=[change("Add")])
    before = cloud.describe_stacks()
    after = [("Queue", "UPDATE_FAILED", "no"), ("", "UPDATE_ROLLBACK_COMPLETE", "")]
    answers = [before, before]

    def describe_stacks(**_: Any) -> dict[str, Any]:
        if not answers:
            return CloudFormation.describe_stacks(cloud)
        if len(answers) == 1:  # it begins after this was answered
            cloud.step("", "UPDATE_IN_PROGRESS")
            cloud.course, cloud.is_under_way = after, True
        return answers.pop()

    cloud.describe_stacks = describe_stacks  # type: ignore[method-assign]  # a late answer

    with pytest.raises(StackFailed, match=r"First cause: Queue.*UPDATE_ROLLBACK_COMPLETE"):
        deploy(cloud)


# ---------------------------------------------------------------------------------- the policy


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError", "Throttling"])
def test_what_aws_refuses_about_the_policy_is_an_error_and_says_that_the_rest_is_done(
    code: str,
) -> None:
    cloud = CloudFormation(course=MADE[:], changes=[change("Add")], policy_refusal=code)

    with pytest.raises(AwsFailed, match=rf"The stack is as it should be.*{code}.*SetStackPolicy"):
        deploy(cloud)

    assert cloud.status == "CREATE_COMPLETE"


def test_what_knows_no_policies_is_said_to_have_none() -> None:
    cloud = CloudFormation(course=MADE[:], changes=[change("Add")], policy_refusal="InvalidAction")
    desk = Desk()

    assert deploy(cloud, desk).ended is Ended.DEPLOYED
    assert "knows no stack policies" in desk.said[-1]


def test_a_policy_that_somebody_else_set_stays_and_is_mentioned() -> None:
    theirs = '{"Statement": []}'
    cloud = CloudFormation("UPDATE_COMPLETE", DONE[:], [change("Add")], policy=theirs)
    desk = Desk()

    deploy(cloud, desk)

    assert cloud.policy == theirs
    assert "a policy of its own" in desk.said[-1]


def test_tables_are_protected_once() -> None:
    cloud, first, second = CloudFormation(course=MADE[:], changes=[change("Add")]), Desk(), Desk()

    deploy(cloud, first)
    cloud.course = DONE[:]
    deploy(cloud, second)

    assert json.loads(cloud.policy) == POLICY
    assert sum("stack policy" in line for line in first.said) == 1
    assert not any("policy" in line for line in second.said)


def test_a_stack_with_nothing_to_change_is_protected_too() -> None:
    cloud = CloudFormation(
        "UPDATE_COMPLETE", refusal="The submitted information didn't contain changes."
    )

    deploy(cloud)

    assert json.loads(cloud.policy) == POLICY


@pytest.mark.parametrize("how", ["failed", "declined", "prepared"])
def test_what_is_not_deployed_gets_no_policy(how: str) -> None:
    course = [("Queue", "CREATE_FAILED", "no"), ("", "ROLLBACK_COMPLETE", "")]
    cloud = CloudFormation(course=course, changes=[change("Add")])

    if how == "failed":
        with pytest.raises(StackFailed):
            deploy(cloud)
    else:
        deploy(cloud, Desk(answer=how != "declined"), execute=how != "prepared")

    assert cloud.policy == ""


def may(action: str, kind: str) -> bool:
    """Tell whether the policy lets an update do something to a resource of that type."""
    effects = {
        statement["Effect"]
        for statement in POLICY["Statement"]
        if any(fnmatch(action, pattern) for pattern in listed(statement["Action"]))
        and kind in statement.get("Condition", {}).get("StringEquals", {}).get("ResourceType", kind)
    }
    return effects == {"Allow"}


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_the_policy_keeps_the_tables_and_lets_all_else_pass(template: dict[str, Any]) -> None:
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert "AWS::DynamoDB::Table" in kinds

    for kind in kinds:
        is_table = kind == "AWS::DynamoDB::Table"
        assert may("Update:Modify", kind)
        assert may("Update:Replace", kind) is not is_table
        assert may("Update:Delete", kind) is not is_table


# ------------------------------------------------------------------------------------ the code


def test_the_code_is_put_into_a_bucket_that_is_made_once() -> None:
    first, second = Desk(), Desk()

    deploy(CloudFormation(course=MADE[:], changes=[change("Add")]), first)
    deploy(CloudFormation(course=MADE[:], changes=[change("Add")]), second)

    stored = aws_client("s3").get_object(Bucket=BUCKET, Key=bundle.zip_key())["Body"].read()
    assert stored == bundle.zip_code()
    assert sum(BUCKET in line for line in first.said) == 2
    assert not any(BUCKET in line for line in second.said)


def test_other_code_under_the_key_of_ours_is_refused_and_left_as_evidence() -> None:
    s3 = aws_client("s3")
    upload.make(s3, "mine", REGION)
    place = {"Bucket": "mine", "Key": bundle.zip_key()}
    s3.put_object(**place, Body=b"another's", ChecksumAlgorithm="SHA256")

    with pytest.raises(AwsFailed, match=r"s3://mine/waypost/\w+\.zip holds something else"):
        upload.upload(s3, "mine", "123456789012")

    assert s3.get_object(**place)["Body"].read() == b"another's"


@pytest.mark.parametrize("body", [b"another's", bundle.zip_code()])
def test_what_lies_there_without_a_sha_256_is_written_anew(body: bytes) -> None:
    s3 = aws_client("s3")
    upload.make(s3, "mine", REGION)
    place = {"Bucket": "mine", "Key": bundle.zip_key()}
    s3.put_object(**place, Body=body)

    assert upload.upload(s3, "mine", "123456789012")

    assert s3.get_object(**place)["Body"].read() == bundle.zip_code()
    assert not upload.upload(s3, "mine", "123456789012")


def test_a_bucket_that_is_named_has_to_be_there() -> None:
    with pytest.raises(NotFound, match="no bucket mine"):
        deploy(CloudFormation(), bucket="mine")

    place = {"LocationConstraint": REGION}
    aws_client("s3").create_bucket(Bucket="mine", CreateBucketConfiguration=place)
    cloud = CloudFormation(course=MADE[:], changes=[change("Add")])
    deploy(cloud, bucket="mine")
    assert "S3Bucket: mine" in request(cloud)["TemplateBody"]


def test_the_bucket_of_somebody_else_is_not_used() -> None:
    forbidden = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")
    client = Mock(head_bucket=Mock(side_effect=forbidden))

    with pytest.raises(AwsFailed, match="another account has it"):
        upload.is_there(client, BUCKET, "123456789012")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_bucket_is_made_in_its_region(region: str) -> None:
    s3 = boto3.client("s3", region_name=region)

    upload.make(s3, "new", region)

    assert s3.get_bucket_location(Bucket="new")["LocationConstraint"] in {region, None}


@pytest.mark.parametrize("operation", ["HeadBucket", "HeadObject"])
def test_what_s3_refuses_otherwise_is_raised_on(operation: str) -> None:
    s3 = aws_client("s3")
    upload.make(s3, "mine", REGION)
    refusing = Refusing(s3, operation)

    refusing.start(400, "SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        upload.upload(s3, "mine", "123456789012")


# --------------------------------------------------------------------------------- the way out


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
