from __future__ import annotations

import os
import resource
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.support.serving import entry, make_services, serving
from waypost.core.errors import InvalidSettings, StoreUnavailable
from waypost.ports import Metric, Outcome
from waypost.server import App, Server
from waypost.server import app as app_module
from waypost.server.refusals import Reason
from waypost.server.serving import allow_files
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.core.entries import Entry

WIRE = {"X-Amz-Target": "AWSEvents.PutEvents", "Content-Type": "application/x-amz-json-1.1"}


@pytest.fixture
def app() -> App:
    return App(make_services(MemoryStore()))


def nothing(_host: str, _port: int) -> None:
    pytest.fail("it must not become ready")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 (to be refused)
def test_without_keys_it_binds_nothing_but_loopback(app: App, host: str) -> None:
    with pytest.raises(InvalidSettings, match="loopback"):
        Server(app, host, 0, on_ready=nothing)
    app.close()


def test_a_port_that_is_taken_is_an_os_error(app: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Server(app, "127.0.0.1", taken.getsockname()[1], on_ready=nothing)
    app.close()


def test_with_keys_it_binds_any_address() -> None:
    app = App(make_services(MemoryStore(), access_keys={"AKID": "secret"}))
    Server(app, "0.0.0.0", 0, on_ready=nothing)._socket.close()  # noqa: S104 (with keys it may)
    app.close()


def test_it_serves_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as why:
        pytest.skip(f"this machine has no IPv6: {why}")
    with serving(MemoryStore(), host="::1") as site:
        assert httpx2.get(f"http://[::1]:{site.port}/healthz").status_code == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_the_caller_goes_on(app: App, number: signal.Signals) -> None:
    before, threads = signal.getsignal(number), set(threading.enumerate())
    Server(app, "127.0.0.1", 0, on_ready=lambda *_: os.kill(os.getpid(), number)).run()
    assert signal.getsignal(number) is before
    assert set(threading.enumerate()) <= threads


class SlowStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        self.entered.set()
        time.sleep(0.5)
        return super().append(entries, quiet=quiet)


def test_what_is_under_way_is_answered_before_it_ends() -> None:
    store = SlowStore()
    answers: list[int] = []
    with serving(store) as site:

        def call() -> None:
            response = httpx2.post(site.url, headers=WIRE, json={"Entries": [entry()]})
            answers.append(response.status_code)

        caller = threading.Thread(target=call)
        caller.start()
        assert store.entered.wait(60)
        site.server.should_exit = True
    caller.join()
    assert answers == [200]
    assert len(store.history("SHIP-1")) == 1


class FailingStore(MemoryStore):
    def append(self, entries: object, *, quiet: bool = False) -> list[Outcome]:
        raise StoreUnavailable("the disk is full")


def test_a_store_that_fails_is_never_acknowledged() -> None:
    with serving(FailingStore()) as site:
        response = httpx2.post(site.url, headers=WIRE, json={"Entries": [entry()] * 3})
        assert response.status_code == 503
        assert response.json()["__type"] == "ServiceUnavailable"
        assert response.headers["x-amzn-requestid"]
        assert "EventId" not in response.text
        assert site.metrics.value(Metric.REFUSED, Reason.UNAVAILABLE.code) == 1


class BrokenStore(MemoryStore):
    def append(self, entries: object, *, quiet: bool = False) -> list[Outcome]:
        raise ZeroDivisionError("SECRET")


def test_a_bug_is_an_internal_exception_that_says_nothing_of_itself() -> None:
    with serving(BrokenStore()) as site:
        response = httpx2.post(site.url, headers=WIRE, json={"Entries": [entry()]})
        assert response.status_code == 500
        assert response.json()["__type"] == "InternalException"
        assert "SECRET" not in response.text


def test_all_bodies_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "MAX_HELD", 1_000)
    with serving(MemoryStore()) as site:
        big = {"Entries": [entry(note="x" * 1_000)]}
        for _ in range(3):
            response = httpx2.post(site.url, headers=WIRE, json=big)
            assert response.json()["__type"] == "ThrottlingException"
        response = httpx2.post(site.url, headers=WIRE, json={"Entries": [entry()]})
        assert response.status_code == 200


def test_a_page_that_rebinds_its_name_is_refused() -> None:
    with serving(MemoryStore()) as site:
        response = httpx2.post(
            site.url, headers=WIRE | {"Host": "evil.example"}, json={"Entries": [entry()]}
        )
        assert response.status_code == 403
        assert response.json()["__type"] == "AccessDeniedException"


def test_metrics_count_what_is_not_routed() -> None:
    with serving(MemoryStore()) as site:
        other = entry() | {"Source": "other"}
        response = httpx2.post(site.url, headers=WIRE, json={"Entries": [other, other]})
        assert response.json()["FailedEntryCount"] == 0
        assert site.metrics.value(Metric.UNROUTED) == 2


class Limits:
    """The limit of open files, as the system keeps it."""

    def __init__(self, soft: int, hard: int, bound: int = 1 << 40) -> None:
        self.now = (soft, hard)
        self._bound = bound

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.now

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        if limits[0] > self._bound:
            raise ValueError
        self.now = limits


@pytest.mark.parametrize(
    ("limits", "then", "warned"),
    [
        (Limits(1_024, 20_000), (1_100, 20_000), False),
        (Limits(1_024, resource.RLIM_INFINITY), (1_100, resource.RLIM_INFINITY), False),
        (Limits(5_000, 20_000), (5_000, 20_000), False),
        (Limits(resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, False),
        (Limits(256, 512), (512, 512), True),
        (Limits(256, resource.RLIM_INFINITY, bound=512), None, True),
    ],
)
def test_it_has_a_file_for_each_connection_as_far_as_the_system_lets_it(
    limits: Limits,
    then: tuple[int, int] | None,
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    then = then or limits.now
    monkeypatch.setattr(resource, "getrlimit", limits.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", limits.setrlimit)
    allow_files(1_000)
    assert limits.now == then
    assert bool(caplog.records) == warned
