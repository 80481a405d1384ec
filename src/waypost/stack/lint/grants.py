"""What roles may do: the statements of each, wherever in the template they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint import sam
from waypost.stack.lint.values import listed, member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.template import Resource, View

ROLE: Final = "AWS::IAM::Role"
_ATTACHED: Final = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
_BY_LAMBDA: Final = (
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess",
    "AWSLambdaSQSQueueExecutionRole",
    "AWSLambdaDynamoDBExecutionRole",
    "AWSLambdaKinesisExecutionRole",
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A statement that allows something.

    Attributes:
        resource: of the template, where it stands.
        line: on which it begins.
        actions: what it allows; empty where it says only what it does not (``NotAction``).
        on: the resources that it allows it on.
        conditions: under which it does.
    """

    resource: Resource
    line: int
    actions: tuple[str, ...]
    on: tuple[Any, ...]
    conditions: Any


def grants(view: View) -> Iterator[Grant]:
    """Return all that identity policies in the template allow."""
    for role in view.of(ROLE):
        yield from _own(role)
    for policy in view.of(*_ATTACHED):
        yield from _statements(policy, policy.get("PolicyDocument"))


def of_role(view: View, role: Resource) -> list[Grant]:
    """Return what a role may do by the policies in the template."""
    found = [*_own(role)]
    for policy in view.of(*_ATTACHED):
        names = [*listed(policy.get("Roles")), *listed(policy.get("RoleName"))]
        if any(view.target(name, ROLE) is role for name in names):
            found += _statements(policy, policy.get("PolicyDocument"))
    return found


def _own(role: Resource) -> Iterator[Grant]:
    for policy in listed(role.get("Policies")):
        yield from _statements(role, member(policy, "PolicyDocument"))


def has_more(view: View, role: Resource) -> bool:
    """Tell whether a role may do more than `of_role` names: by policies kept elsewhere, say."""
    if sam.POLICY_TEMPLATE in role.properties or any(not g.actions for g in of_role(view, role)):
        return True
    managed = [str(arn).rpartition("/")[2] for arn in listed(role.get("ManagedPolicyArns"))]
    return any(name not in _BY_LAMBDA for name in managed)


def _statements(resource: Resource, document: Any) -> Iterator[Grant]:
    for statement in listed(member(document, "Statement")):
        if member(statement, "Effect") == "Allow":
            yield Grant(
                resource,
                getattr(statement, "line", resource.line),
                tuple(str(action) for action in listed(statement.get("Action"))),
                tuple(listed(statement.get("Resource"))),
                statement.get("Condition"),
            )
