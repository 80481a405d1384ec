"""``waypost stack deploy`` and ``destroy``: make, change and delete what runs on AWS."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from waypost.cli import aws, options, output
from waypost.cli.exits import ExitCode
from waypost.cli.stack_backfill import fill_in, tell_of

if TYPE_CHECKING:
    from waypost.stack.backfill import Backfilled
    from waypost.stack.connection import Connection
    from waypost.stack.deploy import Deployed
    from waypost.stack.rows import Count

_NEVER_SET: Final = ("EnvironmentSuffix", "AlertEmail")
"""What has an option of its own."""


def pairs(texts: list[str], option: str) -> dict[str, str]:
    """Read what was given as NAME=VALUE, each to an option of this name."""
    found_pairs: dict[str, str] = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found or not name:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
        found_pairs[name] = value
    return found_pairs


def _parameters(texts: list[str]) -> dict[str, str]:
    from waypost.stack.changes import PARAMETERS

    allowed = [name for name in PARAMETERS if name not in _NEVER_SET]
    wanted = pairs(texts, "--parameter")
    for name in wanted:
        if name not in allowed:
            raise typer.BadParameter(
                f"{name!r} is none of {', '.join(allowed)}", param_hint="--parameter"
            )
    return wanted


def deploy(
    target: aws.AnyTarget,
    *,
    alert_email: Annotated[
        str | None,
        typer.Option(
            "--alert-email", metavar="ADDRESS", help="Who gets alerts and alarms; '' for nobody."
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="Another of the template's."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Of the whole stack.")
    ] = None,
    bucket: Annotated[
        str | None,
        typer.Option(
            "--bucket",
            parser=aws.read_bucket,
            metavar="NAME",
            help="For the functions' code; else waypost-ACCOUNT-REGION, which is made if need be.",
        ),
    ] = None,
    yes: aws.Yes = False,
    execute: Annotated[
        bool,
        typer.Option("--execute/--no-execute", help="Make the changes, or leave a change set."),
    ] = True,
    drift: Annotated[
        bool | None,
        typer.Option(
            "--drift/--no-drift",
            help="Look for changes by hand first, for two minutes at the most; else only where a "
            "stack of the first version is updated.",
            show_default=False,
        ),
    ] = None,
    backfill: Annotated[
        bool,
        typer.Option(
            "--backfill/--no-backfill",
            help="Make the state of the rows that a stack of the first version has.",
        ),
    ] = True,
    as_json: options.Json = False,
) -> None:
    """Make the stack, or bring it to this version.

    All that stands in the way is said at once, each with its way out. What would change is shown
    then, and asked about; what replaces or removes a table is refused. Parameters and tags that you
    do not name stay as they are. Ctrl-C stops the watching, not the change. Exit code 1 if the
    stack is not as you wanted it.

    A stack of the first version keeps its rows. In the end they are counted again, and their state
    is made, as `stack backfill` does.
    """
    from waypost.clock import SystemClock
    from waypost.core.times import format_time
    from waypost.stack.deploy import Deployer, Plan

    clock = SystemClock()
    email = {} if alert_email is None else {"AlertEmail": alert_email}
    plan = Plan(
        stack=target.stack,
        parameters={"EnvironmentSuffix": target.env, **email, **_parameters(parameter or [])},
        tags=pairs(tag or [], "--tag"),
        bucket=bucket,
        execute=execute,
        again=target.again,
        change_set=f"waypost-{clock.new_id()}",
        drift=drift,
        today=date.fromisoformat(format_time(clock.now())[:10]),
    )
    with target.connected() as connection:
        done = Deployer(connection.client, aws.Screen(yes=yes), time.sleep).deploy(plan)
        brought = _bring_rows(done, connection, target, backfill=backfill)
        if as_json:
            output.emit(_json(done, brought))
        else:
            _tell(done, connection, target)
            _tell_of_rows(done, brought, target)
    if done.ended in {"declined", "refused"}:
        raise typer.Exit(ExitCode.NO)


@dataclass(frozen=True, slots=True)
class _Brought:
    """What became of the rows of a stack of the first version that was updated."""

    after: Count
    filled: Backfilled | None


def _bring_rows(
    done: Deployed, connection: Connection, target: aws.Target, *, backfill: bool
) -> _Brought | None:
    from waypost.stack.rows import count

    if done.rows_before is None or done.stack is None or done.ended != "deployed":
        return None
    filled = fill_in(connection, target) if backfill else None
    table = done.stack.outputs["DynamoDBTableName"]
    return _Brought(count(connection.client("dynamodb"), table), filled)


def _tell_of_rows(done: Deployed, brought: _Brought | None, target: aws.Target) -> None:
    if brought is None:
        return
    output.say(f"Rows in the log: {done.rows_before} before, {brought.after} now.")
    if brought.filled is None:
        output.note(f"Their state is not made yet: waypost stack backfill {target.again}")
    else:
        tell_of(brought.filled, target)


def _json(done: Deployed, brought: _Brought | None) -> dict[str, Any]:
    stack = done.stack
    return {
        "result": done.ended,
        "stackId": stack.stack_id if stack else None,
        "status": stack.status if stack else None,
        "outputs": dict(stack.outputs) if stack else {},
        "changeSetId": done.change_set_id,
        "rowsBefore": done.rows_before.rows if done.rows_before else None,
        "rowsAfter": brought.after.rows if brought else None,
        "backfilled": brought.filled.sent if brought and brought.filled else None,
        "findings": [
            {"what": one.what, "wayOut": one.way_out, "blocks": one.blocks} for one in done.findings
        ],
        "changes": [
            {
                "action": change.action,
                "logicalId": change.logical_id,
                "physicalId": change.physical_id or None,
                "type": change.kind,
                "replacement": change.replacement or None,
            }
            for change in done.changes
        ],
    }


def _tell(done: Deployed, connection: Connection, target: aws.Target) -> None:
    if done.ended in {"declined", "refused"}:
        output.say("Nothing was changed.")
    elif done.change_set_id is not None:
        output.say(
            "Nothing was changed. To do it: aws cloudformation execute-change-set "
            f"--change-set-name {done.change_set_id}"
        )
    elif done.stack is not None:
        output.say("Deployed." if done.ended == "deployed" else "There is nothing to change.")
        table = output.table("output", "")
        for name, value in sorted(done.stack.outputs.items()):
            table.add_row(output.cell(name, "dim"), output.cell(value.strip()))
        output.show(table, "")
        _tell_next(connection, target, done.stack.parameters.get("AlertEmail", ""))


def _tell_next(connection: Connection, target: aws.Target, email: str) -> None:
    from waypost.stack.status import unconfirmed

    pending = unconfirmed(connection.client, target.stack)
    if not email:
        output.note("Nobody is told of alerts: deploy again with --alert-email ADDRESS.")
    elif pending:
        output.say(
            f"Now confirm: AWS has sent {len(pending)} mails to {email} (for {', '.join(pending)}). "
            "Until then no alert arrives."
        )
    output.note(f"To see how it is: waypost stack status {target.again}")


def destroy(
    target: aws.Target,
    *,
    yes: aws.Yes = False,
    as_json: options.Json = False,
) -> None:
    """Delete the stack. Its tables stay, with all that was recorded; what waits in queues goes."""
    from waypost.stack.deploy import Deployer

    with target.connected() as connection:
        deployer = Deployer(connection.client, aws.Screen(yes=yes), time.sleep)
        kept = deployer.destroy(target.stack, target.again)
    if as_json:
        output.emit({"destroyed": kept is not None, "kept": kept or ()})
    elif kept is None:
        output.say("Nothing was changed.")
    else:
        output.say(f"Destroyed. These tables stay: {', '.join(kept) or 'none'}.")
    if kept is None:
        raise typer.Exit(ExitCode.NO)
