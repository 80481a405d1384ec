"""``waypost incidents``: what is wrong, and what people do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from waypost.cli import options, output
from waypost.cli.commands import command, group
from waypost.cli.hands import open_hands
from waypost.cli.home import Home
from waypost.cli.reading import paged, reading
from waypost.cli.updates import tell
from waypost.core.entries import Action
from waypost.core.statuses import CONDITIONS, Status
from waypost.ports import IncidentQuery, Store

app = group("What is wrong with shipments, and what is done about it. Alone it lists.")

_WRONG = Annotated[
    Status,
    typer.Argument(
        metavar="CONDITION",
        parser=options.read_condition,
        show_choices=False,
        help=f"What is wrong: {', '.join(CONDITIONS[:-1])} or {CONDITIONS[-1]}.",
    ),
]
_RESULT = {"appended": "done", "duplicate": "done before"}


@command(
    app,
    "waypost incidents",
    "waypost incidents --open --condition LOST",
    "waypost incidents --json | jq -r 'select(.state == \"open\") | .shipmentId'",
    name="list",
)
def list_incidents(
    *,
    is_open: Annotated[
        bool | None,
        typer.Option("--open/--resolved", help="Only those; else all.", show_default=False),
    ] = None,
    condition: options.Condition = None,
    shipment: options.OfShipment = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    home: Home,
) -> None:
    """List incidents by shipment: the default of `waypost incidents`."""
    query = IncidentQuery(shipment_id=shipment, condition=condition, is_open=is_open)
    with reading(home) as operator:
        if as_json:
            output.emit_all(_incidents(operator.store, query, limit))
            return
        rows = [*_incidents(operator.store, query, (limit or output.ROWS) + 1)]
    shown = rows[: limit or output.ROWS]
    ids = [row["shipmentId"] for row in shown]
    table = output.table("condition", "shipment", "state", "since (UTC)", "where", "", ids=ids)
    for row in shown:
        table.add_row(*_cells(row))
    output.show(table, "No incidents.")
    if len(rows) > len(shown):
        output.note("There are more: narrow the list, raise --limit, or take all with --json.")


def _incidents(store: Store, query: IncidentQuery, limit: int | None) -> Iterator[dict[str, Any]]:
    def fetch(after: tuple[str, int, str] | None, wanted: int) -> list[dict[str, Any]]:
        return store.incidents(
            IncidentQuery(
                shipment_id=query.shipment_id,
                condition=query.condition,
                is_open=query.is_open,
                after=after,
                limit=wanted,
            )
        )

    return paged(fetch, lambda row: (row["shipmentId"], row["leg"], row["condition"]), limit)


def _cells(row: dict[str, Any]) -> Iterator[Any]:
    marks = [mark for mark in ("acknowledged", "muted") if row[mark]]
    yield output.condition(row["condition"])
    yield output.cell(row["shipmentId"], "bold")
    yield output.cell(row["state"], "" if row["state"] == "open" else "dim")
    yield output.cell(output.when(row["openedAt"]))
    yield output.cell(output.place(row["location"]))
    yield output.cell(", ".join(marks), "dim")


def _act(shipment_id: str, action: Action, condition: Status, home: Home) -> None:
    with open_hands(home) as hands:
        result = hands.act(shipment_id, action, condition)
    tell(result, _RESULT)


@command(app, "waypost incidents ack SHIP-12345 LOST")
def ack(shipment: options.Shipment, condition: _WRONG, home: Home) -> None:
    """Say that you have seen it: no further alert for this episode."""
    _act(shipment, Action.ACK, condition, home)


@command(app, "waypost incidents resolve SHIP-12345 DAMAGED")
def resolve(shipment: options.Shipment, condition: _WRONG, home: Home) -> None:
    """Say that it is over."""
    _act(shipment, Action.RESOLVE, condition, home)


@command(app, "waypost incidents mute SHIP-12345 DELAYED")
def mute(shipment: options.Shipment, condition: _WRONG, home: Home) -> None:
    """Want no alerts of this condition, until it is unmuted or the number is used anew."""
    _act(shipment, Action.MUTE, condition, home)


@command(app, "waypost incidents unmute SHIP-12345 DELAYED")
def unmute(shipment: options.Shipment, condition: _WRONG, home: Home) -> None:
    """Want alerts of this condition again."""
    _act(shipment, Action.UNMUTE, condition, home)
