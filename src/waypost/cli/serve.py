"""``waypost serve``: the one writer, with all its background work."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Final

import typer

from waypost.cli import options, output
from waypost.cli.exits import ServerUnreachable
from waypost.cli.hands import take_folder

if TYPE_CHECKING:
    from rich.console import Console

    from waypost.bootstrap import Machine
    from waypost.server import Server
    from waypost.settings import Settings

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (where a client here finds it)

OnReady = Callable[[str, "Server"], None]
"""Told the address once calls are accepted, and the server, which ends on ``should_exit``."""


def serve(
    *,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="HOST",
            help="Listen on this address; else WAYPOST_HOST, else 127.0.0.1.",
        ),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="PORT", help="And this port; else WAYPOST_PORT, else 8377."),
    ] = None,
    data: options.Data = None,
) -> None:
    """Serve: record updates, follow them, alert.

    One line says the address once calls are accepted. Logs are JSON on stderr. Ctrl-C or SIGTERM
    ends it, once what is under way is done.
    """
    from waypost.server.logs import configure
    from waypost.settings import Terminal

    settings = options.settings(data, WAYPOST_HOST=host, WAYPOST_PORT=port)
    configure(settings.log_level.upper())
    screen = output.console()
    channels = [
        name for name, is_on in (("smtp", settings.smtp), ("webhook", settings.webhook)) if is_on
    ]
    # An alert has to reach somebody: where nothing else is configured, it is shown here.
    shown = settings.terminal is Terminal.ON or (
        settings.terminal is Terminal.AUTO and (screen.is_terminal or not channels)
    )
    if shown:
        channels.insert(0, "terminal")

    def ready(address: str, _: Server) -> None:
        alerts = ", ".join(channels) or "none"
        output.say(f"Waypost listens on {address}  data: {settings.data}  alerts: {alerts}")
        sys.stdout.flush()

    run_server(settings, screen if shown else None, ready)


def run_server(settings: Settings, screen: Console | None, on_ready: OnReady) -> None:
    """Run the server until it is told to end.

    Args:
        settings: all of them.
        screen: where alerts are shown, if anywhere.
        on_ready: see `OnReady`.

    Raises:
        ServerUnreachable: another server has the folder, or the address is taken.
        StoreUnavailable, StoreUnusable: the data folder cannot be used.
    """
    from waypost.bootstrap import build

    lock = take_folder(settings)
    if isinstance(lock, str):
        raise ServerUnreachable(f"{settings.data} is in use by the server at {lock}")
    with ExitStack() as stack:
        stack.callback(lock.release)
        machine = build(settings, console=screen)
        stack.callback(machine.stop)
        _calm_collector()

        def ready(address: str, server: Server) -> None:
            lock.publish(address)
            on_ready(address, server)
            machine.start()

        _run(machine, ready)


def _calm_collector() -> None:
    """Let the cyclic garbage collector look at what is new, and seldom.

    The server holds many long-lived objects and makes hardly any cycles: by default the collector
    takes a sixth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _run(machine: Machine, on_ready: OnReady) -> None:
    from waypost.server import App, Bounds, Server, Services

    settings = machine.settings
    app = App(
        Services(
            store=machine.store,
            clock=machine.clock,
            metrics=machine.metrics,
            operator=machine.operator,
            render_metrics=machine.metrics.render,
            access_keys=settings.access_keys,
            region=settings.region,
            wake=machine.wake,
            hold=machine.following.hold,
            health=machine.problems,
        )
    )

    try:
        server = Server(
            app,
            settings.host,
            settings.port,
            on_ready=lambda host, port: on_ready(address_of(host, port), server),
            bounds=Bounds(connections=settings.max_connections, body_seconds=settings.body_timeout),
        )
    except OSError as error:
        app.close()
        wanted = address_of(settings.host, settings.port)
        message = f"cannot listen on {wanted}: {_reason(error)}; name another with --port"
        raise ServerUnreachable(message) from error
    server.run()


def address_of(host: str, port: int) -> str:
    """Return the address at which programs on this machine reach a server."""
    near = _ANY.get(host, host)
    return f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"


def _reason(error: OSError) -> str:
    """Return why, without the address that Python's socket module repeats."""
    return (error.strerror or str(error)).partition(" (")[0]
