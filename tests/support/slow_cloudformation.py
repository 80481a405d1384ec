"""A local AWS on which CloudFormation takes as long as a test wants."""

from __future__ import annotations

import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs

import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator

_END_TO_END: Final = frozenset({"connection", "content-length", "date", "server"})
"""Headers of an answer that are not handed on as they are."""


class Wait(NamedTuple):
    """Where CloudFormation says how far it is.

    Attributes:
        action: the call.
        element: of its answer.
    """

    action: str
    element: str


OF_A_CHANGE_SET: Final = Wait("DescribeChangeSet", "Status")
OF_A_STACK: Final = Wait("DescribeStacks", "StackStatus")


class SlowCloudFormation(ThreadingHTTPServer):
    """Hands every call on, and says of what is whole that it is still being made.

    Attributes:
        url: where it answers.
        said: set once it has said so.
        is_over: to be set by the test, when things shall be told as they are.
    """

    daemon_threads = True

    def __init__(self, upstream: str, wait: Wait) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.wait = wait
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.said = Event()
        self.is_over = Event()
        self.pool = urllib3.PoolManager(retries=False, timeout=60.0)

    def retell(self, action: str, answer: bytes) -> bytes:
        """Return what is answered to a call."""
        if action != self.wait.action or self.is_over.is_set():
            return answer
        tag = self.wait.element.encode()
        pattern = rb"<%s>CREATE_COMPLETE</%s>" % (tag, tag)
        return re.sub(pattern, b"<%s>CREATE_IN_PROGRESS</%s>" % (tag, tag), answer)


class _Handler(BaseHTTPRequestHandler):
    server: SlowCloudFormation
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.pool.request(
            self.command,
            self.server.upstream + self.path,
            body=body,
            headers=dict(self.headers.items()),
            decode_content=False,
        )
        [action] = parse_qs(body.decode("latin-1")).get("Action", [""])
        told = self.server.retell(action, answer.data)
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _END_TO_END:
                self.send_header(name, value)
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else len(told)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told)
        if told != answer.data:
            self.server.said.set()

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST  # noqa: N815 (http.server's names)

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextmanager
def slow_cloudformation(upstream: str, wait: Wait) -> Iterator[SlowCloudFormation]:
    """Lend one in front of a local AWS."""
    with SlowCloudFormation(upstream, wait) as slow:
        serving = Thread(target=slow.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield slow
        finally:
            slow.shutdown()
            serving.join()
