"""``waypost stack deploy`` and ``destroy``: make, change and delete what runs on AWS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from waypost.cli import aws, options, output
from waypost.cli.exits import ExitCode

if TYPE_CHECKING:
    from waypost.stack.connection import Connection
    from waypost.stack.deploy import Deployed

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
    target: aws.Target,
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
    as_json: options.Json = False,
) -> None:
    """Make the stack, or bring it to this version.

    What would change is shown first, and asked about; what replaces or removes a table is
    refused. Parameters and tags that you do not name stay as they are. Ctrl-C stops the watching,
    not the change. Exit code 1 if the stack is not as you wanted it.
    """
    from waypost.clock import SystemClock
    from waypost.stack.deploy import Deployer, Plan

    email = {} if alert_email is None else {"AlertEmail": alert_email}
    plan = Plan(
        stack=target.stack,
        parameters={"EnvironmentSuffix": target.env, **email, **_parameters(parameter or [])},
        tags=pairs(tag or [], "--tag"),
        bucket=bucket,
        execute=execute,
        again=target.again,
        change_set=f"waypost-{SystemClock().new_id()}",
    )
    with target.connected() as connection:
        done = Deployer(connection.client, aws.Screen(yes=yes), time.sleep).deploy(plan)
        if as_json:
            output.emit(_json(done))
        else:
            _tell(done, connection, target)
    if done.ended == "declined":
        raise typer.Exit(ExitCode.NO)


def _json(done: Deployed) -> dict[str, Any]:
    stack = done.stack
    return {
        "result": done.ended,
        "stackId": stack.stack_id if stack else None,
        "status": stack.status if stack else None,
        "outputs": dict(stack.outputs) if stack else {},
        "changeSetId": done.change_set_id,
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
    if done.ended == "declined":
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
