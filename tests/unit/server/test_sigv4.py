from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.clocks import NOON
from waypost.server.refusals import Reason, Refusal
from waypost.server.sigv4 import WINDOW, SignedRequest, verify
from waypost.settings import Secret

KEY = "AKIDEXAMPLE"
SECRET = "a secret of nobody"
BODY = b'{"Entries": []}'
EVENTS = frozenset({"events"})


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Signs as a client does; what is not given is right."""

    key: str = KEY
    secret: str = SECRET
    service: str = "events"
    path: str = "/"
    body: bytes = BODY
    ahead: int = 0
    extra: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = (
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Host", "127.0.0.1:8377"),
        ("X-Amz-Target", "AWSEvents.PutEvents"),
    )

    def sign(self, monkeypatch: pytest.MonkeyPatch) -> SignedRequest:
        moment = datetime.fromtimestamp(NOON / 1000, UTC) + timedelta(milliseconds=self.ahead)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
        request = AWSRequest(method="POST", url=f"http://127.0.0.1:8377{self.path}", data=self.body)
        for name, value in (*self.headers, *self.extra):
            request.headers[name] = value
        credentials = Credentials(self.key, self.secret)
        botocore.auth.SigV4Auth(credentials, self.service, "eu-west-1").add_auth(request)
        path, _, query = self.path.partition("?")
        headers = [
            (name.lower().encode(), value.encode()) for name, value in request.headers.items()
        ]
        return SignedRequest(method="POST", path=path, query=query, headers=headers, body=self.body)


Signing = Callable[[Signer], SignedRequest]


@pytest.fixture
def sign(monkeypatch: pytest.MonkeyPatch) -> Signing:
    return lambda signer: signer.sign(monkeypatch)


def check(
    request: SignedRequest, services: frozenset[str] = EVENTS, region: str | None = None
) -> None:
    secrets = {"OTHER": Secret("x"), KEY: Secret(SECRET)}
    verify(request, secrets=secrets, region=region, services=services, now=NOON)


def reason(request: SignedRequest, region: str | None = None) -> Reason:
    with pytest.raises(Refusal) as caught:
        check(request, region=region)
    assert SECRET not in str(caught.value)
    return caught.value.reason


def changed(request: SignedRequest, name: bytes, value: bytes | None) -> SignedRequest:
    """Return the request with another value of a header, or without it."""
    headers = [(n, v) for n, v in request.headers if n != name]
    return replace(request, headers=[*headers, (name, value)] if value is not None else headers)


def authorization(request: SignedRequest, old: bytes, new: bytes) -> SignedRequest:
    value = dict(request.headers)[b"authorization"]
    assert old in value
    return changed(request, b"authorization", value.replace(old, new))


def test_a_call_without_a_signature_is_refused(sign: Signing) -> None:
    assert reason(changed(sign(Signer()), b"authorization", None)) is Reason.UNSIGNED


def test_an_unknown_key_is_refused(sign: Signing) -> None:
    assert reason(sign(Signer(key="AKIDOTHER"))) is Reason.UNKNOWN_KEY


def test_another_secret_is_refused(sign: Signing) -> None:
    assert reason(sign(Signer(secret="wrong"))) is Reason.BAD_SIGNATURE


def test_another_body_is_refused(sign: Signing) -> None:
    assert reason(replace(sign(Signer()), body=BODY + b" ")) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("change", [{"method": "PUT"}, {"path": "/x"}, {"query": "a=1"}], ids=str)
def test_another_method_path_or_query_is_refused(sign: Signing, change: dict[str, str]) -> None:
    assert reason(replace(sign(Signer()), **change)) is Reason.BAD_SIGNATURE  # type: ignore[arg-type] # all of these are texts


@pytest.mark.parametrize("name", [b"host", b"x-amz-target", b"x-amz-date", b"content-type"])
def test_another_value_of_a_signed_header_is_refused(sign: Signing, name: bytes) -> None:
    value = b"20260302T120001Z" if name == b"x-amz-date" else b"other"
    assert reason(changed(sign(Signer()), name, value)) is Reason.BAD_SIGNATURE
    assert reason(changed(sign(Signer()), name, None)) in {
        Reason.BAD_SIGNATURE,
        Reason.INCOMPLETE_SIGNATURE,
    }


def test_a_second_value_of_a_signed_header_is_refused(
    sign: Signing,
) -> None:
    request = sign(Signer())
    twice = replace(request, headers=[*request.headers, (b"x-amz-target", b"AWSEvents.Other")])
    assert reason(twice) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("name", [b"host;", b"x-amz-date;", b";x-amz-target"])
def test_a_header_that_decides_has_to_be_signed(sign: Signing, name: bytes) -> None:
    assert reason(authorization(sign(Signer()), name, b"")) is Reason.BAD_SIGNATURE


def test_a_target_that_was_added_later_is_refused(sign: Signing) -> None:
    request = sign(Signer(headers=(("Host", "127.0.0.1:8377"),)))
    check(request)
    assert reason(changed(request, b"x-amz-target", b"AWSEvents.PutEvents")) is Reason.BAD_SIGNATURE


def test_a_signed_header_that_is_not_there_is_refused(
    sign: Signing,
) -> None:
    assert reason(authorization(sign(Signer()), b"host;", b"host;x-more;")) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("ahead", [-WINDOW - 1000, WINDOW + 1000])
def test_an_old_or_early_date_is_refused(sign: Signing, ahead: int) -> None:
    assert reason(sign(Signer(ahead=ahead))) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("ahead", [-WINDOW, WINDOW])
def test_a_date_within_the_window_is_accepted(sign: Signing, ahead: int) -> None:
    check(sign(Signer(ahead=ahead)))


@pytest.mark.parametrize(
    "date", [b"", b"2026-03-02T12:00:00Z", b"20261399T999999Z", b"20260302T120000Z\xff"]
)
def test_a_date_that_is_none_is_refused(sign: Signing, date: bytes) -> None:
    assert reason(changed(sign(Signer()), b"x-amz-date", date)) is Reason.INCOMPLETE_SIGNATURE


def test_the_scope_has_the_day_of_the_date(sign: Signing) -> None:
    request = authorization(sign(Signer()), b"/20260302/", b"/20260301/")
    assert reason(request) is Reason.BAD_SIGNATURE


def test_another_service_is_refused(sign: Signing) -> None:
    assert reason(sign(Signer(service="execute-api"))) is Reason.BAD_SIGNATURE
    check(sign(Signer(service="execute-api")), frozenset({"execute-api"}))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Bearer x",
        b"AWS4-HMAC-SHA256",
        b"AWS4-HMAC-SHA256 Credential=a/b/c",
        b"\xff" * 100_000,
    ],
)
def test_another_kind_of_authorization_is_refused(sign: Signing, value: bytes) -> None:
    request = changed(sign(Signer()), b"authorization", value)
    assert reason(request) is Reason.INCOMPLETE_SIGNATURE


def test_another_region_is_refused_where_one_is_set(sign: Signing) -> None:
    assert reason(sign(Signer()), "us-east-1") is Reason.BAD_SIGNATURE
    check(sign(Signer()), region="eu-west-1")


def test_a_presigned_call_is_refused(sign: Signing) -> None:
    request = replace(sign(Signer()), query="X-Amz-Signature=00&X-Amz-Algorithm=AWS4-HMAC-SHA256")
    assert reason(request) is Reason.INCOMPLETE_SIGNATURE


@pytest.mark.parametrize("given", ["UNSIGNED-PAYLOAD", hashlib.sha256(b"other").hexdigest(), "ü"])
def test_a_body_that_is_not_what_its_header_says_is_refused(sign: Signing, given: str) -> None:
    request = sign(Signer(extra=(("X-Amz-Content-SHA256", given),)))
    assert reason(request) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "signer",
    [
        Signer(),
        Signer(body=b""),
        Signer(extra=(("X-Amz-Content-SHA256", hashlib.sha256(BODY).hexdigest()),)),
        Signer(extra=(("X-Note", "  two   spaces "),)),
        Signer(path="/api/import?quiet=1&a=%20b"),
        Signer(path="/api/rejected/%C3%BC/drop"),
    ],
    ids=str,
)
def test_what_botocore_signed_is_accepted(sign: Signing, signer: Signer) -> None:
    check(sign(signer))


def test_headers_that_are_not_signed_may_be_added_on_the_way(
    sign: Signing,
) -> None:
    check(changed(sign(Signer()), b"user-agent", b"any"))
