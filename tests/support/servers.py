"""Real servers on 127.0.0.1 for the tests of what talks to servers, good ones and bad ones."""

from __future__ import annotations

import ssl
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, SO_REUSEADDR, SOL_SOCKET, create_server, socket
from typing import TYPE_CHECKING, Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

CERTIFICATE = Path(__file__).parent / "certificates" / "loopback.pem"


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port on which nobody listens, and that the system gives to nobody else meanwhile.

    Whoever is told its number can listen there.
    """
    with socket() as holder:
        holder.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        if sys.platform != "linux":
            holder.close()  # elsewhere nobody could listen on a port that is bound
        yield port


class _AnyPort(Controller):
    """A controller that lets the machine choose the port."""

    def _create_server(self) -> Any:
        return self._listen()

    async def _listen(self) -> asyncio.AbstractServer:
        server = await self.loop.create_server(
            self._factory_invoker, host=self.hostname, port=0, ssl=self.ssl_context
        )
        self.port = server.sockets[0].getsockname()[1]
        return server


@dataclass
class MailServer:
    """An SMTP server. ``replies`` says how it answers a recipient; the rest are other answers."""

    tls: str = "none"
    login: tuple[str, str] | None = None
    replies: dict[str, str] = field(default_factory=dict)
    sender_reply: str = ""
    data_reply: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        context = server_tls()
        self._controller = _AnyPort(
            self,
            hostname="127.0.0.1",
            ssl_context=context if self.tls == "implicit" else None,
            tls_context=context if self.tls == "starttls" else None,
            require_starttls=self.tls == "starttls",
            authenticator=self._authenticate if self.login else None,
            auth_require_tls=self.tls == "starttls" or not self.login,
        )
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return self._controller.port

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given[0])
        return AuthResult(success=given == self.login, handled=False)

    async def handle_MAIL(  # noqa: N802 (aiosmtpd calls it so)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.login and not session.authenticated:
            return "530 log in first"
        envelope.mail_from = address
        return self.sender_reply or "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd calls it so)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address not in self.replies:
            envelope.rcpt_tos.append(address)
        return self.replies.get(address, "250 OK")

    async def handle_DATA(  # noqa: N802 (aiosmtpd calls it so)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data_reply.startswith("2"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            self.mails.append(mail)
            self.envelopes.append(envelope)
        return self.data_reply


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes
    answer: int


class HookServer:
    """An HTTP server that keeps what is posted to it, and answers as it is told to."""

    def __init__(self, *, tls: bool = False) -> None:
        self.status = 204
        self.delay = 0.0
        self.headers: dict[str, str] = {}
        self.requests: list[Request] = []
        self.answers: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            self._server.socket = server_tls().wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_port

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                time.sleep(hook.delay)
                hook.requests.append(Request(self.path, headers, body, hook.status))
                hook.answers.append(hook.status)
                self.send_response(hook.status)
                for name, value in hook.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
                pass

        return Handler


@contextmanager
def raw_server(talk: Callable[[socket, threading.Event], None], port: int = 0) -> Iterator[int]:
    """A server that does with each connection what ``talk`` does; its event says: stop."""
    stop = threading.Event()
    talks: list[threading.Thread] = []

    def one(connection: socket) -> None:
        with connection, suppress(OSError):  # the client may leave at any time
            talk(connection, stop)

    def accept() -> None:
        with suppress(OSError):  # the listener was shut
            while True:
                connection, _ = listener.accept()
                talks.append(threading.Thread(target=one, args=(connection,)))
                talks[-1].start()

    with create_server(("127.0.0.1", port)) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            listener.shutdown(SHUT_RDWR)
            acceptor.join()
            for thread in talks:
                thread.join()


def say_nothing(connection: socket, stop: threading.Event) -> None:
    stop.wait()


def hang_up(connection: socket, stop: threading.Event) -> None:
    """Close the connection at once."""


def drip(text: bytes) -> Callable[[socket, threading.Event], None]:
    """Say the same again and again, always in time for the next step's time-out."""

    def talk(connection: socket, stop: threading.Event) -> None:
        while not stop.wait(0.05):
            connection.sendall(text)

    return talk
