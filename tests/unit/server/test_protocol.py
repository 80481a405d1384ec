"""Raw sockets against a real server with small bounds."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.serving import Site, entry, serving
from waypost.ports import Metric
from waypost.server import Bounds
from waypost.server.protocol import MAX_PIPELINED
from waypost.server.refusals import Reason
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUNDS = Bounds(
    connections=5,
    surplus=2,
    header_bytes=2_048,
    body_bytes=10_000,
    header_seconds=60,
    body_seconds=60,
    answer_seconds=60,
    idle_seconds=60,
)
"""Small, but for the times: those are for `hasty`, and for tests that do nothing meanwhile."""
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
WIRE = (
    HEAD
    + b"X-Amz-Target: AWSEvents.PutEvents\r\nContent-Type: application/x-amz-json-1.1\r\n"
    + b"Content-Length: %d\r\n\r\n%s"
)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class SlowStore(MemoryStore):
    """Takes its time to look after itself."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def check(self) -> None:
        assert self.gate.wait(60)


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


@pytest.fixture
def site(store: SlowStore) -> Iterator[Site]:
    with serving(store, bounds=BOUNDS) as site:
        yield site
        store.gate.set()


@pytest.fixture
def hasty(store: SlowStore) -> Iterator[Site]:
    with serving(store, bounds=replace(BOUNDS, header_seconds=0.6, body_seconds=0.6)) as site:
        yield site


@contextlib.contextmanager
def connected(site: Site) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as peer:
        yield peer


