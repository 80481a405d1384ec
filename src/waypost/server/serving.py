"""Run the application: one process, one event loop, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import resource
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn

from waypost.core.errors import InvalidSettings, Problem
from waypost.server.protocol import BoundedProtocol, Bounds
from waypost.settings.readers import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from waypost.server.app import App

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TICKS = 5
"""Deadlines are looked at every so many of uvicorn's ticks, of which there are ten a second."""
_OWN_FILES: Final = 100
"""What the process needs besides its connections: the store's files, and those who deliver."""

_log: Final = logging.getLogger(__name__)


def allow_files(connections: int) -> None:
    """Let this process have a file open for each connection, and those that it needs itself.

    Many systems begin with a limit of 1,024, which a program may raise. Without room, a crowd of
    idle clients would keep alerts from being delivered. Where the system allows no more, a
    warning is logged.
    """
    wanted = connections + _OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (ValueError, OSError):  # the system has a bound of its own
        allowed = soft
    if allowed < wanted:
        fields = {"allowed": allowed, "needed": wanted}
        _log.warning("too few open files allowed", extra={"fields": fields})


class Server(uvicorn.Server):
    """uvicorn's server, with bounds on each connection.

    `run` serves until SIGINT or SIGTERM (a second SIGINT does not wait for what is under way), or
    until another thread sets ``should_exit``.
    """

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        *,
        on_ready: Callable[[str, int], None],
        bounds: Bounds | None = None,
    ) -> None:
        """Bind the address.

        Args:
            app: is closed when the server has ended.
            host: a name or an address; without access keys it must be this machine's loopback.
            port: 0 for any that is free.
            on_ready: called with the bound address and port once calls are accepted.
            bounds: for each connection, and all together.

        Raises:
            InvalidSettings: a bind address beyond loopback, and no access keys.
            OSError: the address cannot be bound.
        """
        if not app.services.access_keys and not is_loopback(host):
            problem = "must be a loopback address as long as no access keys are configured"
            raise InvalidSettings([Problem("host", problem)])
        self._app = app
        self._on_ready = on_ready
        bounds = bounds or Bounds()
        self._connections = bounds.connections + bounds.surplus
        protocol = functools.partial(
            BoundedProtocol, bounds=bounds, count_refusal=app.count_refusal
        )
        super().__init__(
            uvicorn.Config(
                app,
                http=cast("Any", protocol),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                interface="asgi3",
                timeout_keep_alive=bounds.idle_seconds,
                timeout_graceful_shutdown=bounds.shutdown_seconds,
            )
        )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=2_048)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal or ``should_exit``; finish what is under way; close the app."""
        allow_files(self._connections)
        try:
            super().run([self._socket, *(sockets or ())])
        finally:
            self._socket.close()
            self._app.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept calls, and tell."""
        await super().startup(sockets)
        host, port = self._socket.getsockname()[:2]
        self._on_ready(host, port)

    async def on_tick(self, counter: int) -> bool:
        """Look at the deadlines of all connections."""
        if counter % _TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast("BoundedProtocol", connection).expire(now)
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """End on a signal, and swallow it: who called `run` goes on after it.

        uvicorn would raise the signal again, and so end the process before the rest is closed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
