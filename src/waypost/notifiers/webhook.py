"""Sends messages as signed HTTP calls, to the Standard Webhooks specification."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import orjson
from standardwebhooks import Webhook

from waypost import __version__
from waypost.core.errors import NotifyFailed
from waypost.core.times import SECOND, format_time
from waypost.notifiers.deadlines import deadline
from waypost.ports import AlertKind

if TYPE_CHECKING:
    from waypost.ports import Clock, Message

_TRY_AGAIN: Final = frozenset({408, 425, 429})
"""Of the 4xx, those that say that it came too early or too often."""


class WebhookNotifier:
    """Posts each message as JSON to one address.

    The body is ``{"type": "waypost.alerts" | "waypost.rejected", "timestamp", "data"}``, and its
    signature is made anew at each try, over the message's id and the time of the try. A 2xx
    says that it was taken; a 4xx other than 408, 425 and 429 is permanent; all else is transient.
    A redirect is not followed, and no proxy is used. Of the answer only the status is read.

    Attributes:
        name: as `waypost.ports.Notifier.name`.
    """

    def __init__(self, *, url: str, secret: str, clock: Clock, timeout: float = 10) -> None:
        """Read the secret, connect to nobody yet.

        Args:
            url: where to, http or https, without user name.
            secret: ``whsec_`` and the key in base64.
            clock: what the signature's time comes from.
            timeout: seconds that connecting, and then that the whole call may take.

        Raises:
            ValueError: if the secret is no base64 or the URL has no host.
        """
        parts = urlsplit(url)
        if parts.hostname is None:
            message = "the URL of a webhook needs a host"
            raise ValueError(message)
        self.name = "webhook"
        self._host = parts.hostname
        # Always given: http.client would look for a port in an IPv6 address.
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._context = ssl.create_default_context() if parts.scheme == "https" else None
        self._signer = Webhook(secret)
        self._clock = clock
        self._timeout = timeout

    def send(self, message: Message) -> None:
        """Post a message; its id is the receiver's idempotency key.

        Raises:
            NotifyFailed: the answer was no 2xx, or there was none. The text names the host only,
                for the rest of an address may be secret.
        """
        body = _body(message)
        headers = self._headers(message.message_id, body)
        try:
            status = self._post(body, headers)
        except (HTTPException, OSError) as error:
            what = f"{self._host}: {str(error) or type(error).__name__}"
            raise NotifyFailed(what, permanent=False) from error
        if not 200 <= status < 300:  # noqa: PLR2004 (the classes of HTTP's status codes)
            permanent = 400 <= status < 500 and status not in _TRY_AGAIN  # noqa: PLR2004 (as above)
            raise NotifyFailed(f"{self._host} answered {status}", permanent=permanent)

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        seconds = self._clock.now() // SECOND
        signature = self._signer.sign(
            message_id, datetime.fromtimestamp(seconds, UTC), body.decode()
        )
        return {
            "Content-Type": "application/json",
            "User-Agent": f"waypost/{__version__}",
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": signature,
        }

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        connection = self._connection()
        try:
            with deadline(self._timeout, lambda: connection.sock):
                connection.request("POST", self._target, body, headers)
                with connection.getresponse() as response:
                    return response.status
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if self._context is None:
            return HTTPConnection(self._host, self._port, timeout=self._timeout)
        return HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._context)


def _body(message: Message) -> bytes:
    return orjson.dumps(
        {
            "type": _type(message.kind),
            "timestamp": format_time(message.created_at),
            "data": {
                "messageId": message.message_id,
                "subject": message.subject,
                "total": message.total,
                "counts": dict(message.counts),
                "alerts": message.alerts,
            },
        }
    )


def _type(kind: AlertKind) -> str:
    match kind:
        case AlertKind.INCIDENT:
            return "waypost.alerts"
        case AlertKind.REJECTED:
            return "waypost.rejected"