def read(peer: socket.socket) -> bytes:
    """Read until the server closes; a reset counts as that."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := peer.recv(65_536):
            received += chunk
    return received


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split()[1])


def check_refused(site: Site, answer: bytes, reason: Reason) -> None:
    assert status(answer) == reason.status
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert json.loads(body)["__type"] == reason.code
    assert site.metrics.value(Metric.REFUSED, reason.code) == 1


def drip(peer: socket.socket, data: bytes, seconds: float = 30) -> bytes:
    """Send ``data`` again and again, until the server answers or closes."""
    peer.settimeout(0.05)
    end = time.monotonic() + seconds
    received = b""
    while time.monotonic() < end:
        try:
            peer.sendall(data)
            chunk = peer.recv(65_536)
        except TimeoutError:
            continue
        except OSError:
            return received
        if not chunk:
            return received
        received += chunk
    pytest.fail("the server never gave up")


@pytest.mark.parametrize(
    ("first", "again"),
    [(b"", b""), (b"", b"\r\n"), (HEAD, b"X-A: b\r\n"), (HEAD + b"X-A: ", b"b"), (b"POST /", b"a")],
    ids=["silent", "empty lines", "headers", "a header", "a path"],
)
def test_slow_headers_are_answered_408(hasty: Site, first: bytes, again: bytes) -> None:
    with connected(hasty) as peer:
        peer.sendall(first)
        check_refused(hasty, drip(peer, again), Reason.TOO_SLOW)


@pytest.mark.parametrize(
    ("head", "again"),
    [
        (b"Content-Length: 5000\r\n\r\n", b"x"),
        (b"Content-Length: 5000\r\n\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["slow", "never", "chunks"],
)
def test_a_slow_body_is_answered_408(hasty: Site, head: bytes, again: bytes) -> None:
    with connected(hasty) as peer:
        peer.sendall(HEAD + head)
        check_refused(hasty, drip(peer, again), Reason.TOO_SLOW)


def test_a_body_that_says_it_is_too_large_is_answered_before_it_is_sent(site: Site) -> None:
    with connected(site) as peer:
        peer.sendall(HEAD + b"Content-Length: 10001\r\n\r\n")
        check_refused(site, peer.recv(65_536), Reason.TOO_LARGE)


def test_a_peer_that_goes_on_sending_still_reads_the_answer(site: Site) -> None:
    with connected(site) as peer:
        peer.sendall(HEAD + b"Content-Length: 9000000\r\n\r\n" + b"x" * 9_000_000)
        check_refused(site, peer.recv(65_536), Reason.TOO_LARGE)


def test_an_endless_body_is_answered_413(site: Site) -> None:
    with connected(site) as peer:
        peer.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        check_refused(site, drip(peer, b"400\r\n" + b"x" * 1_024 + b"\r\n"), Reason.TOO_LARGE)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (HEAD, b"X-A: " + b"b" * 500 + b"\r\n"),
        (HEAD + b"X-A: ", b"b" * 500),
        (b"GET /", b"a" * 500),
    ],
    ids=["many", "one", "path"],
)
def test_endless_headers_are_answered_431(site: Site, first: bytes, again: bytes) -> None:
    with connected(site) as peer:
        peer.sendall(first)
        check_refused(site, drip(peer, again), Reason.TOO_MANY_HEADERS)


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"Bad\x00Name: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_answered_400(site: Site, data: bytes) -> None:
    with connected(site) as peer:
        peer.sendall(data)
        check_refused(site, peer.recv(65_536), Reason.BAD_HTTP)


def test_more_pipelined_requests_than_may_wait_are_refused(site: Site, store: SlowStore) -> None:
    with connected(site) as peer:
        peer.sendall(HEALTH.replace(b"healthz", b"readyz") + HEALTH * (MAX_PIPELINED + 1))
        check_refused(site, peer.recv(65_536), Reason.BAD_HTTP)


def test_pipelined_requests_are_answered_in_turn(site: Site) -> None:
    with connected(site) as peer:
        peer.sendall(HEALTH * MAX_PIPELINED)
        received = b""
        while received.count(b'{"status":"ok"}') < MAX_PIPELINED:
            received += peer.recv(65_536)


def test_an_answer_that_does_not_come_cuts_the_connection(store: SlowStore) -> None:
    with serving(store, bounds=replace(BOUNDS, answer_seconds=0.6)) as site:
        with connected(site) as peer:
            peer.sendall(HEALTH.replace(b"healthz", b"readyz"))
            assert read(peer) == b""
        store.gate.set()


def test_a_peer_that_goes_away_in_a_body_leaves_nothing_behind(site: Site) -> None:
    with connected(site) as peer:
        peer.sendall(HEAD + b"Content-Length: 100\r\n\r\nabc")
    deadline = time.monotonic() + 30
    while site.server.server_state.connections or site.server.server_state.tasks:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_idle_connection_is_closed(store: SlowStore) -> None:
    with serving(store, bounds=replace(BOUNDS, idle_seconds=1)) as site, connected(site) as peer:
        peer.sendall(HEALTH)
        assert status(peer.recv(65_536)) == 200
        assert peer.recv(1) == b""


def test_empty_lines_do_not_keep_an_idle_connection(store: SlowStore) -> None:
    with serving(store, bounds=replace(BOUNDS, header_seconds=2)) as site, connected(site) as peer:
        peer.sendall(HEALTH)
        assert status(peer.recv(65_536)) == 200
        check_refused(site, drip(peer, b"\r\n"), Reason.TOO_SLOW)


def test_one_connection_too_many_is_answered_503_and_the_others_go_on(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(connected(site)) for _ in range(BOUNDS.connections)]
        peers[0].sendall(HEALTH)
        assert status(peers[0].recv(65_536)) == 200
        surplus = stack.enter_context(connected(site))
        surplus.sendall(HEALTH)
        answer = read(surplus)
        assert status(answer) == 503
        assert b"connection: close" in answer
        peers[0].sendall(HEALTH)
        assert status(peers[0].recv(65_536)) == 200
    assert site.metrics.value(Metric.REFUSED, Reason.UNAVAILABLE.code) == 1


def test_beyond_the_surplus_connections_are_closed_at_once(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(BOUNDS.connections + BOUNDS.surplus):
            stack.enter_context(connected(site))
        one_more = stack.enter_context(connected(site))
        one_more.settimeout(BOUNDS.header_seconds / 2)
        assert read(one_more) == b""


def test_one_connection_serves_many_calls(site: Site, store: SlowStore) -> None:
    with connected(site) as peer:
        for number in range(20):
            body = json.dumps({"Entries": [entry(f"S-{number}")]}).encode()
            peer.sendall(WIRE % (len(body), body))
            answer = peer.recv(65_536)
            assert status(answer) == 200
            assert b"EventId" in answer
    assert len(list(store.entries())) == 20


def test_a_call_in_two_parts_is_whole(site: Site, store: SlowStore) -> None:
    body = json.dumps({"Entries": [entry()]}).encode()
    call = WIRE % (len(body), body)
    with connected(site) as peer:
        for part in (call[:30], call[30:-10], call[-10:]):
            peer.sendall(part)
            time.sleep(0.05)
        assert status(peer.recv(65_536)) == 200
    assert len(store.history("SHIP-1")) == 1
