"""Whoever has the data folder does the work: a command itself, or the server that runs."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.servers import reserved_port
from waypost.bootstrap import FolderLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.conftest import Waypost

KEYS = {"WAYPOST_ACCESS_KEYS": "AKIAEXAMPLE:0123456789abcdef0123"}


@contextmanager
def folder_of(waypost: Waypost, address: str) -> Iterator[FolderLock]:
    """Have the data folder as if a server had it."""
    lock = FolderLock(waypost.data)
    lock.publish(address)
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that always answers the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def error(message: str, *problems: tuple[str, str]) -> bytes:
    listed = [{"path": path, "message": what} for path, what in problems]
    return json.dumps({"error": {"message": message, "problems": listed}}).encode()


def test_a_server_that_is_gone_is_said(waypost: Waypost) -> None:
    with reserved_port() as port, folder_of(waypost, f"http://127.0.0.1:{port}"):
        ran = waypost.put("S", "LOST", code=3)

    assert "does not answer as it should" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, b"no json", 3, "does not answer as it should"),
        (404, error("Not found: no shipment S."), 1, "Not found: no shipment S."),
        (422, error("Bad.", ("a", "is b"), ("c", "is d")), 1, "  a: is b\n  c: is d"),
        (403, error("The security token is invalid."), 1, "refused: The security token"),
        (503, error("The store is unavailable."), 3, "cannot do it now: The store"),
        (500, error("Something unexpected."), 3, "cannot do it now: Something"),
        (502, b"[]", 3, "does not answer as it should"),
        (502, b'{"error": "of a proxy"}', 3, "does not answer as it should"),
    ],
)
def test_what_a_server_answers_decides_the_exit_code(
    waypost: Waypost, status: int, body: bytes, code: int, said: str
) -> None:
    with answering(status, body) as address, folder_of(waypost, address):
        assert said in waypost.put("S", "LOST", code=code).err


def test_a_folder_in_use_is_waited_for(waypost: Waypost) -> None:
    lock = FolderLock(waypost.data)
    Timer(0.3, lock.release).start()

    waypost.put("S", "LOST")


def test_but_not_for_ever(waypost: Waypost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.cli.hands.PATIENCE", 0.2)
    with folder_of(waypost, ""):
        began = time.monotonic()
        ran = waypost.put("S", "LOST", code=3)

    assert "is in use by another waypost process" in ran.err
    assert 0.2 <= time.monotonic() - began < 60


def test_a_folder_that_cannot_be_made_is_said(waypost: Waypost) -> None:
    ran = waypost.put("S", "LOST", "--data", "/proc/no/such", code=3)

    assert "/proc/no/such cannot be written to" in ran.err


def test_alerts_that_wait_for_a_server_are_said(waypost: Waypost) -> None:
    assert "Alerts that wait: 1." in waypost.put("S", "LOST").err


def test_the_folder_is_free_after_a_failure(waypost: Waypost) -> None:
    waypost("incidents", "ack", "S", "LOST", code=1)
    waypost.put("S", "LOST")


@pytest.mark.parametrize("env", [{}, KEYS], ids=["unsigned", "signed"])
def test_all_goes_through_the_server_when_there_is_one(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch, env: dict[str, str]
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with waypost.serving(env):
        assert "recorded" in waypost.put("S", "LOST", "--event-id", "e1").out
        assert "rejected" in waypost.put("S", "", code=1).err
        waypost.put("S", "beamed", "--carrier", "Ü & Co / 1?")
        waypost("unmapped", "map", "beamed", "DAMAGED", "--carrier", "Ü & Co / 1?")
        waypost("incidents", "ack", "S", "LOST")
        waypost("incidents", "ack", "S", "DELAYED", code=1)
        waypost("retract", "S", "e1", "--reason", "wrong parcel")
        waypost("retract", "S", "e2", code=1)
        waypost("rejected", "replay", "--all", code=1)
        [rejected] = waypost("rejected", "--json").rows
        waypost("rejected", "replay", rejected["rejectionId"][:8], code=1)
        waypost("rejected", "drop", rejected["rejectionId"][:8])
        waypost("alerts", "resend", "no-such-message", code=1)
        detail = {"shipmentId": "T", "status": "PENDING", "occurredAt": "2026-03-02T12:00:00Z"}
        stdin = f"{json.dumps(detail)}\n{json.dumps(detail)}\nno json".encode()
        ran = waypost("import", "-", "--quiet", stdin=stdin, code=1)
        assert "1 recorded, 1 duplicates, 1 rejected" in ran.out
        assert "2 shipments folded" in waypost("rederive").out

    tracked = waypost("track", "S", "--json").row
    assert tracked["conditions"] == ["DAMAGED"]
    assert tracked["retracted"] == 1
    assert [row["state"] for row in waypost("rejected", "--all", "--json").rows] == [
        "dropped",
        "open",
    ]


def test_wrong_keys_are_refused(waypost: Waypost, monkeypatch: pytest.MonkeyPatch) -> None:
    with waypost.serving(KEYS):
        assert "the server refused" in waypost.put("S", "LOST", code=1).err
        monkeypatch.setenv("WAYPOST_ACCESS_KEYS", "AKIAEXAMPLE:another-secret-0123456")
        assert "the server refused" in waypost.put("S", "LOST", code=1).err


def test_a_second_server_is_told_where_the_first_is(waypost: Waypost) -> None:
    with waypost.serving() as address:
        assert f"in use by the server at {address}" in waypost("serve", code=3).err


def test_a_port_that_is_taken_is_said(waypost: Waypost) -> None:
    with answering(200, b"") as address:
        ran = waypost("serve", "--port", address.rpartition(":")[2], code=3)

    assert f"cannot listen on {address}: Address already in use; name another with" in ran.err
    waypost.put("S", "LOST")


def test_a_server_that_folds_nothing_is_not_waited_for(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    waypost.put("S", "LOST")
    monkeypatch.setattr("waypost.cli.remote.STUCK", 0.1)
    monkeypatch.setattr("waypost.stores.sqlite.SqliteStore.refolds", lambda *_: ["S"])
    with answering(200, b'{"shipments": 1}') as address, folder_of(waypost, address):
        ran = waypost("rederive", code=3)

    assert "has 1 shipments to fold, and folds none of them" in ran.err
