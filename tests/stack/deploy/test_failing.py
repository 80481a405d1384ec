"""What goes wrong is named, and what would lose data is not done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cloudformation import CloudFormation, Desk
from tests.support.deploying import DONE, change, deploy
from waypost.stack import progress
from waypost.stack.deploy import Ended
from waypost.stack.errors import StackFailed


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
