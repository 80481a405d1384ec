"""Verify AWS Signature Version 4: botocore's signer computes it again from the request itself."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from waypost.core import times
from waypost.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from waypost.settings import Secret

WINDOW: Final = 5 * 60 * times.SECOND
"""How far the signature's time may be from ours, either way, in milliseconds."""

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 +"
    r"Credential=(?P<key>[^/,\s]{1,128})/(?P<day>[0-9]{8})/(?P<region>[a-z0-9-]{1,64})"
    r"/(?P<service>[a-z0-9-]{1,64})/aws4_request *, *"
    r"SignedHeaders=(?P<signed>[a-z0-9;_-]{1,1024}) *, *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request, as far as a signature covers it. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


class _Signer(SigV4Auth):  # type: ignore[misc] # botocore ships no types
    """Signs exactly the headers that it is given; botocore would choose some of them."""

    def headers_to_sign(self, request: AWSRequest) -> Any:
        """Return them."""
        return request.headers


def verify(
    request: SignedRequest,
    *,
    secrets: Mapping[str, Secret],
    region: str | None,
    services: frozenset[str],
    now: int,
) -> None:
    """Return if the request is signed by one of the keys, for one of the services, just now.

    Args:
        request: as it came in.
        secrets: the secret of each access key id.
        region: what the credential must be scoped to; None: any region.
        services: what the credential may be scoped to.
        now: epoch ms.

    Raises:
        Refusal: why it is not.
    """
    if "X-Amz-" in request.query:
        raise Refusal(Reason.INCOMPLETE_SIGNATURE, "Presigned calls are not accepted.")
    headers = _texts(request.headers)
    if "authorization" not in headers:
        raise Refusal(Reason.UNSIGNED, "Missing Authentication Token: sign with an access key.")
    match = _AUTHORIZATION.fullmatch(headers["authorization"])
    if match is None:
        raise Refusal(Reason.INCOMPLETE_SIGNATURE, "The Authorization header is no SigV4.")
    secret = secrets.get(match["key"])
    if secret is None:
        raise Refusal(Reason.UNKNOWN_KEY, "The security token included in the request is invalid.")
    if match["service"] not in services:
        wanted = " or ".join(sorted(services))
        raise _bad(f"Credential should be scoped to correct service: '{wanted}'.")
    if region not in {None, match["region"]}:
        raise _bad(f"Credential should be scoped to a valid region: '{region}'.")
    signed = match["signed"].split(";")
    _check_date(headers.get("x-amz-date", ""), match["day"], now)
    _check_covered(headers, signed)
    _check_payload(headers, request.body)
    if not hmac.compare_digest(_sign(request, signed, match, secret.reveal()), match["signature"]):
        raise _bad(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )


def _bad(message: str) -> Refusal:
    return Refusal(Reason.BAD_SIGNATURE, message)


def _texts(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    try:
        return {name.decode("ascii"): value.decode() for name, value in headers}
    except UnicodeDecodeError:
        raise Refusal(Reason.INCOMPLETE_SIGNATURE, "The headers are not UTF-8.") from None


def _check_date(date: str, day: str, now: int) -> None:
    try:
        if not _DATE.fullmatch(date):
            raise ValueError  # noqa: TRY301 (strptime alone would take more than AWS does)
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        message = "Date must be in ISO-8601 'basic format', in the header X-Amz-Date."
        raise Refusal(Reason.INCOMPLETE_SIGNATURE, message) from None
    if date[:8] != day:
        raise _bad(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date."
        )
    ahead = int(signed_at.timestamp()) * times.SECOND - now
    if ahead < -WINDOW:
        raise _bad(f"Signature expired: {date} is more than 5 min ago.")
    if ahead > WINDOW:
        raise _bad(f"Signature not yet current: {date} is still more than 5 min ahead.")


def _check_covered(headers: Mapping[str, str], signed: Sequence[str]) -> None:
    needed = {"host", "x-amz-date"} | ({"x-amz-target"} & headers.keys())
    if not needed <= set(signed):
        raise _bad(f"These headers have to be signed: {', '.join(sorted(needed))}.")
    if not set(signed) <= headers.keys():
        raise _bad("A signed header is not in the request.")


def _check_payload(headers: Mapping[str, str], body: bytes) -> None:
    given = headers.get("x-amz-content-sha256")
    if given is not None and not hmac.compare_digest(
        given.encode(), hashlib.sha256(body).hexdigest().encode()
    ):
        raise _bad("The header X-Amz-Content-SHA256 is not the hash of the body.")


def _sign(request: SignedRequest, signed: Sequence[str], match: re.Match[str], secret: str) -> str:
    query = f"?{request.query}" if request.query else ""
    again = AWSRequest(
        method=request.method,
        # The scheme and the host are not signed from here; with http the body always is.
        url=f"http://host{request.path}{query}",
        data=request.body,
    )
    for name, value in request.headers:
        if name.decode("ascii") in signed:
            again.headers[name.decode("ascii")] = value.decode()
    again.context["timestamp"] = again.headers["x-amz-date"]
    signer = _Signer(Credentials(match["key"], secret), match["service"], match["region"])
    to_sign = signer.string_to_sign(again, signer.canonical_request(again))
    signature: str = signer.signature(to_sign, again)
    return signature
