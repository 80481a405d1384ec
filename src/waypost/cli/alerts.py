"""``waypost alerts``: the ledger of what people were told, and whether it reached them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final

import typer

from waypost.cli import options, output
from waypost.cli.aws import Target
from waypost.cli.commands import command, group
from waypost.cli.exits import ExitCode
from waypost.cli.hands import open_hands
from waypost.cli.home import Home
from waypost.cli.reading import paged, reading_folder
from waypost.ports import DeliveryState

_PAGE: Final = 10_000
"""So many alerts of a stack are in memory at once: the next ones take a further scan."""

app = group("Alerts: what people were told, and whether it reached them. Alone it lists.")


@command(
    app,
    "waypost alerts",
    "waypost alerts --state dead",
    "waypost alerts --shipment SHIP-12345 --stack dev",
    "waypost alerts --json | jq -r .messageId",
    name="list",
)
def list_alerts(
    *,
    state: Annotated[
        DeliveryState | None,
        typer.Option("--state", help="Only those with such a delivery."),
    ] = None,
    shipment: options.OfShipment = None,
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="ALERT", help="Those that follow this alert."),
    ] = None,
    limit: options.Limit = None,
    as_json: options.Json = False,
    home: Home,
) -> None:
    """List alerts in the order in which they were decided: the default of `waypost alerts`.

    A stack's ledger has what was published of incidents. What of it arrived, and what was said of
    rejected events, it does not have.
    """
    asked = _Asked(state, shipment, after)
    found = _of_folder(home.data, asked) if home.stack is None else _of_stack(home.stack, asked)
    if as_json:
        output.emit_all(islice(found, limit))
        return
    rows = [*islice(found, (limit or output.ROWS) + 1)]
    shown = rows[: limit or output.ROWS]
    ids = [row.get("shipmentId", "") for row in shown]
    table = output.table("alert", "decided (UTC)", "what", "shipment", "deliveries", "", ids=ids)
    for row in shown:
        table.add_row(*_cells(row))
    output.show(table, "No alerts.")
    if len(rows) > len(shown):
        more = home.again(f"waypost alerts --after {shown[-1]['alertId']}")
        output.note(f"There are more: {more}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which alerts to list; all that is given must hold."""

    state: DeliveryState | None
    shipment: str | None
    after: str | None


def _of_folder(data: str | None, asked: _Asked) -> Iterator[dict[str, Any]]:
    start = asked.after or "0"
    if not start.isascii() or not start.isdecimal():
        raise typer.BadParameter("must be the number of an alert", param_hint="'--after'")
    with reading_folder(data) as (store, _):
        rows = paged(
            lambda last, wanted: store.alerts(asked.state, last or int(start), wanted),
            lambda row: row["alertId"],
            None,
        )
        yield from (row for row in rows if asked.shipment in (None, row.get("shipmentId")))


def _of_stack(target: Target, asked: _Asked) -> Iterator[dict[str, Any]]:
    from waypost.cli.on_stack import opened

    if asked.state is not None:
        raise typer.BadParameter(
            "a stack's ledger knows what was published, not what arrived: `waypost stack status` "
            "says what waits in logistics-alerts-dlq",
            param_hint="'--state'",
        )
    with opened(target) as stack:
        if asked.shipment is None:
            stack.say_scan(stack.parts.state)
        yield from paged(
            lambda last, wanted: stack.store.alerts(
                last or asked.after, wanted, shipment_id=asked.shipment
            ),
            lambda row: row["alertId"],
            None,
            page=_PAGE,
        )


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
