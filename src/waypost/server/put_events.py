"""The PutEvents call of EventBridge: a body in, the events to record and the answer out.

What AWS answers to which fault is written down in ``docs/reference/wire.md``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from waypost.core import times
from waypost.core.updates import Event
from waypost.operate import DETAIL_TYPE, SOURCE
from waypost.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from waypost.ports import Clock

TARGET: Final = b"AWSEvents.PutEvents"
CONTENT_TYPE: Final = b"application/x-amz-json-1.1"

MAX_ENTRIES: Final = 10
SIZE_LIMIT: Final = 1_048_576
"""The sum of the entries' sizes, in bytes, has to be less than this."""
TIME_SIZE: Final = 14
"""What a given Time counts for, in bytes, whatever it is."""
DETAIL_TYPE_LIMIT: Final = 128

_BUS_LIMIT: Final = 1_600
_BUS: Final = re.compile(
    r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus/)?([.\-_A-Za-z0-9]+)", re.ASCII
)
_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799
"""The years 1 to 9999, in epoch seconds: what lies beyond is cut to them, and so quarantined."""


@dataclass(slots=True)
class Call:
    """What one PutEvents call comes to.

    Attributes:
        events: what the rule matches, to be recorded before the call is answered.
        unrouted: how many entries were accepted that the rule does not match.
        failed: how many entries were not accepted.
        entries: the result of each entry, in the order of the call.
    """

    events: list[Event] = field(default_factory=list)
    unrouted: int = 0
    failed: int = 0
    entries: list[dict[str, str]] = field(default_factory=list)

    def answer(self) -> bytes:
        """Return the body of the answer."""
        return orjson.dumps({"FailedEntryCount": self.failed, "Entries": self.entries})


def check_headers(headers: dict[bytes, bytes]) -> None:
    """Refuse a call that is no PutEvents call in JSON 1.1.

    Raises:
        Refusal: another operation, or another content type.
    """
    if headers.get(b"x-amz-target") != TARGET:
        raise Refusal(
            Reason.UNKNOWN_OPERATION, "The header X-Amz-Target must be AWSEvents.PutEvents."
        )
    content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type != CONTENT_TYPE:
        raise Refusal(Reason.MALFORMED, "The content type must be application/x-amz-json-1.1.")


def read_call(body: bytes, clock: Clock) -> Call:
    """Judge a PutEvents call as EventBridge does, entry by entry.

    An entry whose Detail is a JSON object is accepted, whatever the object holds: whether it is
    an update is decided when it is recorded.

    Raises:
        Refusal: the call as a whole is not accepted.
    """
    entries = _entries(body)
    # A body is never smaller than what it holds, but for the fixed size of a Time.
    may_exceed = len(body) + MAX_ENTRIES * TIME_SIZE >= SIZE_LIMIT
    if may_exceed and sum(map(_size, entries)) >= SIZE_LIMIT:
        raise Refusal(Reason.INVALID, "Total size of the entries in the request is over the limit.")
    now = clock.now() // times.SECOND * times.SECOND
    call = Call()
    for entry in entries:
        _judge(entry, call, clock, now)
    return call


def _entries(body: bytes) -> list[dict[str, Any]]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(Reason.MALFORMED, "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(Reason.MALFORMED, "The body must be a JSON object.")
    entries = value.get("Entries")
    if entries is None:
        raise _invalid("entries", "Member must not be null")
    if not isinstance(entries, list):
        raise Refusal(Reason.MALFORMED, "Entries must be a list.")
    if not entries:
        raise _invalid("entries", "Member must have length greater than or equal to 1")
    if len(entries) > MAX_ENTRIES:
        raise _invalid("entries", f"Member must have length less than or equal to {MAX_ENTRIES}")
    for number, entry in enumerate(entries, 1):
        _check_types(entry, number)
    return entries


def _invalid(path: str, constraint: str) -> Refusal:
    return Refusal(
        Reason.INVALID,
        f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {constraint}",
    )


_TEXTS: Final = ("Source", "DetailType", "Detail", "EventBusName", "TraceHeader")


def _check_types(entry: object, number: int) -> None:
    if not isinstance(entry, dict):
        raise Refusal(Reason.MALFORMED, f"Entries[{number}] must be an object.")
    for name in _TEXTS:
        if (value := entry.get(name)) is not None and not isinstance(value, str):
            raise Refusal(Reason.MALFORMED, f"Entries[{number}].{name} must be text.")
    if entry.get("Resources") is not None:
        _check_resources(entry["Resources"], number)
    bus = entry.get("EventBusName")
    if bus is not None and (len(bus) > _BUS_LIMIT or not _BUS.fullmatch(bus)):
        path = f"entries.{number}.member.eventBusName"
        raise _invalid(path, "Member must be the name or the ARN of an event bus")
    if entry.get("Time") is not None:
        entry["Time"] = _read_time(entry["Time"], f"Entries[{number}].Time")


def _check_resources(resources: object, number: int) -> None:
    if not isinstance(resources, list) or any(
        resource is not None and not isinstance(resource, str) for resource in resources
    ):
        raise Refusal(Reason.MALFORMED, f"Entries[{number}].Resources must be a list of texts.")


def _read_time(value: object, path: str) -> int:
    """Return the time in epoch milliseconds, whole seconds, as EventBridge keeps it."""
    if isinstance(value, str):
        try:
            value = times.parse_time(value)[0] / times.SECOND
        except ValueError as error:
            raise Refusal(Reason.MALFORMED, f"{path} {error}.") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(Reason.MALFORMED, f"{path} must be a number of seconds since 1970-01-01.")
    return min(max(math.floor(value), _FIRST_SECOND), _LAST_SECOND) * times.SECOND


def _size(entry: dict[str, Any]) -> int:
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail")]
    texts += entry.get("Resources") or ()
    size = sum(len(text.encode()) for text in texts if text)
    return size if entry.get("Time") is None else size + TIME_SIZE


def _judge(entry: dict[str, Any], call: Call, clock: Clock, now: int) -> None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            _fail(call, "InvalidArgument", name, f"{name} is a required argument.")
            return
    if len(entry["DetailType"]) > DETAIL_TYPE_LIMIT:
        reason = f"DetailType must have at most {DETAIL_TYPE_LIMIT} characters."
        _fail(call, "InvalidArgument", "DetailType", reason)
        return
    raw = entry["Detail"]
    try:
        detail = orjson.loads(raw)
    except orjson.JSONDecodeError:
        detail = None
    if not isinstance(detail, dict):
        call.failed += 1
        call.entries.append(
            {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        )
        return
    event_id = clock.new_id()
    call.entries.append({"EventId": event_id})
    if _is_routed(entry):
        time = entry.get("Time")
        call.events.append(
            Event(
                id=event_id,
                source=entry["Source"],
                time=now if time is None else time,
                detail=detail,
                raw=raw,
            )
        )
    else:
        call.unrouted += 1


def _fail(call: Call, code: str, name: str, reason: str) -> None:
    call.failed += 1
    message = f"Parameter {name} is not valid. Reason: {reason}"
    call.entries.append({"ErrorCode": code, "ErrorMessage": message})


def _is_routed(entry: dict[str, Any]) -> bool:
    bus = entry.get("EventBusName") or "default"
    return (
        entry["Source"] == SOURCE
        and entry["DetailType"] == DETAIL_TYPE
        and (bus == "default" or bus.endswith(":event-bus/default"))
    )
