"""Shows messages to whoever watches the server's terminal."""

from __future__ import annotations

import shlex
from io import UnsupportedOperation
from select import select
from typing import IO, TYPE_CHECKING, Any, Final

from rich import box
from rich.console import COLOR_SYSTEMS, Group
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from waypost.core.errors import NotifyFailed
from waypost.core.statuses import CONDITIONS, Status
from waypost.core.times import format_time
from waypost.ports import AlertKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console, RenderableType

    from waypost.ports import Message

_ROWS: Final = 10
"""A digest lists so many; its counts are of all."""
_WORDS: Final = {condition.value: condition.words for condition in CONDITIONS}
_SEVERITY: Final = {condition.value: rank for rank, condition in enumerate(CONDITIONS)}
_WORST: Final = frozenset({Status.LOST, Status.DAMAGED, Status.EXCEPTION})


class TerminalNotifier:
    """Prints each message as a panel of a few lines.

    What comes from senders is shown as plain text: markup means nothing in it, and characters
    that a terminal would obey, or that the terminal's encoding lacks, are replaced.

    Attributes:
        name: as `waypost.ports.Notifier.name`.
    """

    def __init__(self, console: Console, *, timeout: float = 5) -> None:
        """Print to a console.

        Args:
            console: where to.
            timeout: seconds to wait for room for one line, if the terminal is paused or a pipe is
                full.
        """
        self.name = "terminal"
        self._console = console
        self._timeout = timeout

    def send(self, message: Message) -> None:
        """Print a message; a failed one may have been printed in part.

        Raises:
            NotifyFailed: the terminal is gone, closed or paused; never permanent.
        """
        try:
            for segments in self._console.render_lines(self._panel(message), pad=False):
                self._write(self._styled(segments) + "\n")
        except (OSError, ValueError) as error:  # ValueError: the file is closed
            raise NotifyFailed(f"the terminal: {error}", permanent=False) from error

    def _styled(self, segments: Iterable[Segment]) -> str:
        colours = COLOR_SYSTEMS.get(self._console.color_system or "")
        styled = Segment.remove_color(segments) if self._console.no_color else segments
        return "".join(
            style.render(text, color_system=colours) if style else text for text, style, _ in styled
        )

    def _write(self, line: str) -> None:
        """Write to the file itself: rich would end the program over a broken pipe."""
        file = self._console.file
        _wait_for_room(file, self._timeout)
        file.write(line)
        file.flush()

    def _panel(self, message: Message) -> Panel:
        match message.kind:
            case AlertKind.INCIDENT if message.total == len(message.alerts) == 1:
                return self._incident(message, message.alerts[0])
            case AlertKind.INCIDENT:
                return self._digest(message)
            case AlertKind.REJECTED:
                return self._rejections(message)

    def _incident(self, message: Message, alert: Mapping[str, Any]) -> Panel:
        title = Text.assemble(
            self._condition(alert), "  ", (self._plain(alert["shipmentId"]), "bold")
        )
        facts = Table.grid(padding=(0, 2))
        for name, value in (
            ("what", _WORDS.get(alert["condition"])),
            ("where", alert["location"]),
            ("since", _short(alert["openedAt"])),
            ("over since", _short(alert["resolvedAt"])),
            ("carrier", alert["carrier"]),
            ("reason", alert["reasonCode"]),
            ("look", f"waypost track {shlex.quote(alert['shipmentId'])}"),
        ):
            if value is not None:
                facts.add_row(Text(name, "dim"), Text(self._plain(value)))
        return self._framed(message, title, facts, _colour(alert["condition"]))

    def _digest(self, message: Message) -> Panel:
        listed = message.alerts[:_ROWS]
        table = _table("condition", "shipment", "where", "since (UTC)", "carrier")
        for alert in listed:
            table.add_row(
                self._condition(alert),
                *self._cells(alert["shipmentId"], alert["location"]),
                *self._cells(alert["openedAt"][:16].replace("T", " "), alert["carrier"]),
            )
        counts = sorted(message.counts.items(), key=lambda item: _severity(item[0]))
        counted = ", ".join(f"{count:,} {self._plain(name)}" for name, count in counts)
        title = Text(f"{message.total:,} incidents: {counted}", "bold")
        more = message.total - len(listed)
        end = f"and {more:,} more: " if more else ""
        look = Text(f"{end}waypost incidents", "dim")
        return self._framed(message, title, Group(table, look), _colour(*message.counts))

    def _rejections(self, message: Message) -> Panel:
        table = _table("count", "first reason")
        worst = sorted(message.counts.items(), key=lambda item: (-item[1], item[0]))
        for reason, count in worst[:_ROWS]:
            table.add_row(*self._cells(f"{count:,}", reason))
        title = Text(f"{message.total:,} rejected", "bold")
        more = len(worst) - _ROWS
        end = f"and {more:,} more reasons: " if more > 0 else ""
        look = Text(f"{end}waypost rejected list", "dim")
        return self._framed(message, title, Group(table, look), "yellow")

    def _framed(self, message: Message, title: Text, content: RenderableType, colour: str) -> Panel:
        return Panel(
            content,
            title=title,
            title_align="left",
            subtitle=Text(_short(format_time(message.created_at)) or "", "dim"),
            subtitle_align="right",
            border_style=colour,
            box=box.ROUNDED,
            expand=False,
            padding=(0, 1),
        )

    def _condition(self, alert: Mapping[str, Any]) -> Text:
        condition = alert["condition"]
        return Text(self._plain(condition), f"bold {_colour(condition)}")

    def _cells(self, *values: str | None) -> Iterable[Text]:
        return (Text(self._plain(value or "")) for value in values)

    def _plain(self, text: str) -> str:
        """Return a text without what a terminal would obey or could not show."""
        printable = "".join(c if c.isprintable() else "?" for c in text)
        encoding = self._console.encoding
        return printable.encode(encoding, "replace").decode(encoding)


def _wait_for_room(file: IO[str], timeout: float) -> None:
    try:
        descriptor = file.fileno()
    except UnsupportedOperation:  # it is kept in memory, where there is always room
        return
    _, room, _ = select([], [descriptor], [], timeout)
    if not room:
        message = f"no room for a line in {timeout:g} s"
        raise TimeoutError(message)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:  # folded, not cut: what is shown of an id must find it
        table.add_column(heading, overflow="fold")
    return table


def _short(instant: str | None) -> str | None:
    """Return an RFC 3339 instant in UTC as a person reads it, to the second."""
    return None if instant is None else f"{instant[:10]} {instant[11:19]} UTC"


def _severity(condition: str) -> int:
    return _SEVERITY.get(condition, len(_SEVERITY))


def _colour(*conditions: str) -> str:
    return "red" if any(condition in _WORST for condition in conditions) else "yellow"
