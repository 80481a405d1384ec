"""What CloudFormation knows of a stack."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from waypost.core.errors import NotFound
from waypost.core.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DONE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
"""What a stack that stands is in, unless its last change failed."""
STANDING: Final = DONE | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
"""What a stack is in that can be updated."""
STUCK_AT_BIRTH: Final = frozenset(
    {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"}
)
"""What a stack is in that can only be deleted."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is there.

    Attributes:
        status: such as ``UPDATE_COMPLETE``.
        reason: why it is so, in AWS's words; empty if AWS does not say.
        parameters: their values as they are now.
        created: when it was made, epoch ms; None if AWS does not say.
    """

    stack_id: str
    name: str
    status: str
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    created: int | None = None
    exports: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was made of it yet: there are only change sets."""
        return self.status == "REVIEW_IN_PROGRESS"

    @property
    def is_moving(self) -> bool:
        """Whether something is under way."""
        return self.status.endswith("_IN_PROGRESS") and not self.is_empty


def find(client: Any, name: str) -> Stack | None:
    """Return a stack by its name or id; None if there is none, or no more."""
    try:
        [said] = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if said["StackStatus"] == "DELETE_COMPLETE":
        return None
    return Stack(
        stack_id=said["StackId"],
        name=said["StackName"],
        status=said["StackStatus"],
        reason=said.get("StackStatusReason", ""),
        parameters={p["ParameterKey"]: p["ParameterValue"] for p in said.get("Parameters", ())},
        tags={tag["Key"]: tag["Value"] for tag in said.get("Tags", ())},
        outputs={o["OutputKey"]: o["OutputValue"] for o in said.get("Outputs", ())},
        created=_created(said),
        exports={
            o["ExportName"]: o["OutputValue"] for o in said.get("Outputs", ()) if "ExportName" in o
        },
    )


def _created(said: dict[str, Any]) -> int | None:
    when = said.get("CreationTime")
    return None if when is None else int(when.timestamp() * SECOND)


def get(client: Any, name: str) -> Stack:
    """Return a stack by its name.

    Raises:
        NotFound: there is none.
    """
    stack = find(client, name)
    if stack is None:
        raise NotFound(f"no stack {name} in this account and Region")
    return stack


def resources(client: Any, name: str) -> dict[str, list[str]]:
    """Return the physical ids of a stack's resources by type, in the order of their logical ids."""
    by_type = defaultdict[str, list[str]](list)
    for _, kind, physical_id in sorted(_summaries(client, name)):
        by_type[kind].append(physical_id)
    return dict(by_type)


def physical_ids(client: Any, name: str) -> dict[str, str]:
    """Return the physical ids of a stack's resources by their logical ids."""
    return {logical: physical for logical, _, physical in _summaries(client, name)}


def _summaries(client: Any, name: str) -> Iterator[tuple[str, str, str]]:
    """Return the resources that a stack has: logical id, type, physical id."""
    for page in client.get_paginator("list_stack_resources").paginate(StackName=name):
        for one in page["StackResourceSummaries"]:
            if one.get("PhysicalResourceId") and one.get("ResourceStatus") != "DELETE_COMPLETE":
                yield one["LogicalResourceId"], one["ResourceType"], one["PhysicalResourceId"]
