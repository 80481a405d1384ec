"""``waypost stack backfill``: what has no state yet gets one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waypost.cli import aws, options, output
from waypost.core.errors import StoreUnavailable, StoreUnusable

if TYPE_CHECKING:
    from waypost.cli.on_stack import Opened
    from waypost.stack.backfill import Backfilled
    from waypost.stack.connection import Connection


def backfill(target: aws.Target, *, as_json: options.Json = False) -> None:
    """Make the state of all shipments that have rows and no state, as after an upgrade.

    It reads the whole log, and sends what lacks a state to the re-fold queue: the notifier folds it
    in its own time. Stopped, it can be run again, and is done when nothing lacks a state. Rows of
    the first version alert nobody.
    """
    with target.connected() as connection:
        filled = fill_in(connection, target)
    if as_json:
        output.emit({"shipments": filled.shipments, "sent": filled.sent})
    else:
        tell_of(filled, target)


def fill_in(connection: Connection, target: aws.Target) -> Backfilled:
    """Have folded what has no state yet, and say how far it is.

    Raises:
        AwsFailed: it is not done; the message says how to go on.
    """
    from waypost.cli.on_stack import open_on
    from waypost.stack.connection import aws_errors
    from waypost.stack.errors import AwsFailed

    unfinished = "The stack is there, but not all of its log has a state yet"
    go_on = f"To go on: waypost stack backfill {target.again}"
    try:
        with aws_errors():
            return _fill(open_on(connection, target))
    except (AwsFailed, StoreUnavailable, StoreUnusable) as error:
        raise AwsFailed(f"{unfinished}: {error}. {go_on}") from error
    except KeyboardInterrupt:
        output.warn(f"{unfinished}. {go_on}")
        raise


def tell_of(filled: Backfilled, target: aws.Target) -> None:
    """Say what was sent, and how to see that it is done."""
    if filled.sent == 0:
        output.say(f"All {filled.shipments:,} shipments have their state.")
        return
    output.say(
        f"{filled.sent:,} of {filled.shipments:,} shipments had no state: they are in the re-fold "
        "queue, and the notifier folds them."
    )
    output.note(f"To see whether it is done: waypost stack backfill {target.again}")


def _fill(stack: Opened) -> Backfilled:
    from waypost.aws_lambda.refolds import RefoldQueue
    from waypost.stack.backfill import backfill

    stack.say_scan(stack.parts.logs)
    queue = RefoldQueue(lambda: stack.connection.client("sqs"), stack.parts.refolds)
    with output.progress() as bar:
        task = bar.add_task("Back-filling", total=None)
        return backfill(
            stack.store,
            queue,
            lambda at: bar.update(
                task, description=f"Back-filling  {at.shipments:,} seen, {at.sent:,} sent"
            ),
        )
