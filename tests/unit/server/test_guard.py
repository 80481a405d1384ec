from __future__ import annotations

import pytest

from waypost.server.guard import check_local
from waypost.server.refusals import Reason, Refusal


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"evil.example",
        b"evil.example:8377",
        b"10.0.0.1",
        b"[::1",
        b"a@b@c",
        b"localhost@evil.example",
        b"\xff",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_host_that_is_not_this_machine_is_refused(host: bytes, method: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_local(method, {b"host": host})
    assert caught.value.reason is Reason.FOREIGN


def test_a_call_without_a_host_is_refused() -> None:
    with pytest.raises(Refusal):
        check_local("POST", {})


@pytest.mark.parametrize(
    "origin",
    [b"null", b"https://evil.example", b"http://localhost:3000", b"https://localhost:8377", b""],
)
def test_a_foreign_page_may_not_change_anything(origin: bytes) -> None:
    with pytest.raises(Refusal, match="other sites"):
        check_local("POST", {b"host": b"localhost:8377", b"origin": origin})


@pytest.mark.parametrize("host", [b"localhost", b"LocalHost:8377", b"127.0.0.1:1", b"[::1]:8377"])
def test_a_program_on_this_machine_may_call(host: bytes) -> None:
    check_local("POST", {b"host": host})
    check_local("POST", {b"host": host, b"origin": b"http://" + host})
    check_local("GET", {b"host": host, b"origin": b"https://evil.example"})
