"""What keeps a stack's tables: its policy in updates, its template when it is deleted."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any, Final

from botocore.exceptions import ClientError

from waypost.stack.connection import error_code
from waypost.stack.errors import AwsFailed
from waypost.stack.lint import reading

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
_UNKNOWN: Final = frozenset({"InvalidAction", "NotImplemented", "UnknownOperationException"})
"""How something that stands in for AWS says that it does not know an operation."""


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
        if error_code(error) in _UNKNOWN:
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
