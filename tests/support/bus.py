"""A bus that a test can look into."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any


class Bus:
    """Takes PutEvents calls over HTTP and remembers the details; refuses them when told to."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.authorizations: list[str | None] = []
        self.refuse = False
        self._lock = Lock()
        bus = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(bus.take(body["Entries"], self.headers)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def details(self) -> list[dict[str, Any]]:
        with self._lock:
            return [detail for call in self.calls for detail in call]

    def take(self, entries: list[dict[str, str]], headers: Any) -> dict[str, Any]:
        with self._lock:
            self.authorizations.append(headers["Authorization"])
            if self.refuse:
                failed = {"ErrorCode": "InternalFailure", "ErrorMessage": "not now"}
                return {"FailedEntryCount": len(entries), "Entries": [failed] * len(entries)}
            self.calls.append([json.loads(entry["Detail"]) for entry in entries])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "x"} for _ in entries]}
