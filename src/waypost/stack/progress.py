"""Follows what happens to a stack until it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.stack import stacks
from waypost.stack.errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKS: Final = 2_400
"""A change that is not over after so many looks is left alone: it goes on without us."""
PAUSE: Final = 3.0
"""Seconds between two looks."""
SETTLING: Final = 20
"""After so many looks at a stack that rests it is over, whatever its events say."""
_GONE: Final = "DELETE_COMPLETE"
_STACK: Final = "AWS::CloudFormation::Stack"
_BEGINNINGS: Final = frozenset(
    {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a resource, or to the stack itself.

    Attributes:
        reason: empty if AWS does not say.
    """

    event_id: str
    logical_id: str
    kind: str
    status: str
    reason: str

    @property
    def is_failure(self) -> bool:
        """Whether something went wrong by itself, not because something else had."""
        return self.status.endswith("_FAILED") and "cancelled" not in self.reason.lower()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended.

    Attributes:
        status: of the stack; ``DELETE_COMPLETE`` where there is none any more.
        cause: what failed first; None if nothing did.
    """

    status: str
    cause: Event | None


def newest(client: Any, stack: str) -> str | None:
    """Return the id of the last event of a stack, to follow from; None before the first."""
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return events[0]["EventId"] if events else None


def before_latest(client: Any, stack: str) -> str | None:
    """Return the id of the last event before what is under way began, to follow all of it."""
    events = _events(client, stack, None)
    for event in events:
        if event.kind == _STACK and event.status in _BEGINNINGS:
            break
    before = next(events, None)
    return before.event_id if before is not None else None


def follow(
    client: Any,
    stack_id: str,
    since: str | None,
    on_event: Callable[[Event], object],
    pause: Callable[[float], object],
) -> Outcome:
    """Report each event of a stack until nothing is under way any more.

    What was asked for may take a moment to begin, in which the stack is as before: it is over when
    the stack's own last event says what the stack says.

    Args:
        client: of CloudFormation; its errors are raised as they are.
        stack_id: its id, for a name finds no stack that is gone.
        since: the last event that is not reported (`newest`); None for all.
        on_event: gets each event once, oldest first.
        pause: waits so many seconds.

    Raises:
        StackFailed: it is not over after `LOOKS`.
    """
    cause: Event | None = None
    latest, quiet = "", 0
    for _ in range(LOOKS):
        # First the status, then the events: so the last events are not missed.
        stack = stacks.find(client, stack_id)
        for event in reversed([*_events(client, stack_id, since)]):
            since = event.event_id
            cause = cause or (event if event.is_failure else None)
            latest = event.status if event.kind == _STACK else latest
            on_event(event)
        if stack is None:
            return Outcome(_GONE, cause)
        quiet = 0 if stack.is_moving else quiet + 1
        if quiet and (latest == stack.status or quiet > SETTLING):
            return Outcome(stack.status, cause)
        pause(PAUSE)
    raise StackFailed(f"it is not over after {LOOKS * PAUSE / 3600:.0f} hours; it goes on on AWS")


def _events(client: Any, stack_id: str, since: str | None) -> Iterator[Event]:
    """Return the events after one, newest first."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    for page in pages:
        for said in page["StackEvents"]:
            if said["EventId"] == since:
                return
            yield Event(
                event_id=said["EventId"],
                logical_id=said["LogicalResourceId"],
                kind=said["ResourceType"],
                status=said["ResourceStatus"],
                reason=said.get("ResourceStatusReason") or "",
            )
