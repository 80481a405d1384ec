"""``waypost shipments`` and ``waypost track``: where shipments are and what is wrong."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import typer

from waypost.cli import options, output
from waypost.cli.home import Home
from waypost.cli.reading import paged, reading
from waypost.cli.timeline import show_timeline
from waypost.core.statuses import Status
from waypost.ports import ShipmentQuery, Store


def track(shipment: options.Shipment, *, as_json: options.Json = False, home: Home) -> None:
    """Show where a shipment is, what is wrong, and all that was said of it, oldest first.

    With --json: one object, with `shipmentId`, `progress`, `condition` (the worst, null when none),
    `conditions`, `leg`, `eta`, `updates`, `incidents` and more.
    """
    with reading(home) as operator:
        tracked = operator.track(shipment)
    if as_json:
        output.emit(tracked)
    else:
        show_timeline(tracked)


def shipments(
    *,
    status: Annotated[
        Status | None,
        typer.Option(
            "--status",
            parser=options.read_progress,
            metavar="STATUS",
            help="It has come so far: IN_TRANSIT, DELIVERED ...",
        ),
    ] = None,
    condition: options.Condition = None,
    carrier: options.Carrier = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Its last update happened since: RFC 3339, or a span such as 24h or 7d.",
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="SHIPMENT", help="Those that follow this one.")
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    home: Home,
) -> None:
    """List shipments by number."""
    with reading(home) as operator:
        query = ShipmentQuery(
            progress=status,
            condition=condition,
            carrier=carrier,
            since=None if since is None else options.read_since(since, operator.clock.now()),
            after=after,
        )
        if as_json:
            output.emit_all(_shipments(operator.store, query, limit))
            return
        rows = [*_shipments(operator.store, query, (limit or output.ROWS) + 1)]
    shown = rows[: limit or output.ROWS]
    ids = [row["shipmentId"] for row in shown]
    table = output.table("shipment", "status", "wrong", "last (UTC)", "where", "carrier", ids=ids)
    for row in shown:
        table.add_row(*_cells(row))
    output.show(table, "No shipments.")
    if len(rows) > len(shown):
        last = shlex.quote(output.plain(shown[-1]["shipmentId"]))
        output.note(f"There are more: repeat with --after {last}")


def _shipments(store: Store, query: ShipmentQuery, limit: int | None) -> Iterator[dict[str, Any]]:
    def fetch(after: str | None, wanted: int) -> list[dict[str, Any]]:
        start = query.after if after is None else after
        return store.shipments(replace(query, after=start, limit=wanted))

    return paged(fetch, lambda row: row["shipmentId"], limit)


def _cells(row: dict[str, Any]) -> Iterator[Any]:
    yield output.cell(row["shipmentId"], "bold")
    yield output.condition(row["progress"])
    yield output.condition(row["condition"])
    yield output.cell(output.when(row["lastEventTime"]))
    yield output.cell(output.place(row["location"]))
    yield output.cell(row["carrier"])
