"""Options and arguments that several commands have, and how their texts are read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from waypost.core.statuses import CONDITIONS, Kind, Status
from waypost.core.times import DAY, HOUR, SECOND, parse_time
from waypost.core.updates import ID_LIMIT

if TYPE_CHECKING:
    from waypost.settings import Settings

_AGO: Final = re.compile(r"([0-9]{1,6})([mhd])")
_UNITS: Final = {"m": 60 * SECOND, "h": HOUR, "d": DAY}
_PROGRESS: Final = tuple(s for s in Status if s.kind in {Kind.PROGRESS, Kind.TERMINAL})
MEANINGS: Final = tuple(s for s in Status if s.kind is not Kind.DERIVED)
"""What a code may be mapped to; UNKNOWN takes a mapping back."""


def _one_of(text: str, allowed: tuple[Status, ...]) -> Status:
    for status in allowed:
        if status.value == text.strip().upper():
            return status
    raise typer.BadParameter(f"must be one of {', '.join(allowed)}")


def read_condition(text: str) -> Status:
    """Read a condition, without case."""
    return _one_of(text, CONDITIONS)


def read_progress(text: str) -> Status:
    """Read a status that says how far a shipment has come, without case."""
    return _one_of(text, _PROGRESS)


def read_meaning(text: str) -> Status:
    """Read a status that a code may mean, without case."""
    return _one_of(text, MEANINGS)


def read_instant(text: str) -> int:
    """Read an RFC 3339 instant, in epoch ms."""
    try:
        return parse_time(text)[0]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def read_since(text: str, now: int) -> int:
    """Read an RFC 3339 instant, or how long before ``now`` it is (``30m``, ``24h``, ``7d``)."""
    ago = _AGO.fullmatch(text)
    if ago is None:
        try:
            return parse_time(text)[0]
        except ValueError as error:
            message = f"{error}, or a span such as 30m, 24h or 7d"
            raise typer.BadParameter(message, param_hint="'--since'") from None
    return now - int(ago[1]) * _UNITS[ago[2]]


def read_shipment(text: str) -> str:
    """Read a shipment's number."""
    if 0 < len(text) <= ID_LIMIT and text.isprintable() and not text.isspace():
        return text
    raise typer.BadParameter(f"must have 1 to {ID_LIMIT} printable characters")


Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="The data folder; else WAYPOST_DATA, else waypost-data.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        metavar="N",
        help="At most so many. A table has 100 if it is not given, JSON has all.",
        show_default=False,
    ),
]
Carrier = Annotated[
    str | None, typer.Option("--carrier", metavar="NAME", help="Its carrier, without case.")
]
Condition = Annotated[
    Status | None,
    typer.Option(
        "--condition", parser=read_condition, metavar="CONDITION", help="This is wrong with it."
    ),
]
Shipment = Annotated[
    str, typer.Argument(metavar="SHIPMENT", parser=read_shipment, help="The shipment's number.")
]
OfShipment = Annotated[
    str | None,
    typer.Option("--shipment", metavar="SHIPMENT", parser=read_shipment, help="Of this shipment."),
]
File = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to this file.")]


def settings(data: str | None, **overrides: str | None) -> Settings:
    """Read the settings from the environment and the options of a command.

    Args:
        data: the option ``--data``.
        overrides: further options, by the name of their setting.

    Raises:
        InvalidSettings: with everything that is wrong.
    """
    from waypost.settings import Settings as Record

    return Record.read(os.environ, {"WAYPOST_DATA": data, **overrides})
