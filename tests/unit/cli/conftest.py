from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from waypost.cli.app import app
from waypost.cli.serve import run_server
from waypost.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from waypost.server import Server


_built = cache(get_command)
"""The runner would build all commands anew for each that it runs, which takes longer than that."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its output as JSON, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        [row] = self.rows
        return row


@dataclass(frozen=True, slots=True)
class Waypost:
    """Runs commands on one data folder."""

    data: Path

    def __call__(self, *arguments: str, stdin: bytes = b"", code: int = 0) -> Ran:
        """Run a command, and check its exit code."""
        done = CliRunner().invoke(app, [*arguments], input=stdin)
        ran = Ran(done.exit_code, done.stdout, done.stderr)
        assert ran.code == code, ran
        return ran

    def put(self, shipment: str, status: str, *more: str, code: int = 0) -> Ran:
        return self("put", "--shipment", shipment, "--status", status, *more, code=code)

    @contextmanager
    def serving(self, env: Mapping[str, str] | None = None) -> Iterator[str]:
        """Serve the data folder from a thread; yields the address."""
        settings = Settings.read(
            {**os.environ, **(env or {})},
            {"WAYPOST_DATA": str(self.data), "WAYPOST_PORT": "0"},
        )
        ready = Event()
        servers: list[Server] = []
        addresses: list[str] = []

        def on_ready(address: str, server: Server) -> None:
            addresses.append(address)
            servers.append(server)
            ready.set()

        thread = Thread(target=run_server, args=(settings, None, on_ready))
        thread.start()
        assert ready.wait(60)
        try:
            yield addresses[0]
        finally:
            servers[0].should_exit = True
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def waypost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waypost:
    """The program, on a data folder that is not there yet."""
    for name in [name for name in os.environ if name.startswith("WAYPOST_")]:
        monkeypatch.delenv(name)
    data = tmp_path / "data"
    monkeypatch.setenv("WAYPOST_DATA", str(data))
    monkeypatch.setenv("COLUMNS", "200")
    # What a server may do to its own process is not for this one.
    monkeypatch.setattr("waypost.server.logs.configure", lambda _: None)
    monkeypatch.setattr("waypost.cli.serve._calm_collector", lambda: None)
    monkeypatch.setattr("typer.testing._get_command", _built)
    return Waypost(data)
