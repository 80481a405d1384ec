"""What a stack may be found in, and what is asked before it is changed."""

from __future__ import annotations

import pytest

from tests.support.cloudformation import CloudFormation, Desk
from tests.support.deploying import DONE, GONE, MADE, change, deploy, request
from waypost.stack.deploy import Ended
from waypost.stack.errors import StackFailed


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
