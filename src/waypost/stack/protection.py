"""The stack policy: what no update of a stack may do, whatever tool asks for it."""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any, Final

from botocore.exceptions import ClientError

from waypost.stack.connection import error_code
from waypost.stack.errors import AwsFailed

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
