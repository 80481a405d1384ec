"""``waypost import`` and ``waypost export``: JSON Lines in and out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from waypost.cli import options, output
from waypost.cli.exits import ExitCode
from waypost.cli.hands import Tally, open_hands
from waypost.cli.home import Home
from waypost.cli.reading import reading
from waypost.core.entries import to_json
from waypost.core.errors import WaypostError
from waypost.core.incidents import incident_json, incidents, shipment_json

if TYPE_CHECKING:
    from waypost.operate import Operator

LINE_LIMIT: Final = 2 * 1024 * 1024
"""A line has at most so many bytes; a longer one is left out, and said."""
BATCH_LINES: Final = 1_000
BATCH_BYTES: Final = 3 * 1024 * 1024
"""So much is recorded at once at the most: it fits into one call of a server."""
_BOM: Final = b"\xef\xbb\xbf"


class What(StrEnum):
    """What can be exported."""

    UPDATES = "updates"
    SHIPMENTS = "shipments"
    INCIDENTS = "incidents"


def import_lines(
    file: Annotated[
        str, typer.Argument(metavar="FILE", show_default=False, help="JSON Lines; - reads stdin.")
    ],
    *,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Alert nobody of what these lines amount to.")
    ] = False,
    home: Home,
) -> None:
    """Import JSON Lines: exported entries, EventBridge events or bare details, mixed.

    What was recorded before is a duplicate, so an import can be repeated. Alerts wait until its
    end; a stack's for its alert window only. A bare detail must say when it occurred. What cannot
    be recorded is kept, see `waypost rejected`; then the exit code is 1.
    """
    total = Tally()
    with _opened(file) as (stream, size), open_hands(home) as hands, output.progress() as bar:
        task = bar.add_task("Importing", total=size)
        try:
            for batch in _batches(stream, total):
                total.add(hands.take(batch.lines, quiet=quiet))
                bar.update(task, advance=batch.size, description=f"Importing  {_sum(total)}")
        except WaypostError:
            output.note(f"At least {_sum(total)}. Repeat the import: what is there is a duplicate.")
            raise
    output.say(_sum(total))
    if total.rejected:
        output.note(
            f"What was rejected is kept, with the reasons: {home.again('waypost rejected list')}"
        )
        raise typer.Exit(ExitCode.NO)


def _sum(tally: Tally) -> str:
    return (
        f"{tally.appended:,} recorded, {tally.duplicates:,} duplicates, {tally.rejected:,} rejected"
    )


@contextmanager
def _opened(file: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """Lend a file, and its size if that is known."""
    if file == "-":
        yield sys.stdin.buffer, None
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 (closed below; only the opening may be wrong use)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="'FILE'") from None
    with stream:
        yield stream, Path(file).stat().st_size or None


@dataclass(slots=True)
class _Batch:
    """Lines that are recorded at once, and how many bytes of the file they took."""

    lines: list[str] = field(default_factory=list)
    size: int = 0


def _batches(stream: BinaryIO, tally: Tally) -> Iterator[_Batch]:
    """Yield the lines of a stream; what is too long to be read is counted as rejected."""
    batch, characters = _Batch(), 0
    for number, line in enumerate(_lines(stream), start=1):
        batch.size += len(line)
        # What is no UTF-8 is quarantined as it came, with the bytes written out.
        text = line.removeprefix(_BOM if number == 1 else b"").decode(errors="backslashreplace")
        size = len(text.encode())
        if len(line) > LINE_LIMIT or size > LINE_LIMIT:
            tally.rejected += 1
            output.warn(f"line {number} is longer than {LINE_LIMIT:,} bytes: left out")
            continue
        if len(batch.lines) == BATCH_LINES or characters + size > BATCH_BYTES:
            yield batch
            batch, characters = _Batch(), 0
        if text.strip():
            batch.lines.append(text.rstrip("\r\n"))
            characters += size
    yield batch


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines with their ends; of one that is too long, just more than the limit."""
    while line := stream.readline(LINE_LIMIT + 1):
        yield line
        while len(line) > LINE_LIMIT and not line.endswith(b"\n"):
            line = stream.readline(LINE_LIMIT + 1)


def export(
    what: Annotated[What, typer.Argument(metavar="WHAT", help="updates, shipments or incidents.")],
    *,
    as_of: Annotated[
        int | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            parser=options.read_instant,
            help="Of shipments and incidents: with STALLED and LATE as of then (RFC 3339).",
        ),
    ] = None,
    file: options.File = None,
    home: Home,
) -> None:
    """Export as JSON Lines.

    `updates` is the whole log by shipment, event time and event id: with acts, retractions and
    mappings, and with the record times; `import` reads it. `shipments` (by number) and `incidents`
    (by number, leg and condition) are derived from the log, and hold nothing that depends on when
    or in which order it came: equal updates give equal bytes.

    Of a stack, the whole table of updates is read, which says so; with more than a million
    shipments nothing is exported, and the exit code is 3.
    """
    if what is What.UPDATES and as_of is not None:
        raise typer.BadParameter("--as-of has no meaning for updates")
    with reading(home, whole=True) as operator, output.progress() as bar:
        lines = map(output.json_line, _exported(operator, what, as_of))
        if file is None:
            sys.stdout.buffer.writelines(lines)
            return
        _write(file, bar.track(lines, description=f"Exporting {what}"))


def _write(file: Path, lines: Iterable[bytes]) -> None:
    """Write a file: whole, or not at all."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as stream:
            stream.writelines(lines)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        message = f"{file} cannot be written: {error.strerror}"
        raise typer.BadParameter(message, param_hint="'--output'") from None


def _exported(operator: Operator, what: What, as_of: int | None) -> Iterable[object]:
    from waypost.operate import derive

    if what is What.UPDATES:
        return map(to_json, operator.store.entries())
    folded = derive(operator.store, operator.thresholds, as_of)
    if what is What.SHIPMENTS:
        return map(shipment_json, folded)
    return (incident_json(i) for shipment in folded for i in incidents(shipment))
