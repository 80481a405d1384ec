"""What is served beside PutEvents: health, metrics, and the operator's calls (JSON, by POST).

The command line makes these calls while a server runs, for the server is the one writer.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson
from starlette.responses import Response
from starlette.routing import Route, Router

from waypost.core.entries import Action
from waypost.core.errors import InvalidUpdate, Problem, WaypostError
from waypost.core.fields import MISSING, Fields, decode
from waypost.core.statuses import CONDITIONS, Kind, Status
from waypost.core.updates import DESCRIPTION_LIMIT, EVENT_ID_LIMIT, ID_LIMIT
from waypost.ports import Fate, Outcome, Rejection
from waypost.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request

    from waypost.record import Recorded
    from waypost.server.commit import Writer
    from waypost.server.services import Services

_Member = TypeVar("_Member", bound=StrEnum)

JSON: Final = b"application/json"
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""
MAX_IMPORT: Final = 4 * 1024 * 1024
"""One import call has at most so many bytes."""
MAX_LINES: Final = 10_000
"""One import call has at most so many lines."""
MAX_CALL: Final = 1024 * 1024
"""Every other call has at most so many bytes."""
READY_WITHIN: Final = 5
"""For so many seconds /readyz waits for the store."""
MEANINGS: Final = tuple(status for status in Status if status.kind is not Kind.DERIVED)
"""What a code may be mapped to; UNKNOWN takes a mapping back."""


def error_body(refusal: Refusal) -> bytes:
    """Return the one shape that errors have here: a message, and every problem."""
    return orjson.dumps(
        {"error": {"message": refusal.message, "problems": _problems_json(refusal.problems)}}
    )


def recorded_json(recorded: Recorded) -> dict[str, Any]:
    """Return what became of an event: ``outcome``, and of a rejection its id and problems."""
    if isinstance(recorded, Rejection):
        return {
            "outcome": "rejected",
            "rejectionId": recorded.rejection_id,
            "problems": _problems_json(recorded.problems),
        }
    return {"outcome": recorded.value}


def make_router(services: Services, writer: Writer) -> Router:
    """Return the routes; what an endpoint raises is the caller's to answer."""
    endpoints = _Endpoints(services, writer)
    return Router(
        [
            Route("/healthz", endpoints.health, methods=["GET"]),
            Route("/readyz", endpoints.ready, methods=["GET"]),
            Route("/metrics", endpoints.metrics, methods=["GET"]),
            Route("/api/put", endpoints.put, methods=["POST"]),
            Route("/api/import", endpoints.take, methods=["POST"]),
            Route("/api/act", endpoints.act, methods=["POST"]),
            Route("/api/map", endpoints.map_code, methods=["POST"]),
            Route("/api/retract", endpoints.retract, methods=["POST"]),
            Route("/api/rejected/{id}/replay", endpoints.replay, methods=["POST"]),
            Route("/api/rejected/{id}/drop", endpoints.drop, methods=["POST"]),
            Route("/api/messages/{id}/resend", endpoints.resend, methods=["POST"]),
            Route("/api/rederive", endpoints.rederive, methods=["POST"]),
        ],
        redirect_slashes=False,
    )


