"""``waypost put`` and ``waypost retract``: saying something, and taking it back."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from waypost.cli import options, output
from waypost.cli.exits import ExitCode
from waypost.cli.hands import Said, open_hands
from waypost.cli.home import Home
from waypost.core.errors import InvalidUpdate
from waypost.core.fields import decode

DETAIL_LIMIT: Final = 1024 * 1024
"""A detail has at most so many characters."""


def _text(option: str, help_text: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(option, metavar="TEXT", help=help_text)
    return info


def put(
    *,
    shipment: Annotated[str | None, _text("--shipment", "The shipment's number.")] = None,
    status: Annotated[str | None, _text("--status", "What happened to it.")] = None,
    event_id: Annotated[
        str | None,
        _text("--event-id", "Your id of this event: the same id and time again is a duplicate."),
    ] = None,
    occurred_at: Annotated[
        str | None,
        _text("--occurred-at", "When it happened, RFC 3339 with an offset; else now."),
    ] = None,
    location: Annotated[str | None, _text("--location", "Where.")] = None,
    carrier: Annotated[str | None, _text("--carrier", "Who carries it.")] = None,
    eta: Annotated[str | None, _text("--eta", "When it should arrive, RFC 3339.")] = None,
    status_code: Annotated[str | None, _text("--status-code", "The carrier's own code.")] = None,
    reason_code: Annotated[
        str | None, _text("--reason-code", "The carrier's code for why.")
    ] = None,
    description: Annotated[str | None, _text("--description", "Further words.")] = None,
    detail: Annotated[
        str | None,
        typer.Option(
            "--detail",
            metavar="JSON",
            help="The whole detail as a JSON object in place of the above; - reads it from stdin.",
        ),
    ] = None,
    home: Home,
) -> None:
    """Record one update.

    It goes through the running server if there is one, else straight to the file; with --stack,
    straight into the stack's table. Exit code 1 says that it was rejected; what was rejected is
    kept, see `waypost rejected`.
    """
    members = {
        "shipmentId": shipment,
        "status": status,
        "eventId": event_id,
        "occurredAt": occurred_at,
        "location": location,
        "carrier": carrier,
        "eta": eta,
        "statusCode": status_code,
        "reasonCode": reason_code,
        "description": description,
    }
    said = _detail({k: v for k, v in members.items() if v is not None}, detail)
    with open_hands(home) as hands:
        result = hands.put(said)
    tell(result, {"appended": "recorded", "duplicate": "a duplicate: it was recorded before"})


def _detail(members: dict[str, str], detail: str | None) -> object:
    if detail is None:
        missing = [o for n, o in _REQUIRED.items() if n not in members]
        if missing:
            raise typer.BadParameter(f"{' and '.join(missing)} must be given, or --detail")
        return members
    if members:
        raise typer.BadParameter("--detail stands alone: it has all members in it")
    text = sys.stdin.read(DETAIL_LIMIT + 1) if detail == "-" else detail
    if len(text) > DETAIL_LIMIT:
        raise typer.BadParameter(f"--detail has more than {DETAIL_LIMIT} characters")
    try:
        return decode(text)
    except InvalidUpdate as error:
        raise typer.BadParameter(f"--detail {error}") from None


_REQUIRED: Final = {"shipmentId": "--shipment", "status": "--status"}


def tell(result: Said, words: dict[str, str]) -> None:
    """Print what became of something; end with exit code 1 if it was rejected.

    Args:
        result: what became of it.
        words: how to say each outcome but rejected.
    """
    if not result.is_rejected:
        output.say(words.get(result.outcome, result.outcome))
        return
    output.warn(
        f"rejected, and kept as {result.rejection_id}:",
        *(f"  {problem}" for problem in result.problems),
    )
    raise typer.Exit(ExitCode.NO)


def retract(
    shipment: options.Shipment,
    event_id: Annotated[
        str, typer.Argument(metavar="EVENT_ID", help="Of the update, as `track` shows it.")
    ],
    reason: Annotated[str | None, _text("--reason", "Why; kept with it.")] = None,
    *,
    home: Home,
) -> None:
    """Take back an update, for good.

    It stays in the log and no longer counts: what it opened or closed is derived anew.
    """
    with open_hands(home) as hands:
        result = hands.retract(shipment, event_id, reason)
    tell(result, {"appended": "retracted", "duplicate": "it was retracted before"})
