"""``waypost alerts``: the ledger of what people were told, and whether it reached them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from waypost.cli import options, output
from waypost.cli.commands import command, group
from waypost.cli.exits import CallRefused, ExitCode
from waypost.cli.hands import open_hands
from waypost.cli.home import Home
from waypost.cli.reading import paged, reading_folder
from waypost.ports import DeliveryState, LocalStore

app = group("Alerts: what people were told, and whether it reached them. Alone it lists.")


@command(
    app,
    "waypost alerts",
    "waypost alerts --state dead",
    "waypost alerts --json | jq -r .messageId",
    name="list",
)
def list_alerts(
    *,
    state: Annotated[
        DeliveryState | None,
        typer.Option("--state", help="Only those with such a delivery."),
    ] = None,
    after: Annotated[
        int, typer.Option("--after", metavar="N", min=0, help="Those that follow this alert.")
    ] = 0,
    limit: options.Limit = None,
    as_json: options.Json = False,
    home: Home,
) -> None:
    """List alerts in the order in which they were decided: the default of `waypost alerts`."""
    if home.stack is not None:
        raise CallRefused("a stack keeps no ledger of its alerts: look into the mails")
    with reading_folder(home.data) as (store, _):
        if as_json:
            output.emit_all(_alerts(store, state, after, limit))
            return
        rows = [*_alerts(store, state, after, (limit or output.ROWS) + 1)]
    shown = rows[: limit or output.ROWS]
    ids = [row.get("shipmentId", "") for row in shown]
    table = output.table("alert", "decided (UTC)", "what", "shipment", "deliveries", "", ids=ids)
    for row in shown:
        table.add_row(*_cells(row))
    output.show(table, "No alerts.")
    if len(rows) > len(shown):
        output.note(f"There are more: waypost alerts --after {shown[-1]['alertId']}")


def _alerts(
    store: LocalStore, state: DeliveryState | None, start: int, limit: int | None
) -> Iterator[dict[str, Any]]:
    def fetch(after: int | None, wanted: int) -> list[dict[str, Any]]:
        return store.alerts(state, start if after is None else after, wanted)

    return paged(fetch, lambda row: row["alertId"], limit)


def _cells(row: dict[str, Any]) -> Iterator[Any]:
    yield output.cell(row["alertId"])
    yield output.cell(output.when(row["createdAt"]))
    if "condition" in row:
        yield output.condition(row["condition"])
    else:
        counts = "; ".join(f"{count} x {problem}" for problem, count in row["counts"].items())
        yield output.cell(f"rejected: {counts}")
    yield output.cell(row.get("shipmentId"), "bold")
    yield output.cell("; ".join(map(_delivery, row["deliveries"])) or "waiting")
    is_dead = any(delivery["state"] == DeliveryState.DEAD for delivery in row["deliveries"])
    yield output.cell(f"resend {row['messageId']}" if is_dead else None)


def _delivery(delivery: dict[str, Any]) -> str:
    error = f" ({delivery['error']})" if delivery["error"] else ""
    return f"{delivery['notifier']} {delivery['state']}{error}"


@command(app, "waypost alerts resend 7f1c2a54-0d3b-4e0e-9f43-1d6a4b0f5c11")
def resend(
    message_id: Annotated[
        str, typer.Argument(metavar="MESSAGE_ID", help="Of the message, as the list shows it.")
    ],
    home: Home,
) -> None:
    """Try the dead deliveries of a message again."""
    with open_hands(home) as hands:
        count = hands.resend(message_id)
    if not count:
        output.warn("No delivery of that message is dead: there is nothing to send again.")
        raise typer.Exit(ExitCode.NO)
    output.say(f"{count} to be tried again")
