"""``waypost stack logs``, ``verify`` and ``redrive``: look after what runs on AWS."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from waypost.cli import aws, options, output
from waypost.cli.exits import ExitCode
from waypost.core.times import format_time

if TYPE_CHECKING:
    from waypost.stack.logs import Line

_PAUSE: Final = 2.0
"""Seconds between two looks at the logs."""
_FUNCTIONS: Final = ("processor", "notifier", "sweep")


def logs(
    place: aws.Place,
    *,
    function: Annotated[
        list[str] | None,
        typer.Option(
            "--function", metavar="NAME", help=f"Only of {', '.join(_FUNCTIONS)}; else of all."
        ),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From then on: 10m, 24h, or RFC 3339.")
    ] = "10m",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show what the functions write."""
    from waypost.clock import SystemClock
    from waypost.stack.logs import Tail

    wanted = function or list(_FUNCTIONS)
    if unknown := sorted({*wanted} - {*_FUNCTIONS}):
        raise typer.BadParameter(
            f"{unknown[0]!r} is none of {', '.join(_FUNCTIONS)}", param_hint="--function"
        )
    start = options.read_since(since, SystemClock().now())
    with place.connected() as connection:
        tail = Tail(
            connection.client("logs"), [f"shipment-{one}-{place.env}" for one in wanted], start
        )
        _print(tail.read(), as_json=as_json)
        while follow:
            time.sleep(_PAUSE)
            _print(tail.read(), as_json=as_json)


def _print(lines: Iterable[Line], *, as_json: bool) -> None:
    screen = output.console()
    for line in lines:
        if as_json:
            output.emit(
                {"time": format_time(line.time), "function": line.function, "message": line.text}
            )
        else:
            head = Text(f"{format_time(line.time)[11:23]} {line.function} ", "dim")
            screen.print(head + output.cell(line.text), soft_wrap=True)


def verify(
    place: aws.Place,
    *,
    as_json: options.Json = False,
) -> None:
    """Compare the code that runs on AWS with this version's. Exit code 1 if it differs."""
    from waypost.stack.verify import verify as compare

    with place.connected() as connection:
        verdicts = compare(connection.client("lambda"), place.env)
    for verdict in verdicts:
        if as_json:
            output.emit({"function": verdict.function, "differences": verdict.differences})
        elif verdict.differences:
            output.warn(f"{verdict.function}:", *(f"  {line}" for line in verdict.differences))
        else:
            output.say(f"{verdict.function}: the same")
    if any(verdict.differences for verdict in verdicts):
        raise typer.Exit(ExitCode.NO)


def redrive(
    queue: Annotated[
        str,
        typer.Argument(
            metavar="QUEUE", help="Such as shipment-updates-dlq; `stack status` lists them."
        ),
    ],
    place: aws.Place,
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="At most so many messages.")
    ] = 10_000,
    as_json: options.Json = False,
) -> None:
    """Send on what a dead-letter queue holds, each message deleted once AWS has taken it.

    Do so when the cause is gone. Exit code 1 if messages stay that cannot be sent on.
    """
    from waypost.stack.redrive import QUEUES, Redriver

    name = queue.removesuffix(f"-{place.env}")
    if name not in QUEUES:
        raise typer.BadParameter(f"must be one of {', '.join(QUEUES)}", param_hint="QUEUE")
    with place.connected() as connection:
        result = Redriver(connection.client, place.env).redrive(name, limit)
    if as_json:
        output.emit({"queue": f"{name}-{place.env}", "sent": result.sent, "left": result.left})
    else:
        output.say(f"{result.sent} sent on")
        output.warn(*(f"{count} stay: {why}" for why, count in result.left.items()))
    if result.left:
        raise typer.Exit(ExitCode.NO)
