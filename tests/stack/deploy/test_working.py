"""What is deployed is what was asked for, and is told."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.cloudformation import CloudFormation, Desk
from tests.support.deploying import AGAIN, DONE, change, client, deploy, request
from waypost.stack import changes
from waypost.stack.deploy import Deployer, Ended, Plan
from waypost.stack.errors import StackFailed


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
