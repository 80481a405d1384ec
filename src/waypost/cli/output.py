"""What is printed: JSON for programs, tables and plain words for people.

What senders wrote is shown as it is or with ``?`` in place of what a terminal would obey: markup
means nothing in it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any, Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from waypost.core.statuses import Kind, Status

ROWS: Final = 100
"""A table has at most so many rows, unless told otherwise."""
PAGE: Final = 500
"""Rows read from the store at once."""

_PIPE_WIDTH: Final = 200
_CONTROLS: Final = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
_SHORT: Final = frozenset({"status", "condition", "incident", "wrong", "state", "leg", "alert"})
_LONG_ID: Final = 40
_WORST: Final = frozenset({Status.LOST, Status.DAMAGED, Status.EXCEPTION})


class _Console(Console):
    """A console whose broken pipe is the caller's to handle."""

    def on_broken_pipe(self) -> None:
        """Raise the error on."""
        raise  # noqa: PLE0704 (rich calls this within its `except BrokenPipeError`)


def console(*, stderr: bool = False) -> Console:
    """Return a console on stdout or stderr in which text is text: no markup, no guessed colours.

    Where that is no terminal, lines are broken late.
    """
    made = _Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = _PIPE_WIDTH
    return made


def json_line(value: object) -> bytes:
    """Return a value as one line of compact JSON in UTF-8, without control characters."""
    line = orjson.dumps(value)
    if not line.isascii() or b"\x7f" in line:
        line = _CONTROLS.sub(_escape, line)
    return line + b"\n"


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


def emit(value: object) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.buffer.write(json_line(value))


def say(text: str) -> None:
    """Print a line for a person, as the command's answer."""
    console().print(Text(plain(text)), soft_wrap=True)


def note(text: str) -> None:
    """Print a line for a person beside the answer."""
    console(stderr=True).print(Text(plain(text), "dim"), soft_wrap=True)


def warn(*lines: str) -> None:
    """Print lines that say what went wrong."""
    screen = console(stderr=True)
    for line in lines:
        screen.print(Text(plain(line), "red"), soft_wrap=True)


def plain(text: str) -> str:
    """Return a text without what a terminal would obey or its encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable.encode(encoding, "replace").decode(encoding)


def cell(value: object, style: str = "") -> Text:
    """Return a value as the text of a table's cell; None is empty."""
    return Text("" if value is None else plain(str(value)), style)


def condition(value: str | None) -> Text:
    """Return a condition or a status in its colour; plain if only a newer version knows it."""
    if value is None or value not in Status.__members__:
        return Text(value or "")
    status = Status[value]
    if status.kind not in {Kind.CONDITION, Kind.DERIVED}:
        return Text(value, "green" if status is Status.DELIVERED else "")
    return Text(value, "bold red" if status in _WORST else "yellow")


def when(instant: str | None) -> str | None:
    """Return an RFC 3339 instant in UTC as a person reads it, to the minute."""
    return None if instant is None else f"{instant[:10]} {instant[11:16]}"


def place(location: str | dict[str, Any] | None) -> str | None:
    """Return a location's JSON in words."""
    if not isinstance(location, dict):
        return location
    words = [location.get("name") or location.get("unlocode"), location.get("country")]
    return ", ".join(word for word in words if word) or "a place without a name"


def table(*headings: str, ids: Iterable[str] = ()) -> Table:
    """Return an empty table. Cells are folded, not cut: what is shown of an id must find it.

    Args:
        headings: of its columns. Times and words of our own stay on one line each.
        ids: what the column ``shipment`` will show: on one line too if none is very long.
    """
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    whole = _SHORT if max(map(len, ids), default=0) > _LONG_ID else _SHORT | {"shipment"}
    for heading in headings:
        short = heading.endswith("(UTC)") or heading in whole
        made.add_column(heading, overflow="fold", no_wrap=short)
    return made


def show(filled: Table, nothing: str) -> None:
    """Print a table, or what to say if it has no rows."""
    if filled.row_count:
        console().print(filled)
    else:
        note(nothing)


def progress() -> Progress:
    """Return a progress bar on stderr, which shows itself only if that is a terminal."""
    screen = console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )


def emit_all(values: Iterable[object]) -> None:
    """Print each value as one line of JSON."""
    for value in values:
        emit(value)
