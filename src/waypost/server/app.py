"""The ASGI application: the PutEvents route by hand, everything else by Starlette's router."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import orjson

from waypost.ports import Metric
from waypost.server import api, put_events
from waypost.server.commit import Writer
from waypost.server.guard import check_local
from waypost.server.refusals import Reason, Refusal, as_refusal
from waypost.server.sigv4 import SignedRequest, verify

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from waypost.server.services import Services

MAX_HELD: Final = 128 * 1024 * 1024
"""The bodies of all calls under way have at most so many bytes; beyond, a call is refused."""

_PUBLIC: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Needs no signature: it says nothing about any shipment."""
_WIRE: Final = frozenset({"events"})
_API: Final = frozenset({"execute-api"})

_log = logging.getLogger(__name__)


class _Disconnected(Exception):
    """The caller has gone; nobody waits for an answer."""


class App:
    """The server's ASGI application. `close` it after the last call."""

    def __init__(self, services: Services) -> None:
        """Start the writer's thread."""
        self.services = services
        self._writer = Writer(
            store=services.store,
            clock=services.clock,
            metrics=services.metrics,
            wake=services.wake,
        )
        self._router = api.make_router(services, self._writer)
        self._held = 0

    def close(self) -> None:
        """Commit what is waiting, and end the writer's thread. Idempotent."""
        self._writer.close()

    def count_refusal(self, reason: Reason) -> None:
        """Count a call that was refused."""
        self.services.metrics.add(Metric.REFUSED, 1, reason.code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call. It never raises: what goes wrong is answered, counted and logged."""
        is_wire = scope["path"] == "/" and scope["method"] == "POST"
        size = 0
        try:
            headers = dict(scope["headers"])
            if not self.services.access_keys:
                check_local(scope["method"], headers)
            body = await self._read(receive)
            size = len(body)
            if self.services.access_keys and scope["path"] not in _PUBLIC:
                self._verify(scope, body, _WIRE if is_wire else _API)
            if is_wire:
                await self._answer(send, 200, await self._put_events(headers, body))
            else:
                await self._router({**scope, "app": self}, _replay(body), send)
        except _Disconnected:
            return
        except Exception as error:  # noqa: BLE001 (see the docstring)
            await self._refuse(send, error, is_wire=is_wire)
        finally:
            self._held -= size

    async def _put_events(self, headers: dict[bytes, bytes], body: bytes) -> bytes:
        put_events.check_headers(headers)
        call = put_events.read_call(body, self.services.clock)
        if call.events:
            await self._writer.record(call.events)
        if call.unrouted:
            self.services.metrics.add(Metric.UNROUTED, call.unrouted)
        return call.answer()

    async def _read(self, receive: Receive) -> bytes:
        """Read the body; how long and how slow it may be is the protocol's business."""
        body = bytearray()
        try:
            while True:
                message = await receive()
                body += self._hold(message)
                if not message.get("more_body"):
                    return bytes(body)
        except BaseException:
            self._held -= len(body)
            raise

    def _hold(self, message: Message) -> bytes:
        if message["type"] != "http.request":
            raise _Disconnected
        chunk: bytes = message.get("body", b"")
        if self._held + len(chunk) > MAX_HELD:
            raise Refusal(Reason.THROTTLED, "Too much is being sent. Try again.")
        self._held += len(chunk)
        return chunk

    def _verify(self, scope: Scope, body: bytes, accepted: frozenset[str]) -> None:
        request = SignedRequest(
            method=scope["method"],
            path=scope["raw_path"].decode("ascii"),
            query=scope["query_string"].decode("latin-1"),
            headers=scope["headers"],
            body=body,
        )
        verify(
            request,
            secrets=self.services.access_keys,
            region=self.services.region,
            services=accepted,
            now=self.services.clock.now(),
        )

    async def _refuse(self, send: Send, error: Exception, *, is_wire: bool) -> None:
        refusal = as_refusal(error)
        self.count_refusal(refusal.reason)
        if refusal.reason is Reason.INTERNAL:
            _log.error("call failed", exc_info=error)
        if is_wire:
            body = {"__type": refusal.reason.code, "message": refusal.message}
            await self._answer(send, refusal.reason.status, orjson.dumps(body))
        else:
            await self._answer(send, refusal.reason.status, api.error_body(refusal), api.JSON)

    async def _answer(
        self, send: Send, status: int, body: bytes, content_type: bytes = put_events.CONTENT_TYPE
    ) -> None:
        headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"x-amzn-requestid", self.services.clock.new_id().encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
