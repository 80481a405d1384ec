"""HTTP with bounds: uvicorn's protocol on httptools, with a limit to everything a peer can do.

What breaks a bound is answered where an answer can still be sent, and the connection is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NoReturn

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from waypost.server.refusals import Reason

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

MAX_PIPELINED: Final = 16
"""Requests of one connection that wait for the answer to an earlier one."""
DRAIN_SECONDS: Final = 5
"""For so long, what still comes after a refusal is read and thrown away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one peer, and all of them together, may do.

    Attributes:
        connections: of more, each further one is answered 503 and closed.
        surplus: how many may wait for that answer; of more, each is closed at once.
        header_bytes: of the request line and the headers together: 431.
        body_bytes: as sent; JSON escapes may double a call of 1 MB, and more: 413.
        header_seconds: from the connection, or a request's first byte, to its last header: 408.
        body_seconds: from there to the last byte of the body: 408.
        answer_seconds: from there to the end of the answer; then the connection is cut.
        idle_seconds: between an answer and the next request; then the connection is closed.
        shutdown_seconds: for what is under way when the server stops.
    """

    connections: int = 1_000
    surplus: int = 16
    header_bytes: int = 64 * 1024
    body_bytes: int = 8 * 1024 * 1024
    header_seconds: float = 10
    body_seconds: float = 10
    answer_seconds: float = 60
    idle_seconds: int = 60
    shutdown_seconds: int = 10


class _BrokenBound(Exception):
    """Stops the parser; uvicorn answers with `BoundedProtocol.send_400_response`."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `expire` has to be called about twice a second."""

    def __init__(
        self, *, bounds: Bounds, count_refusal: Callable[[Reason], None], **uvicorn: Any
    ) -> None:
        """Take the bounds, whom to tell of a refusal, and what uvicorn gives its protocols."""
        super().__init__(**uvicorn)
        self._bounds = bounds
        self._count_refusal = count_refusal
        self._broken = Reason.BAD_HTTP
        self._deadline: float | None = None
        self._in_head = True
        self._answering = False
        self._draining = False
        self._head_bytes = 0
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it so
        """Accept the connection, or see that it is refused if there are too many."""
        super().connection_made(transport)
        self._set_deadline(self._bounds.header_seconds)
        surplus = len(self.connections) - self._bounds.connections
        if surplus > 0:
            self._count_refusal(Reason.UNAVAILABLE)
            self.limit_concurrency = 0  # uvicorn answers 503 to the first request, and closes
        if surplus > self._bounds.surplus:
            transport.abort()

    def expire(self, now: float) -> None:
        """Answer or cut the connection if its deadline has passed; ``now`` is the loop's time."""
        if self._deadline is None or now < self._deadline:
            return
        if self._answering or self._draining or self.transport.is_closing():
            self.transport.abort()
        else:
            self._refuse(Reason.TOO_SLOW)

    def data_received(self, data: bytes) -> None:
        """Feed what came to the parser; after a refusal, throw it away."""
        if self._draining:
            return
        if self._deadline is None:
            self._set_deadline(self._bounds.header_seconds)
        super().data_received(data)
        if self._in_head and not self._draining:
            self._head_bytes += len(data)
            if self._head_bytes > self._bounds.header_bytes:
                self._refuse(Reason.TOO_MANY_HEADERS)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's words; ours name the bound)
        """Answer what stopped the parser."""
        self._refuse(self._broken)

    def on_message_begin(self) -> None:
        """Start the bounds of a request."""
        super().on_message_begin()
        if len(self.pipeline) >= MAX_PIPELINED:
            self._break(Reason.BAD_HTTP)
        self._in_head = True
        self._answering = False
        self._head_bytes = self._body_bytes = 0
        self._set_deadline(self._bounds.header_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse a body that says it is too large before it is sent."""
        if name.lower() == b"content-length" and int(value) > self._bounds.body_bytes:
            self._break(Reason.TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application."""
        self._in_head = False
        self._set_deadline(self._bounds.body_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body to the application, if all of it is not too large."""
        self._body_bytes += len(body)
        if self._body_bytes > self._bounds.body_bytes:
            self._break(Reason.TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the answer from now on."""
        self._answering = True
        self._set_deadline(self._bounds.answer_seconds)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request from now on, as long as uvicorn keeps the connection."""
        super().on_response_complete()
        if self.pipeline or not self.cycle.response_complete or self.transport.is_closing():
            self._set_deadline(self._bounds.answer_seconds)
        else:
            self._answering = False
            self._deadline = None

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds

    def _break(self, reason: Reason) -> NoReturn:
        self._broken = reason
        raise _BrokenBound

    def _refuse(self, reason: Reason) -> None:
        """Answer, and let the peer read it: closing at once, with data unread, would reset."""
        self._count_refusal(reason)
        body = b'{"__type":"%s","message":"%s"}' % (
            reason.code.encode(),
            HTTPStatus(reason.status).description.encode(),
        )
        self.transport.write(
            STATUS_LINE[reason.status]
            + b"content-type: application/x-amz-json-1.1\r\nconnection: close\r\n"
            + b"content-length: %d\r\n\r\n" % len(body)
            + body
        )
        self.transport.write_eof()
        self._draining = True
        self._set_deadline(DRAIN_SECONDS)
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.resume_reading()
