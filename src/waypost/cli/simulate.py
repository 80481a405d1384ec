"""``waypost simulate``: a fleet that sends to any server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from waypost.cli import options, output
from waypost.cli.exits import ServerUnreachable
from waypost.cli.hands import server_of
from waypost.core.times import DAY

if TYPE_CHECKING:
    from waypost.settings import Settings

_DAYS: Final = 14
"""The fleet's updates happened within so many days before now."""
_UPDATES_A_DAY: Final = 1_000
"""At the least: what a fleet of 150 shipments a day sends."""
_UPDATES_A_SHIPMENT: Final = 6
"""No more than a shipment has on average, so that there are enough."""


def simulate(
    *,
    endpoint_url: Annotated[
        str | None,
        typer.Option(
            "--endpoint-url",
            metavar="URL",
            help="Send here; else to the server of the data folder.",
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, max=10_000_000, help="Send so many updates.")
    ] = 1_000,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=0.1, metavar="N", help="For so long at the most."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.1, metavar="N", help="Updates a second; else all at once."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of all chance.")] = 1,
    data: options.Data = None,
) -> None:
    """Send the updates of a simulated fleet, by PutEvents like any producer.

    They happened in the last two weeks; some are late, twice, out of order or malformed.
    """
    from waypost.clock import SystemClock
    from waypost.simulate.fleet import Fleet
    from waypost.simulate.sender import events_client, send

    settings = options.settings(data)
    address = endpoint_url or _address(settings)
    key_id, secret = next(iter(settings.access_keys.items()), (None, None))
    client = events_client(
        address,
        key_id,
        secret.reveal() if secret else None,
        **({"region": settings.region} if settings.region else {}),
    )
    now = SystemClock().now()
    wanted = max(_UPDATES_A_DAY, count / _DAYS * 2)
    fleet = Fleet(seed, now - _DAYS * DAY, shipments_a_day=wanted / _UPDATES_A_SHIPMENT)
    details = (sent.detail for sent in fleet if sent.at <= now)
    began = time.monotonic()
    with output.progress() as bar:
        task = bar.add_task("Sending", total=count)
        counts = send(
            _paced(islice(details, count), rate, seconds),
            client,
            on_batch=lambda taken: bar.update(task, advance=taken),
        )
    took = time.monotonic() - began
    output.say(f"{counts.sent:,} updates sent to {address} in {took:.1f} s")


def _address(settings: Settings) -> str:
    """Return the address of the server that has the data folder."""
    address = server_of(settings)
    if address is not None:
        return address
    raise ServerUnreachable(
        f"no server runs on {settings.data}: start `waypost serve`, or name one with --endpoint-url"
    )


def _paced(
    details: Iterable[dict[str, Any]], rate: float | None, seconds: float | None
) -> Iterator[dict[str, Any]]:
    """Yield details as fast as wanted, for as long as wanted."""
    began, clock = time.monotonic(), threading.Event()
    for index, detail in enumerate(details):
        if seconds is not None and time.monotonic() - began >= seconds:
            return
        if rate is not None:
            clock.wait(max(0.0, began + index / rate - time.monotonic()))
        yield detail