class _Endpoints:
    """One method a route."""

    def __init__(self, services: Services, writer: Writer) -> None:
        self._services = services
        self._operator = services.operator
        self._writer = writer

    async def health(self, _request: Request) -> Response:
        """Answer: the process is alive."""
        return _json({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Tell whether updates can be recorded and followed; if not, why."""
        problems = [Problem("background", text) for text in self._services.health()]
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._writer.run(self._services.store.check)
        except TimeoutError:
            problems.append(Problem("store", f"did not answer within {READY_WITHIN} s"))
        except WaypostError as error:
            problems.append(Problem("store", str(error)))
        if problems:
            refusal = Refusal(Reason.UNAVAILABLE, "The server is not ready.", problems)
            return Response(error_body(refusal), refusal.reason.status, media_type=JSON.decode())
        return _json({"status": "ready"})

    async def metrics(self, _request: Request) -> Response:
        """Return the metrics in Prometheus' text format."""
        return Response(self._services.render_metrics(), media_type=METRICS_TYPE)

    async def put(self, request: Request) -> Response:
        """Record one update."""
        fields = await _fields(request)
        if "detail" not in fields:
            fields.note("detail", MISSING)
        fields.check()
        detail = fields.get("detail")
        raw = json.dumps(detail)
        return await self._recorded(lambda: self._operator.put(detail, raw))

    async def take(self, request: Request) -> Response:
        """Import lines of JSON."""
        lines = _lines(await _body(request, MAX_IMPORT))
        quiet = request.query_params.get("quiet") == "1"
        self._services.hold()
        recorded = await self._writer.run(lambda: self._operator.take(lines, quiet=quiet))
        counts = Counter(recorded_json(result)["outcome"] for result in recorded)
        return _json(
            {
                "appended": counts[Outcome.APPENDED.value],
                "duplicates": counts[Outcome.DUPLICATE.value],
                "rejected": counts["rejected"],
            }
        )

    async def act(self, request: Request) -> Response:
        """Acknowledge, resolve, mute or unmute a condition of a shipment."""
        fields = await _fields(request)
        shipment_id = fields.text("shipmentId", ID_LIMIT, required=True)
        action = _one_of(fields, "action", tuple(Action))
        condition = _one_of(fields, "condition", CONDITIONS)
        fields.check()
        return await self._recorded(
            lambda: self._operator.act(shipment_id or "", action, condition)
        )

    async def map_code(self, request: Request) -> Response:
        """Say what a carrier's code means."""
        fields = await _fields(request)
        carrier = fields.text("carrier", ID_LIMIT)
        code = fields.text("code", ID_LIMIT, required=True)
        status = _one_of(fields, "status", MEANINGS)
        fields.check()
        return await self._recorded(lambda: self._operator.map_code(carrier, code or "", status))

    async def retract(self, request: Request) -> Response:
        """Take back what a sender said."""
        fields = await _fields(request)
        shipment_id = fields.text("shipmentId", ID_LIMIT, required=True)
        event_id = fields.text("eventId", EVENT_ID_LIMIT, required=True)
        reason = fields.prose("reason", DESCRIPTION_LIMIT)
        fields.check()
        return await self._recorded(
            lambda: self._operator.retract(shipment_id or "", event_id or "", reason)
        )

    async def replay(self, request: Request) -> Response:
        """Try a rejected event again."""
        rejection_id = request.path_params["id"]
        return await self._recorded(lambda: self._operator.replay(rejection_id))

    async def drop(self, request: Request) -> Response:
        """Settle a rejected event as not wanted."""
        rejection_id = request.path_params["id"]
        await self._writer.run(lambda: self._operator.drop(rejection_id))
        return _json({"outcome": Fate.DROPPED.value})

    async def resend(self, request: Request) -> Response:
        """Let the dead deliveries of a message be tried again."""
        message_id = request.path_params["id"]
        count = await self._writer.run(lambda: self._services.store.resend(message_id))
        return _json({"deliveries": count})

    async def rederive(self, _request: Request) -> Response:
        """Let the follower fold every shipment anew."""
        return _json({"shipments": await self._writer.run(self._services.store.refold_all)})

    async def _recorded(self, task: Callable[[], Recorded]) -> Response:
        return _json(recorded_json(await self._writer.run(task)))


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type=JSON.decode())


def _problems_json(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [{"path": problem.path, "message": problem.message} for problem in problems]


async def _body(request: Request, limit: int) -> bytes:
    body = await request.body()
    if len(body) > limit:
        raise Refusal(Reason.TOO_LARGE, f"The body has more than {limit} bytes.")
    return body


async def _fields(request: Request) -> Fields:
    """Return the members of the call's object; a null is as good as none."""
    value = decode(await _body(request, MAX_CALL))
    if isinstance(value, dict):
        value = {name: member for name, member in value.items() if member is not None}
    fields = Fields(value)
    fields.check()
    return fields


def _one_of(fields: Fields, name: str, members: tuple[_Member, ...]) -> _Member:
    """Read a word, without case; if it is none of the members, note it and return the first."""
    given = (fields.text(name, ID_LIMIT, required=True) or "").strip().lower()
    for member in members:
        if member.value.lower() == given:
            return member
    if given:
        fields.note(name, f"must be one of {', '.join(members)}")
    return members[0]


def _lines(body: bytes) -> list[str]:
    try:
        lines = [line for line in body.decode().split("\n") if line.strip()]
    except UnicodeDecodeError:
        raise InvalidUpdate([Problem("", "is not UTF-8")]) from None
    if len(lines) > MAX_LINES:
        raise Refusal(Reason.TOO_LARGE, f"The body has more than {MAX_LINES} lines.")
    return lines
