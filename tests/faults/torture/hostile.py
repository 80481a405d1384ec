"""What no honest client sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD: Final = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CALL: Final = (
    HEAD
    + b"Connection: close\r\nX-Amz-Target: AWSEvents.PutEvents\r\nContent-Type: application/x-amz-json-1.1\r\n"
    + b"Content-Length: %d\r\n\r\n"
)
"""A call after which the connection is closed; the length of its body is to be filled in."""

HEALTH: Final = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
_MILLION: Final = 1_000_000


def calls() -> Iterator[bytes]:
    """Bodies of PutEvents calls."""
    yield b"[" * _MILLION
    yield b'{"Entries":' * 100_000
    yield b'{"Entries":[' + b"[" * 1_000 + b"]" * 1_000 + b"]}"
    yield b"9" * _MILLION
    yield b'{"Entries":[{"Time":1e999999}]}'
    yield b'{"Entries":[{"Time":' + b"9" * 100_000 + b"}]}"
    yield b"{" + b",".join(b'"%d":1' % number for number in range(600_000)) + b"}"
    yield b"{" + b'"a":1,' * _MILLION + b'"a":1}'
    yield b'{"Entries":[' + b"{}," * _MILLION + b"{}]}"
    yield b'"' + b"\\u0000" * _MILLION + b'"'
    yield b'{"Entries":"\xff\xfe"}'
    yield b'{"Entries":[{"Detail":"\\ud800"}]}'
    yield b""
    yield b"\x00" * _MILLION


def details() -> Iterator[bytes]:
    """What claims to be an update, within the size of a call."""
    yield b"[" * 500_000
    yield b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield b'{"a":' * 1_000 + b"1" + b"}" * 1_000
    yield b'{"shipmentId":' + b"9" * 400_000 + b"}"
    yield b'{"shipmentId":1e308,"status":-0.0,"occurredAt":1e400}'
    yield b'{"occurredAt":' + b"9" * 5_000 + b"}"
    yield b"{" + b",".join(b'"%d":1' % number for number in range(60_000)) + b"}"
    yield b'{"shipmentId":"' + b"x" * 900_000 + b'","status":"LOST"}'
    yield b'{"shipmentId":"\\u0000","status":"\\ud800"}'
    yield b'{"shipmentId":{"status":[]},"status":{},"eventId":[],"occurredAt":{}}'
    yield b"NaN"
    yield b'{"shipmentId":NaN,"status":Infinity}'
