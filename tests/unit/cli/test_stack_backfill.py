"""What a deployment ends with: what has no state yet gets one, and nobody is told of old news."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.support import moto_stack
from tests.support.aws import Refusing
from tests.support.clocks import NOON, FakeClock
from waypost.core.times import DAY
from waypost.stack.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cloudformation import CloudFormation
    from tests.support.moto_stack import Functions
    from tests.unit.cli.conftest import Ran, Waypost

QA: Final = ("--env", "qa", "--region", "eu-central-1")
DONE: Final = [("", "UPDATE_IN_PROGRESS", ""), ("", "UPDATE_COMPLETE", "")]
ADDED: Final = {
    "Action": "Add",
    "LogicalResourceId": "Queue",
    "ResourceType": "AWS::SQS::Queue",
}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    """A stack whose update changes nothing."""
    with mock_aws():
        cloud = moto_stack.deployed()
        cloud.refusal = "The submitted information didn't contain changes."
        cloud.resources = [*cloud.resources, ("AWS::SQS::Queue", "shipment-updates-qa")]
        cloud.logical_ids["shipment-updates-qa"] = "IngestQueue"
        moto_stack.client("dynamodb").update_table(
            TableName="shipment-logs-qa",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        monkeypatch.setattr(
            Connection,
            "client",
            lambda _, service: cloud if service == "cloudformation" else moto_stack.client(service),
        )
        yield cloud


@pytest.fixture
def functions(cloud: CloudFormation) -> Functions:
    return moto_stack.Functions(FakeClock())


@pytest.fixture
def rows(cloud: CloudFormation) -> None:
    """Rows that the first version wrote: two of them long silent by now."""
    for number, status in enumerate(["LOST", "IN_TRANSIT", "DELAYED", "DELIVERED"]):
        at = NOON - (90 - number) * DAY
        detail = {"shipmentId": f"OLD-{number}", "status": status}
        row = {
            "shipmentId": {"S": f"OLD-{number}"},
            "timestamp": {"N": str(at)},
            "status": {"S": status},
            "location": {"S": "Unknown"},
            "carrier": {"S": "Unknown"},
            "eventTime": {"S": "2025-12-02T12:00:00"},
            "rawEvent": {"S": json.dumps(detail)},
        }
        moto_stack.client("dynamodb").put_item(TableName="shipment-logs-qa", Item=row)


def deploy(waypost: Waypost, *more: str, code: int = 0) -> Ran:
    return waypost("stack", "deploy", *QA, "--yes", *more, code=code)


def backfill(waypost: Waypost, *more: str, code: int = 0) -> Ran:
    return waypost("stack", "backfill", *QA, *more, code=code)


def shipments(waypost: Waypost) -> list[dict[str, Any]]:
    return waypost("shipments", "--json", "--stack", "qa", "--region", "eu-central-1").rows


@pytest.mark.usefixtures("rows")
def test_what_was_told_before_is_told_to_nobody_and_what_is_silent_neither(
    waypost: Waypost, functions: Functions
) -> None:
    ran = backfill(waypost)

    assert "4 of 4 shipments had no state" in ran.out
    assert "reads the whole table shipment-logs-qa" in ran.err
    assert sorted(functions.read_refolds()) == ["OLD-0", "OLD-1", "OLD-2", "OLD-3"]
    listed = {row["shipmentId"]: row["condition"] for row in shipments(waypost)}
    assert listed == {"OLD-0": "LOST", "OLD-1": "STALLED", "OLD-2": "DELAYED", "OLD-3": None}
    assert functions.channel.messages == []


@pytest.mark.usefixtures("rows")
def test_what_has_its_state_is_left_alone(waypost: Waypost, functions: Functions) -> None:
    backfill(waypost)
    functions.read_refolds()

    row = backfill(waypost, "--json").row

    assert row == {"shipments": 4, "sent": 0}
    assert functions.read_refolds() == []


@pytest.mark.usefixtures("rows")
def test_another_deployment_reads_no_log(waypost: Waypost, functions: Functions) -> None:
    ran = deploy(waypost)

    assert "reads the whole table" not in ran.err
    assert functions.read_refolds() == []


def become_first(cloud: CloudFormation) -> None:
    """Let the stack be of the first version, before an update that works."""
    del cloud.logical_ids["shipment-updates-qa"]
    cloud.refusal, cloud.changes, cloud.course = "", [ADDED], DONE[:]


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("options", "sent"), [((), 4), (("--no-backfill",), 0)])
def test_a_stack_of_the_first_version_is_back_filled_when_it_is_brought_over(
    waypost: Waypost, cloud: CloudFormation, options: tuple[str, ...], sent: int
) -> None:
    become_first(cloud)

    ran = deploy(waypost, *options)

    assert "Its table has 4 rows, which stay" in ran.err
    assert "Rows in the log: 4 before, 4 now." in ran.out
    assert len(moto_stack.Functions(FakeClock()).read_refolds()) == sent
    assert ("Their state is not made yet: waypost stack backfill --env qa" in ran.err) is (not sent)


@pytest.mark.usefixtures("rows")
def test_what_became_of_the_rows_is_there_as_json(waypost: Waypost, cloud: CloudFormation) -> None:
    become_first(cloud)

    row = deploy(waypost, "--json").row

    assert (row["rowsBefore"], row["rowsAfter"], row["backfilled"]) == (4, 4, 4)


@pytest.mark.usefixtures("rows")
def test_what_stands_in_the_way_is_listed_and_nothing_is_changed(
    waypost: Waypost, cloud: CloudFormation
) -> None:
    become_first(cloud)
    cloud.parameters["AlertEmail"] = "test@test.com"
    cloud.exports = {"waypost-qa-Mine": "x"}
    cloud.importers = {"waypost-qa-Mine": ["billing"]}
    cloud.detection = ["DETECTION_COMPLETE"] * 2

    ran = deploy(waypost, code=1)

    assert "In the way:\n  1. Its AlertEmail is test@test.com" in ran.err
    assert "\n     -> --alert-email ADDRESS, or --alert-email '' for nobody." in ran.err
    assert "\n  2. The update would remove the export waypost-qa-Mine, which billing" in ran.err
    assert "To know:\n  1. shipment-logs-qa cannot be restored" in ran.err
    assert ran.out == "Nothing was changed.\n"
    assert cloud.asked == []

    row = deploy(waypost, "--json", code=1).row
    assert row["result"] == "refused"
    assert [one["blocks"] for one in row["findings"]] == [True, True, False]


@pytest.mark.usefixtures("rows")
def test_it_goes_on_after_ctrl_c_and_says_how(
    waypost: Waypost, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waypost.stack.backfill.BATCH", 2)
    passed: list[object] = []

    def interrupt(_: object, ids: list[str]) -> None:
        passed.append(ids)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("waypost.aws_lambda.refolds.RefoldQueue.add", interrupt)
        told = backfill(waypost, code=130).err
    assert "To go on: waypost stack backfill --env qa --region eu-central-1" in told
    assert len(passed) == 1

    assert "4 of 4" in backfill(waypost).out
    assert len(functions.read_refolds()) == 4


@pytest.mark.usefixtures("rows", "cloud")
@pytest.mark.parametrize(
    ("service", "operation"),
    [("dynamodb", "Scan"), ("dynamodb", "BatchGetItem"), ("sqs", "SendMessageBatch")],
)
def test_what_aws_refuses_is_said_and_that_the_stack_is_as_it_should_be(
    waypost: Waypost, service: str, operation: str
) -> None:
    refusing = Refusing(moto_stack.client(service), operation)
    refusing.start(400, "AccessDeniedException")
    try:
        told = backfill(waypost, code=3).err
    finally:
        refusing.stop()

    assert "The stack is there, but not all of its log has a state yet" in told
    assert operation in told
    assert "To go on: waypost stack backfill --env qa --region eu-central-1" in told


@pytest.mark.usefixtures("rows")
def test_a_change_set_that_is_left_back_fills_nothing_and_says_what_comes_after_it(
    waypost: Waypost, cloud: CloudFormation
) -> None:
    become_first(cloud)

    ran = deploy(waypost, "--no-execute")

    assert "If it does not get so far: waypost stack backfill --env qa" in ran.err
    assert moto_stack.Functions(FakeClock()).read_refolds() == []
