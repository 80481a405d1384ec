"""Change sets: what a deployment would do, before it does it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from waypost.stack import stacks
from waypost.stack.connection import error_code
from waypost.stack.errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from waypost.stack.stacks import Stack

PARAMETERS: Final = (
    "EnvironmentSuffix",
    "AlertEmail",
    "AlertWindowSeconds",
    "LogRetentionDays",
    "StalledHours",
    "DeadManHours",
    "EventBusName",
    "Runtime",
    "Architecture",
    "DeclaredPerDay",
    "ArchiveDays",
    "Alarms",
)
"""The parameters of the template."""
LOOKS: Final = 300
"""A change set that is not ready after so many looks is given up."""
PAUSE: Final = 2.0
"""Seconds between two looks."""
WITHDRAWALS: Final = 10
"""After so many tries a change set that AWS is still working on is left where it is."""
_TABLE: Final = "AWS::DynamoDB::Table"
_NOTHING: Final = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True)
class Change:
    """What would happen to one resource.

    Attributes:
        action: ``Add``, ``Modify``, ``Remove``, ``Import`` ...
        replacement: ``True``, ``False`` or ``Conditional`` (perhaps) in a modification; else empty.
    """

    action: str
    logical_id: str
    physical_id: str
    kind: str
    replacement: str

    @property
    def replaces(self) -> bool:
        """Whether the resource, with what it holds, is or may be replaced or removed."""
        return self.action == "Remove" or self.replacement in {"True", "Conditional"}

    @property
    def loses_a_table(self) -> bool:
        """Whether a table would be taken from the stack.

        A replacement that is only perhaps one is let through: CloudFormation makes the new
        resource first, and there cannot be two tables of one name.
        """
        return self.kind == _TABLE and (self.action == "Remove" or self.replacement == "True")


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set that is ready to be executed.

    Attributes:
        creates: whether CloudFormation made an empty stack for it.
        changes: may be empty, where only outputs or tags change.
    """

    change_set_id: str
    stack_id: str
    creates: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is to be deployed.

    Attributes:
        parameters: new values; those of the stack stay where none is given.
        tags: of the stack; those that it has stay too.
        imports: whether a stack that is made takes in what is there by the names of its own.
    """

    stack: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    imports: bool = False


def prepare(
    client: Any, request: Request, name: str, before: Stack | None, pause: Callable[[float], object]
) -> ChangeSet | None:
    """Return what a deployment would do; None if nothing.

    Args:
        client: of CloudFormation; its errors are raised as they are.
        request: what is to be deployed.
        name: of the change set.
        before: the stack that is to be changed, if there is one that can be.
        pause: waits so many seconds.

    Raises:
        StackFailed: CloudFormation cannot make sense of it, or not within `LOOKS`; or somebody
            pressed Ctrl-C, and what was asked for is withdrawn if that can be done.
    """
    with _withdrawn(client, request.stack, name, before, pause):
        made = _create(client, request, name, before)
        said = _wait(client, made["Id"], pause)
    if said["Status"] == "FAILED":
        reason = said.get("StatusReason", "AWS does not say why")
        _discard(client, made["Id"], made["StackId"] if before is None else None)
        if any(words in reason for words in _NOTHING):
            return None
        raise StackFailed(f"CloudFormation refused the change: {reason}")
    return ChangeSet(made["Id"], made["StackId"], before is None, _changes(client, said))


def execute(client: Any, change_set: ChangeSet) -> None:
    """Start what a change set says."""
    client.execute_change_set(ChangeSetName=change_set.change_set_id)


def discard(client: Any, change_set: ChangeSet) -> None:
    """Delete a change set, and the empty stack that CloudFormation made for it."""
    stack_id = change_set.stack_id if change_set.creates else None
    _discard(client, change_set.change_set_id, stack_id)


def _discard(client: Any, change_set_id: str, empty_stack: str | None) -> None:
    client.delete_change_set(ChangeSetName=change_set_id)
    if empty_stack is not None:
        client.delete_stack(StackName=empty_stack)


def _create(client: Any, request: Request, name: str, before: Stack | None) -> dict[str, Any]:
    creates = before is None or before.is_empty
    made: dict[str, Any] = client.create_change_set(
        StackName=request.stack,
        ChangeSetName=name,
        ChangeSetType="CREATE" if creates else "UPDATE",
        TemplateBody=request.template,
        Parameters=_parameters(request, None if creates else before),
        Tags=[
            {"Key": key, "Value": value}
            for key, value in {**(before.tags if before else {}), **request.tags}.items()
        ],
        Capabilities=["CAPABILITY_IAM"],
        **({"ImportExistingResources": True} if request.imports else {}),
    )
    return made


@contextmanager
def _withdrawn(
    client: Any, stack: str, name: str, before: Stack | None, pause: Callable[[float], object]
) -> Iterator[None]:
    """Let Ctrl-C withdraw the change set that is being made.

    Raises:
        StackFailed: it was pressed; the message says what is left of it.
    """
    try:
        yield
    except KeyboardInterrupt:
        try:
            _withdraw(client, stack, name, pause)
            if before is None and (made := stacks.find(client, stack)) and made.is_empty:
                client.delete_stack(StackName=made.stack_id)
        except (BotoCoreError, ClientError) as error:
            raise StackFailed(
                "Stopped; nothing was changed. A change set may be left that nobody executes "
                f"({error}): aws cloudformation delete-change-set --stack-name {stack} "
                f"--change-set-name {name}"
            ) from error
        raise StackFailed(
            "Stopped; nothing was changed. The change set that was being made is deleted."
        ) from None


def _withdraw(client: Any, stack: str, name: str, pause: Callable[[float], object]) -> None:
    """Delete a change set by its names, for its id may not be known yet."""
    for left in reversed(range(WITHDRAWALS)):
        try:
            client.delete_change_set(StackName=stack, ChangeSetName=name)
        except ClientError as error:
            # AWS deletes no change set while it is making it.
            if error_code(error) != "InvalidChangeSetStatus" or not left:
                raise
            pause(PAUSE)
        else:
            return


def _parameters(request: Request, before: Stack | None) -> list[dict[str, Any]]:
    kept = before.parameters if before is not None else {}
    parameters: list[dict[str, Any]] = []
    for name in PARAMETERS:
        if name in request.parameters:
            parameters.append({"ParameterKey": name, "ParameterValue": request.parameters[name]})
        elif name in kept:
            parameters.append({"ParameterKey": name, "UsePreviousValue": True})
    return parameters


def _wait(client: Any, change_set_id: str, pause: Callable[[float], object]) -> dict[str, Any]:
    for _ in range(LOOKS):
        said: dict[str, Any] = client.describe_change_set(ChangeSetName=change_set_id)
        if said["Status"] in {"CREATE_COMPLETE", "FAILED"}:
            return said
        pause(PAUSE)
    raise StackFailed(
        f"the change set is not ready after {LOOKS * PAUSE / 60:.0f} minutes; try again"
    )


def _changes(client: Any, first: dict[str, Any]) -> tuple[Change, ...]:
    changes: list[Change] = []
    page = first
    while True:
        changes += [_change(one["ResourceChange"]) for one in page.get("Changes", ())]
        if not page.get("NextToken"):
            return tuple(changes)
        page = client.describe_change_set(
            ChangeSetName=first["ChangeSetId"], NextToken=page["NextToken"]
        )


def _change(said: dict[str, Any]) -> Change:
    return Change(
        action=said["Action"],
        logical_id=said["LogicalResourceId"],
        physical_id=said.get("PhysicalResourceId") or "",
        kind=said["ResourceType"],
        replacement=said.get("Replacement") or "",
    )
