"""The policy that keeps the tables."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from typing import Any

import pytest

from tests.support.cloudformation import CloudFormation, Desk
from tests.support.deploying import DONE, MADE, change, deploy
from waypost.stack.deploy import Ended
from waypost.stack.errors import AwsFailed, StackFailed
from waypost.stack.protection import POLICY


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
