from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

import pytest
import standardwebhooks.webhooks
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.clocks import NOON, FakeClock
from tests.support.messages import alert, message, rejected
from tests.support.servers import (
    CERTIFICATE,
    HookServer,
    drip,
    hang_up,
    raw_server,
    reserved_port,
    say_nothing,
)
from waypost.core.errors import NotifyFailed
from waypost.notifiers.webhook import WebhookNotifier

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from socket import socket
    from typing import Self

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def notifier(
    port: int, *, scheme: str = "http", path: str = "/hook?token=hush", timeout: float = 30
) -> WebhookNotifier:
    url = f"{scheme}://127.0.0.1:{port}{path}"
    return WebhookNotifier(url=url, secret=SECRET, clock=FakeClock(), timeout=timeout)


def refusal(sender: WebhookNotifier) -> NotifyFailed:
    with pytest.raises(NotifyFailed) as raised:
        sender.send(message())
    assert "hush" not in str(raised.value)
    return raised.value


# --- what the server answers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (404, True),
        (410, True),
        (422, True),
        (408, False),
        (425, False),
        (429, False),
        (301, False),
        (304, False),
        (500, False),
        (503, False),
    ],
)
def test_an_answer_other_than_2xx_is_a_failure(status: int, permanent: bool) -> None:
    with HookServer() as server:
        server.status = status
        failed = refusal(notifier(server.port))
    assert failed.permanent is permanent
    assert str(failed) == f"127.0.0.1 answered {status}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    with HookServer() as server:
        server.status = status
        notifier(server.port).send(message())
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed() -> None:
    with HookServer() as server:
        server.status = 307
        server.headers = {"Location": f"http://127.0.0.1:{server.port}/elsewhere"}
        refusal(notifier(server.port))
    assert [request.path for request in server.requests] == ["/hook?token=hush"]


# --- servers that do not answer properly -------------------------------------------------------


def test_a_refused_connection_is_transient() -> None:
    with reserved_port() as port:
        failed = refusal(notifier(port))
    assert not failed.permanent
    assert "Connection refused" in str(failed)


@pytest.mark.parametrize(
    ("talk", "seconds", "words"),
    [
        (hang_up, 30, "closed|reset|Broken pipe"),
        (say_nothing, 0.3, "timed out|not done after 0.3 s"),
        # What drips is late now and then, on a busy machine; without a limit it would never end.
        (drip(b"HTTP/1.1 100 Continue\r\n\r\n"), 1, "not done after 1 s|timed out"),
        (drip(b"220 mail here\r\n"), 30, "220 mail here|BadStatusLine|reset|Broken pipe"),
        (drip(b"HTTP/1.1 200 OK " + b"x" * 70_000), 30, "status line|reset|Broken pipe"),
    ],
)
def test_a_server_that_does_not_answer_properly_is_transient_and_takes_bounded_time(
    talk: Callable[[socket, threading.Event], None], seconds: float, words: str
) -> None:
    with raw_server(talk) as port:
        failed = refusal(notifier(port, timeout=seconds))
    assert not failed.permanent
    assert re.search(words, str(failed))


def answer_without_end(connection: socket, stop: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not stop.is_set():
        connection.sendall(b"x" * 65_536)


def test_the_body_of_an_answer_is_not_read() -> None:
    with raw_server(answer_without_end) as port:
        notifier(port, timeout=30).send(message())


def test_a_certificate_that_is_not_trusted_is_transient() -> None:
    with HookServer(tls=True) as server:
        failed = refusal(notifier(server.port, scheme="https"))
    assert not failed.permanent
    assert "certificate verify failed" in str(failed)
    assert server.requests == []


def test_a_certificate_that_the_system_trusts_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with HookServer(tls=True) as server:
        notifier(server.port, scheme="https").send(message())
    assert len(server.requests) == 1


# --- the call itself ---------------------------------------------------------------------------


class _Frozen(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(NOON / 1000, tz)


def test_the_signature_is_what_the_specification_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", _Frozen)
    with HookServer() as server:
        notifier(server.port).send(message())
    [request] = server.requests
    assert request.headers["webhook-id"] == message().message_id
    assert request.headers["webhook-timestamp"] == str(NOON // 1000)
    assert request.headers["content-type"] == "application/json"
    Webhook(SECRET).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"LOST", b"LAST"), request.headers)


def test_a_later_try_is_signed_anew_under_the_same_id() -> None:
    clock = FakeClock()
    with HookServer() as server:
        sender = WebhookNotifier(
            url=f"http://127.0.0.1:{server.port}", secret=SECRET, clock=clock, timeout=30
        )
        sender.send(message())
        clock.time += 3_600_000
        sender.send(message())
    first, second = server.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.headers["webhook-timestamp"] == str(NOON // 1000 + 3_600)
    expected = Webhook(SECRET).sign(
        message().message_id,
        datetime.fromtimestamp(NOON // 1000 + 3_600, UTC),
        second.body.decode(),
    )
    assert second.headers["webhook-signature"] == expected != first.headers["webhook-signature"]
    assert first.path == "/"


def test_the_body_of_alerts() -> None:
    sent = message(counts={"LOST": 4_999, "DELAYED": 1}, alerts=(alert(), alert(location="Zürich")))
    with HookServer() as server:
        notifier(server.port).send(sent)
    assert json.loads(server.requests[0].body) == {
        "type": "waypost.alerts",
        "timestamp": "2026-03-02T12:00:00.000Z",
        "data": {
            "messageId": "10000000-0000-4000-8000-000000000001",
            "subject": "Logistics Alert: LOST - SHIP-1",
            "total": 5_000,
            "counts": {"LOST": 4_999, "DELAYED": 1},
            "alerts": [alert(), alert(location="Zürich")],
        },
    }


def test_the_body_of_rejections() -> None:
    with HookServer() as server:
        notifier(server.port).send(rejected({"status: is missing": 12}))
    body = json.loads(server.requests[0].body)
    assert body["type"] == "waypost.rejected"
    assert body["data"]["counts"] == {"status: is missing": 12}
    assert body["data"]["alerts"] == []


# --- how it is set up --------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://", "/hook", "hook"])
def test_a_url_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="needs a host"):
        WebhookNotifier(url=url, secret=SECRET, clock=FakeClock())


@pytest.mark.parametrize(
    ("url", "port"), [("https://[::1]/x", 443), ("http://[::1]", 80), ("http://[::1]:81", 81)]
)
def test_the_port_is_found_beside_an_ipv6_address(url: str, port: int) -> None:
    connection = WebhookNotifier(url=url, secret=SECRET, clock=FakeClock())._connection()
    assert (connection.host, connection.port) == ("::1", port)
