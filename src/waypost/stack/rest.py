"""Brings a stack to rest, so that it can be changed: what holds it up is asked about first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from waypost.stack import stacks
from waypost.stack.errors import StackFailed
from waypost.stack.motion import HALF_BACK, failure
from waypost.stack.protection import refuse_to_lose

if TYPE_CHECKING:
    from waypost.stack.desk import Desk
    from waypost.stack.motion import Motion
    from waypost.stack.stacks import Stack

_STEPS: Final = 5
"""So many things may hold up one deployment, one after the other."""


class Rest:
    """Finds stacks that can be changed, or makes them so."""

    def __init__(self, client: Any, desk: Desk, motion: Motion) -> None:
        """Work for somebody.

        Args:
            client: of CloudFormation; its errors are raised as they are.
            desk: who is asked.
            motion: of the same client and desk.
        """
        self._client = client
        self._desk = desk
        self._motion = motion

    def find(self, name: str, again: str) -> Stack | None:
        """Return a stack when it can be changed; None when it is to be made.

        Args:
            name: of the stack.
            again: the options that name it on the command line, for hints.

        Raises:
            StackFailed: it cannot be changed, or that was not wanted; the message says why.
        """
        for _ in range(_STEPS):
            stack = stacks.find(self._client, name)
            if stack is None or stack.is_empty or stack.status in stacks.STANDING:
                return stack
            self._clear(stack, again)
        raise StackFailed(f"{name} does not come to rest; look at it in the console")

    def _clear(self, stack: Stack, again: str) -> None:
        """Get one thing out of the way, if it is wanted."""
        if stack.is_moving:
            self._agree(
                f"{stack.status} is under way. Wait for it?",
                f"Try again when it is over. To see how it goes: waypost stack status {again} "
                "--watch",
            )
            self._motion.attach(stack, again)
        elif stack.status == HALF_BACK:
            self._roll_back(stack, again)
        elif stack.status in stacks.STUCK_AT_BIRTH:
            self._delete(stack, again)
        else:
            raise StackFailed(
                f"The stack is in {stack.status}. First: aws cloudformation rollback-stack "
                f"--stack-name {stack.name}"
            )

    def _delete(self, stack: Stack, again: str) -> None:
        tables = stacks.resources(self._client, stack.stack_id).get("AWS::DynamoDB::Table", [])
        way_out = "Back it up before you delete the stack yourself."
        refuse_to_lose(self._client, stack, tables, way_out)
        self._agree(
            f"{stack.status}: such a stack can only be deleted. Its tables stay, if it has "
            "any. Delete it, and make it anew?",
            "Nothing was changed.",
        )
        self._motion.delete(stack, again)

    def _roll_back(self, stack: Stack, again: str) -> None:
        self._agree(
            "UPDATE_ROLLBACK_FAILED: an update failed, and taking it back did too "
            f"({stack.reason or 'AWS does not say why'}). Is the cause gone, and shall it be "
            "tried again?",
            f"See the cause: waypost stack status {again}",
        )
        go_on = partial(self._client.continue_update_rollback, StackName=stack.stack_id)
        outcome = self._motion.run(stack.stack_id, go_on, again)
        if outcome.status not in stacks.STANDING:
            raise StackFailed(
                f"{failure(outcome, again)} If it cannot be mended: aws cloudformation "
                f"continue-update-rollback --stack-name {stack.name} --resources-to-skip "
                f"{outcome.cause.logical_id if outcome.cause else 'ID'}"
            )

    def _agree(self, question: str, else_: str) -> None:
        if not self._desk.ask(question):
            raise StackFailed(else_)
