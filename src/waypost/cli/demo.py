"""``waypost demo``: a server with a small simulated fleet."""

from __future__ import annotations

import shlex
import shutil
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Final

import typer

from waypost.cli import output
from waypost.cli.serve import run_server

if TYPE_CHECKING:
    from rich.console import Console

    from waypost.server import Server

_DATA: Final = "waypost-data"
_WINDOW: Final = "5"
"""Seconds between two messages: shorter than by default, so that there is more to see."""
_PATIENCE: Final = 5.0
"""Seconds to wait for the call that is under way at the end."""


def demo(
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Listen here.")] = 8377,
    data: Annotated[
        str,
        typer.Option("--data", metavar="DIR", help="The data folder; kept from run to run."),
    ] = _DATA,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=1, metavar="N", help="End by itself after so many seconds."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of all chance.")] = 1,
) -> None:
    """Run a server, and let a small simulated fleet send it updates over the real wire.

    Alerts are shown here, and go nowhere else: the environment's settings do not count. Ctrl-C
    ends it; the next run goes on with the same data.
    """
    from waypost.server.logs import configure
    from waypost.settings import Settings

    overrides = {"WAYPOST_PORT": str(port), "WAYPOST_DATA": data, "WAYPOST_ALERT_WINDOW": _WINDOW}
    configure("WARNING")
    screen = output.console()
    fleet = _Fleet(screen, seed, _program(data))

    def ready(address: str, server: Server) -> None:
        fleet.start(address, server)
        if seconds is not None:
            timer = threading.Timer(seconds, setattr, (server, "should_exit", True))
            timer.daemon = True
            timer.start()

    run_server(Settings.read({}, overrides), screen, ready)
    fleet.finish()
    output.say("The demo has ended; its data is kept.")


def _program(data: str) -> str:
    """Return how a person calls waypost on this data from another terminal."""
    program = "waypost" if shutil.which("waypost") else shlex.quote(sys.argv[0])
    return program if data == _DATA else f"WAYPOST_DATA={shlex.quote(data)} {program}"


class _Fleet:
    """The thread in which the fleet sends its updates."""

    def __init__(self, screen: Console, seed: int, program: str) -> None:
        self._screen = screen
        self._seed = seed
        self._program = program
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    def start(self, address: str, server: Server) -> None:
        """Send to a server, which ends if that fails."""
        self._thread = threading.Thread(target=self._run, args=(address, server), daemon=True)
        self._thread.start()

    def _run(self, address: str, server: Server) -> None:
        from waypost.simulate.demo import run_demo

        try:
            run_demo(address, self._screen, self._stop, self._seed, program=self._program)
        except Exception as error:  # noqa: BLE001 (raised again by `finish`, in the main thread)
            if not server.should_exit:
                self._error = error
                server.should_exit = True

    def finish(self) -> None:
        """End the thread.

        Raises:
            Exception: what the sending failed of, unless that was the server's end.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)
        if self._error is not None:
            raise self._error
