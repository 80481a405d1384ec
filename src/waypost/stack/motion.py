"""What is under way on a stack: started, reported until it is over, and told if it failed."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from waypost.stack import progress, stacks
from waypost.stack.errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from waypost.stack.desk import Desk
    from waypost.stack.progress import Outcome
    from waypost.stack.stacks import Stack

HALF_BACK: Final = "UPDATE_ROLLBACK_FAILED"
"""What a stack is in whose update failed, and was not taken back either."""


class Motion:
    """Follows what CloudFormation does to stacks."""

    def __init__(self, client: Any, desk: Desk, pause: Callable[[float], object]) -> None:
        """Report to somebody.

        Args:
            client: of CloudFormation; its errors are raised as they are.
            desk: who sees what happens.
            pause: waits so many seconds.
        """
        self._client = client
        self._desk = desk
        self._pause = pause

    def run(self, stack_id: str, start: Callable[[], object], again: str) -> Outcome:
        """Start something, and report it until it is over.

        Args:
            stack_id: of the stack.
            start: makes the call.
            again: the options that name the stack on the command line, for hints.

        Raises:
            StackFailed: somebody pressed Ctrl-C, or it takes too long; it goes on all the same.
        """
        since = progress.newest(self._client, stack_id)
        with _left_running(again):
            start()
            return self._watch(stack_id, since)

    def attach(self, stack: Stack, again: str) -> Outcome:
        """Report what is under way, from its beginning until it is over.

        Raises:
            StackFailed: as `run`.
        """
        with _left_running(again):
            since = progress.before_latest(self._client, stack.stack_id)
            return self._watch(stack.stack_id, since)

    def delete(self, stack: Stack, again: str) -> None:
        """Delete a stack.

        Raises:
            StackFailed: it is not gone; the message says why.
        """
        start = partial(self._client.delete_stack, StackName=stack.stack_id)
        outcome = self.run(stack.stack_id, start, again)
        if outcome.status != "DELETE_COMPLETE":
            raise StackFailed(failure(outcome, again))

    def _watch(self, stack_id: str, since: str | None) -> Outcome:
        return progress.follow(self._client, stack_id, since, self._desk.event, self._pause)


@contextmanager
def _left_running(again: str) -> Iterator[None]:
    """Let Ctrl-C leave what was started to AWS.

    Raises:
        StackFailed: it was pressed.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise StackFailed(
            f"What has begun goes on on AWS. To see how: waypost stack status {again} --watch"
        ) from None


def failure(outcome: Outcome, again: str) -> str:
    """Return what failed first, how the stack is now, and the next step."""
    cause = outcome.cause
    first = ""
    if cause is not None:
        why = (cause.reason or cause.status).rstrip(".")
        first = f"First cause: {cause.logical_id} ({cause.kind}): {why}. "
    now = f"The stack is in {outcome.status}. "
    if outcome.status == "UPDATE_ROLLBACK_COMPLETE":
        return f"{first}{now}It is as it was before. Mend the cause and deploy again."
    if outcome.status in stacks.STUCK_AT_BIRTH or outcome.status == HALF_BACK:
        return f"{first}{now}Mend the cause and run `waypost stack deploy {again}`: it asks first."
    return f"{first}{now}See `waypost stack status {again}`."
