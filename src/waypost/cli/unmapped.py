"""``waypost unmapped``: carriers' codes that mean nothing to us yet."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from waypost.cli import options, output
from waypost.cli.commands import command, group
from waypost.cli.hands import open_hands
from waypost.cli.home import Home
from waypost.cli.reading import reading
from waypost.cli.updates import tell
from waypost.core.statuses import Status

app = group("Carriers' codes that nobody has mapped to a status. Alone it lists.")

_RESULT: Final = {"appended": "mapped: every shipment that has it is derived anew"}


@command(app, "waypost unmapped", "waypost unmapped --json", name="list")
def list_unmapped(
    *,
    limit: options.Limit = None,
    as_json: options.Json = False,
    home: Home,
) -> None:
    """List unmapped codes, the most frequent first: the default of `waypost unmapped`."""
    with reading(home) as operator:
        rows = operator.store.unmapped()
    if as_json:
        output.emit_all(rows[:limit])
        return
    shown = rows[: limit or output.ROWS]
    table = output.table("code", "carrier", "updates", "shipments", "last (UTC)", "for example")
    for row in shown:
        table.add_row(
            output.cell(row["code"], "bold"),
            output.cell(row["carrier"]),
            output.cell(row["count"]),
            output.cell(row["shipments"]),
            output.cell(output.when(row["lastEventTime"])),
            output.cell(row["shipmentId"]),
        )
    output.show(table, "Every code is mapped.")
    if len(rows) > len(shown):
        output.note(f"There are {len(rows) - len(shown)} more: raise --limit.")


@command(
    app,
    "waypost unmapped map OD OUT_FOR_DELIVERY --carrier FedEx",
    "waypost unmapped map OD UNKNOWN --carrier FedEx",
    name="map",
)
def map_code(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code, or the carrier's word.")],
    status: Annotated[
        Status,
        typer.Argument(
            metavar="STATUS",
            parser=options.read_meaning,
            show_choices=False,
            help="What it means: any status that can be sent; UNKNOWN takes a mapping back.",
        ),
    ],
    carrier: Annotated[
        str | None,
        typer.Option(
            "--carrier", metavar="NAME", help="Whose code; without it, of updates without carrier."
        ),
    ] = None,
    *,
    home: Home,
) -> None:
    """Say what a carrier's code means, from the first update on."""
    with open_hands(home) as hands:
        result = hands.map_code(carrier, code, status)
    tell(result, _RESULT)
