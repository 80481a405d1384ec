"""Eyes and hands on the tables of a stack on AWS, with the rights of whoever runs the command."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from waypost.cli import output
from waypost.cli.direct import StoreHands
from waypost.cli.exits import CallRefused
from waypost.cli.hands import Rederived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.cli.aws import Target
    from waypost.cli.hands import Watch
    from waypost.operate import Operator
    from waypost.stack.connection import Connection
    from waypost.stack.operated import Operated
    from waypost.stores.dynamodb import DynamoStore

_BATCH: Final = 500
"""So many shipments are sent to the re-fold queue between two looks at the progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A stack that is open to an operator."""

    target: Target
    connection: Connection
    parts: Operated
    store: DynamoStore
    operator: Operator

    @staticmethod
    def say_scan(table: str) -> None:
        """Say that a whole table is about to be read, for AWS charges for that."""
        output.note(f"This reads the whole table {table}.")


@contextmanager
def opened(target: Target) -> Iterator[Opened]:
    """Open a stack; errors of AWS within become ours.

    Raises:
        InvalidSettings: there is no Region, no credentials, no such profile.
        StoreUnusable: there is no such stack, or not all of it.
        AwsFailed: AWS was not reached, or refused.
    """
    with target.connected() as connection:
        yield open_on(connection, target)


def open_on(connection: Connection, target: Target) -> Opened:
    """Open a stack on a connection that is there.

    Raises:
        StoreUnusable: there is no such stack, or not all of it.
    """
    from waypost.bootstrap import open_tables, operate
    from waypost.stack.operated import look_up

    client = connection.client("cloudformation")
    parts = look_up(client, target.stack, target.env, target.again)
    store = open_tables(
        connection.client("dynamodb"),
        logs=parts.logs,
        state=parts.state,
        rejected=parts.rejected,
    )
    return Opened(
        target=target,
        connection=connection,
        parts=parts,
        store=store,
        operator=operate(store, parts.thresholds),
    )


class StackHands(StoreHands):
    """Implements `waypost.cli.hands.Hands`: they append, and the stack's functions follow."""

    def __init__(self, stack: Opened) -> None:
        """Work on a stack that stays open as long as they are in use."""
        super().__init__(stack.operator)
        self._stack = stack

    def resend(self, message_id: str) -> int:  # noqa: ARG002 (SNS keeps what it could not deliver, not we)
        raise CallRefused(
            "what AWS could not deliver waits in a queue: send it again with "
            f"`waypost stack redrive logistics-alerts-dlq {self._stack.target.again}`"
        )

    def rederive(self, watch: Watch) -> Rederived:
        from waypost.aws_lambda.refolds import RefoldQueue

        self._stack.say_scan(self._stack.parts.logs)
        queue = RefoldQueue(lambda: self._stack.connection.client("sqs"), self._stack.parts.refolds)
        sent = 0
        ids = self._stack.store.shipment_ids()
        while batch := list(islice(ids, _BATCH)):
            queue.add(batch)
            sent += len(batch)
            watch(sent, None)
        return Rederived(shipments=sent, failed=None)

    def close(self) -> None:
        """Say that what was appended is not followed yet."""
        if self.appended:
            output.note(
                f"`track` knows it now; the lists do when the stack has followed it, after its "
                f"alert window of {self._stack.parts.window} s."
            )
