"""What keeps a stack's tables: its policy in updates, its template when it is deleted."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from waypost.stack.connection import NOT_KNOWN, error_code
from waypost.stack.errors import AwsFailed, StackFailed
from waypost.stack.lint import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.stack.stacks import Stack

POLICY: Final[dict[str, list[dict[str, Any]]]] = {
    "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["Update:Replace", "Update:Delete"],
            "Resource": "*",
            "Condition": {"StringEquals": {"ResourceType": ["AWS::DynamoDB::Table"]}},
        },
    ]
}
"""Everything may be updated, but no table may be replaced or taken out. The form is that of the
CloudFormation User Guide, "Prevent updates to stack resources"."""

_KEPT: Final = frozenset({"Retain", "RetainExceptOnCreate"})
"""DeletionPolicies under which a table outlives its stack."""


class Protection(Enum):
    """What became of a stack's policy."""

    SET = auto()
    THERE = auto()
    """It had ours already."""
    OTHER = auto()
    """It has one that somebody else set, and keeps it."""
    UNKNOWN = auto()
    """What answers in place of AWS knows no such policies."""


def protect(client: Any, stack_id: str) -> Protection:
    """Give a stack the policy, unless it has one.

    Args:
        client: of CloudFormation.
        stack_id: the stack, with nothing under way.

    Raises:
        AwsFailed: AWS refused; the stack has no policy then.
    """
    try:
        found = client.get_stack_policy(StackName=stack_id).get("StackPolicyBody")
        if found:
            return Protection.THERE if json.loads(found) == POLICY else Protection.OTHER
        client.set_stack_policy(StackName=stack_id, StackPolicyBody=json.dumps(POLICY))
    except ClientError as error:
        if error_code(error) in NOT_KNOWN:
            return Protection.UNKNOWN
        raise AwsFailed(
            "The stack is as it should be, but no stack policy protects its tables from other "
            f"tools: {error}. Deploy again with the right to cloudformation:GetStackPolicy and "
            "cloudformation:SetStackPolicy."
        ) from error
    return Protection.SET


def tables_not_kept(client: Any, stack_id: str) -> list[str]:
    """Return the tables, by logical id, that CloudFormation deletes with a stack.

    Args:
        client: of CloudFormation; its errors are raised as they are.
        stack_id: the stack, which is judged by the template that it was made from.

    Raises:
        UnusableTemplate: that template cannot be read.
    """
    body = client.get_template(StackName=stack_id)["TemplateBody"]
    text = body if isinstance(body, str) else json.dumps(body)  # botocore reads JSON itself
    resources = reading.read(text.encode()).get("Resources", {})
    return [
        name
        for name, resource in resources.items()
        if resource.get("Type") == "AWS::DynamoDB::Table"
        and resource.get("DeletionPolicy") not in _KEPT
    ]


def refuse_to_lose(client: Any, stack: Stack, tables: Sequence[str], way_out: str) -> None:
    """Refuse to delete a stack whose template does not keep the tables that it has.

    Args:
        client: of CloudFormation; its errors are raised as they are.
        stack: that is to be deleted.
        tables: its tables.
        way_out: what to do instead, for the message.

    Raises:
        StackFailed: a table would be lost.
    """
    if tables and (lost := tables_not_kept(client, stack.stack_id)):
        raise StackFailed(
            f"Refused: the template that {stack.name} was made from does not keep "
            f"{', '.join(lost)}, and {', '.join(tables)} holds data. {way_out}"
        )
