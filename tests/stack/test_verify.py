"""Code that somebody changed on AWS is told from the code that this package deploys."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.servers import reserved_port
from waypost.core.errors import StoreUnavailable
from waypost.stack import bundle
from waypost.stack import verify as subject
from waypost.stack.verify import Verdict, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES = ["shipment-processor-qa", "shipment-notifier-qa", "shipment-sweep-qa"]


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class Functions:
    """A Lambda client whose functions all have the same code."""

    def __init__(self, code: bytes, location: str = "") -> None:
        self.asked: list[str] = []
        self.code = code
        self.location = location

    def get_function(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803 (AWS calls it so)
        self.asked.append(FunctionName)
        digest = base64.b64encode(hashlib.sha256(self.code).digest()).decode()
        return {"Configuration": {"CodeSha256": digest}, "Code": {"Location": self.location}}

    def fetch(self, _: str) -> bytes:
        return self.code


def differences(code: bytes) -> tuple[str, ...]:
    functions = Functions(code)
    verdicts = verify(functions, "qa", functions.fetch)
    assert [verdict.function for verdict in verdicts] == functions.asked == NAMES
    assert len({verdict.differences for verdict in verdicts}) == 1
    return verdicts[0].differences


def test_changed_added_and_missing_files_are_named() -> None:
    files = bundle.zip_files()
    del files["waypost/record.py"]
    files["waypost/core/times.py"] += b"# mine"
    files["backdoor.py"] = b""

    assert differences(zipped(files)) == (
        "waypost/record.py is missing",
        "backdoor.py is not ours",
        "waypost/core/times.py differs",
    )


def test_other_code_in_one_file_differs() -> None:
    assert differences(zipped({"index.py": b"def lambda_handler(event, context): ..."})) == (
        "index.py differs",
    )


def test_what_is_no_zip_is_said() -> None:
    [said] = differences(b"no zip")

    assert said.startswith("its code cannot be read")


def test_what_is_too_large_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "SIZE_LIMIT", 1_000)

    [packed] = differences(bytes(1_001))
    [unpacked] = differences(zipped({"index.py": bytes(1_001)}))

    assert packed == "its code has more than 1000 bytes"
    assert unpacked == "its code cannot be read: it unpacks to more than 1000 bytes"


def test_the_same_zip_is_known_by_its_hash_alone() -> None:
    def never(_: str) -> bytes:
        raise AssertionError

    verdicts = verify(Functions(bundle.zip_code()), "qa", never)

    assert verdicts == [Verdict(name, ()) for name in NAMES]


def test_the_same_files_zipped_otherwise_are_the_same_code() -> None:
    assert differences(zipped(bundle.zip_files())) == ()


def test_the_same_code_in_one_file_is_the_same_code() -> None:
    assert differences(zipped({"index.py": bundle.inline_code().encode()})) == ()


@contextmanager
def answering(status: int, data: bytes) -> Iterator[str]:
    """A server that answers every call alike; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/code"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_code_that_is_not_given_out_is_an_error() -> None:
    with answering(403, b"expired") as url, pytest.raises(StoreUnavailable, match="HTTP 403"):
        verify(Functions(b"", url), "qa")


def test_code_that_cannot_be_reached_is_an_error() -> None:
    with reserved_port() as port, pytest.raises(StoreUnavailable, match="not to be had"):
        verify(Functions(b"", f"http://127.0.0.1:{port}/code"), "qa")


def test_code_is_downloaded() -> None:
    data = zipped(bundle.zip_files())

    with answering(200, data) as url:
        assert verify(Functions(data, url), "qa") == [Verdict(name, ()) for name in NAMES]
