"""A change set that is given up while it is being made is not left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloudformation import ID, CloudFormation
from waypost.stack import changes, stacks
from waypost.stack.changes import WITHDRAWALS, Request, prepare
from waypost.stack.errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {"StackName": "waypost-qa", "ChangeSetName": "waypost-1"}


class Making(CloudFormation):
    """Ctrl-C is pressed while it makes a change set, which it cannot delete for a while.

    Attributes:
        busy: so many tries to delete the change set are refused.
    """

    busy: int = 0

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    def delete_change_set(self, **asked: Any) -> None:
        super().delete_change_set(**asked)
        if self.busy:
            self.busy -= 1
            raise refusal("InvalidChangeSetStatus")


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DeleteChangeSet")


def interrupted(cloud: CloudFormation, *, pause: Callable[[float], object] = lambda _: None) -> str:
    """Prepare a change until it is given up; return what is said then."""
    request = Request(stack="waypost-qa", template="", parameters={})
    with pytest.raises(StackFailed) as raised:
        prepare(cloud, request, "waypost-1", stacks.find(cloud, "waypost-qa"), pause)
    return str(raised.value)


def test_what_aws_does_not_delete_in_time_is_named() -> None:
    cloud, waited = Making("UPDATE_COMPLETE"), list[float]()
    cloud.busy = WITHDRAWALS

    said = interrupted(cloud, pause=waited.append)

    assert "delete-change-set --stack-name waypost-qa --change-set-name waypost-1" in said
    assert cloud.asked.count("delete_change_set") == WITHDRAWALS
    assert waited == [changes.PAUSE] * (WITHDRAWALS - 1)


def test_what_may_not_be_deleted_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise refusal("AccessDenied")

    cloud, waited = Making("UPDATE_COMPLETE"), list[float]()
    monkeypatch.setattr(cloud, "delete_change_set", refuse)

    assert "AccessDenied" in interrupted(cloud, pause=waited.append)
    assert waited == []


def test_it_is_deleted_as_soon_as_aws_lets_it_be() -> None:
    cloud = Making("UPDATE_COMPLETE")
    cloud.busy = 2

    assert "is deleted" in interrupted(cloud)
    assert cloud.asked == ["create_change_set", *["delete_change_set"] * 3]
    assert cloud.calls[-1] == ("delete_change_set", NAMES)


def test_one_that_was_just_asked_for_is_deleted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    cloud = CloudFormation("UPDATE_COMPLETE")
    monkeypatch.setattr(cloud, "create_change_set", interrupt)

    interrupted(cloud)

    assert cloud.calls == [("delete_change_set", NAMES)]


def test_the_empty_stack_goes_that_was_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(**_: object) -> dict[str, str]:
        cloud.status = "REVIEW_IN_PROGRESS"
        return {"Id": "change-set-1", "StackId": ID}

    cloud = Making()
    monkeypatch.setattr(cloud, "create_change_set", make)

    interrupted(cloud)

    assert cloud.calls[-1] == ("delete_stack", {"StackName": ID})


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "UPDATE_COMPLETE"])
def test_a_stack_that_was_there_before_stays(status: str) -> None:
    cloud = Making(status)

    interrupted(cloud)

    assert cloud.asked == ["create_change_set", "delete_change_set"]


def test_a_stack_that_somebody_else_has_made_meanwhile_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(**_: object) -> dict[str, str]:
        cloud.status = "CREATE_IN_PROGRESS"
        return {"Id": "change-set-1", "StackId": ID}

    cloud = Making()
    monkeypatch.setattr(cloud, "create_change_set", make)

    interrupted(cloud)

    assert cloud.asked == ["delete_change_set"]
