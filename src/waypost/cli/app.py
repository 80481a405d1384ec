"""The program: every command, and the examples of those that have no module of their own noun."""

from __future__ import annotations

from typing import Annotated

import typer

from waypost import __version__
from waypost.cli import alerts, incidents, output, rejected, stack, unmapped
from waypost.cli.commands import Commands, command, flowing
from waypost.cli.demo import demo
from waypost.cli.doctor import doctor
from waypost.cli.rederive import rederive
from waypost.cli.serve import serve
from waypost.cli.shipments import shipments, track
from waypost.cli.simulate import simulate
from waypost.cli.transfer import export, import_lines
from waypost.cli.updates import put, retract

app = typer.Typer(
    cls=Commands,
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        output.say(f"waypost {__version__}")
        raise typer.Exit


def _program(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say it and exit."),
    ] = False,
) -> None:
    """Record shipment updates once, know where every shipment is, alert when someone has to act.

    Exit codes: 0 done; 1 the answer is no (not found, something rejected); 2 wrong use;
    3 a store or a server could not be reached.
    """


app.callback(help=flowing(_program))(_program)
command(app, "waypost serve", "WAYPOST_DATA=/var/lib/waypost waypost serve --port 9000")(serve)
command(
    app,
    "waypost put --shipment SHIP-12345 --status IN_TRANSIT --location 'Memphis, TN'",
    "waypost put --shipment SHIP-12345 --status LOST --event-id scan-77 "
    "--occurred-at 2026-11-23T08:30:00+01:00",
    "waypost put --detail - < update.json",
)(put)
command(app, "waypost retract SHIP-12345 scan-77 --reason 'wrong parcel'")(retract)
command(
    app,
    "waypost track SHIP-12345",
    "waypost track SHIP-12345 --json | jq -r '.updates[].status'",
    "waypost track SHIP-12345 --stack dev",
)(track)
command(
    app,
    "waypost shipments --condition DELAYED --carrier FedEx",
    "waypost shipments --status IN_TRANSIT --since 24h",
    "waypost shipments --json > shipments.jsonl",
)(shipments)
app.add_typer(incidents.app, name="incidents")
app.add_typer(alerts.app, name="alerts")
app.add_typer(rejected.app, name="rejected")
app.add_typer(unmapped.app, name="unmapped")
app.add_typer(stack.app, name="stack")
command(app, "waypost rederive", "waypost rederive --stack dev")(rederive)
command(
    app,
    "waypost import updates.jsonl",
    "waypost import --quiet history.jsonl",
    "zcat updates.jsonl.gz | waypost import -",
    "waypost import --quiet history.jsonl --stack dev",
    name="import",
)(import_lines)
command(
    app,
    "waypost export updates > updates.jsonl",
    "waypost export shipments --output shipments.jsonl",
    "waypost export incidents --as-of 2026-11-23T00:00:00Z",
)(export)
command(
    app,
    "waypost simulate --count 10000",
    "waypost simulate --endpoint-url http://127.0.0.1:8377 --rate 20 --seconds 60",
)(simulate)
command(app, "waypost demo", "waypost demo --port 9000 --data demo-data --seconds 20")(demo)
command(
    app,
    "waypost doctor",
    "waypost doctor --json | jq .problems",
    "waypost doctor --stack dev",
)(doctor)
