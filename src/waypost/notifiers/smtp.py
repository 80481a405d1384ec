"""Sends messages by mail."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from waypost.core.errors import NotifyFailed
from waypost.core.times import SECOND
from waypost.notifiers.deadlines import deadline

if TYPE_CHECKING:
    from pathlib import Path

    from waypost.ports import Message

_READY: Final = 220
_REFUSED: Final = 500
"""From here on a reply code means that the same again is refused again."""
_LOGIN_WANTED: Final = frozenset({530, 534, 535, 538})
"""Refusals that are about us and not about the message (RFC 4954): mended by the operator."""
_REMEMBERED: Final = 1_000


class Tls(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    """It begins in plain text, and sends nothing before it has turned to TLS."""
    IMPLICIT = "implicit"
    """It is TLS from its first byte."""
    NONE = "none"
    """It is plain text."""


class SmtpNotifier:
    """Sends each message as one mail to all recipients.

    What decides between permanent and transient: a 5xx to the sender, to all recipients or to the
    content is permanent, for the server has judged this very message. All else is transient, and
    that includes what an operator has to mend while the message waits: a refused login, a
    certificate that is not trusted, a server without STARTTLS.

    Where some recipients are refused and others not, the message counts as failed, and is sent
    next time only to those who do not have it. This is remembered for the 1,000 latest such
    messages and not beyond a restart; after that, all get it again, with the same Message-ID.

    Attributes:
        name: as `waypost.ports.Notifier.name`.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        recipients: tuple[str, ...],
        tls: Tls = Tls.STARTTLS,
        login: tuple[str, str] | None = None,
        ca_file: Path | None = None,
        timeout: float = 20,
    ) -> None:
        """Read the certificates, connect to nobody yet.

        Args:
            host: the mail server.
            port: its port.
            sender: the address that mails come from.
            recipients: the addresses that they go to, at least one.
            tls: how the connection is protected.
            login: user name and password, both ASCII.
            ca_file: certificates to trust in place of the system's.
            timeout: seconds that connecting, and then that the whole delivery may take.

        Raises:
            OSError: if ``ca_file`` cannot be read or holds no certificate.
        """
        self.name = "smtp"
        self._host = host
        self._port = port
        self._sender = sender
        self._recipients = recipients
        self._tls = tls
        self._login = login
        self._timeout = timeout
        self._context = ssl.create_default_context(cafile=ca_file)
        self._unreached: dict[str, tuple[str, ...]] = {}

    def send(self, message: Message) -> None:
        """Send a mail whose Message-ID is made of the message's id.

        Raises:
            NotifyFailed: one recipient or more did not get it. The text names no recipient and
                quotes nothing that the server said, but its codes.
        """
        recipients = self._unreached.pop(message.message_id, self._recipients)
        try:
            refused = self._deliver(self._mail(message), recipients)
        except (smtplib.SMTPException, OSError) as error:
            if recipients != self._recipients:
                self._remember(message.message_id, recipients)
            raise self._failure(error) from error
        if refused:
            self._remember(message.message_id, tuple(r for r in recipients if r in refused))
            raise self._refusal([code for code, _ in refused.values()], len(recipients))

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self._sender
        mail["To"] = ", ".join(self._recipients)
        mail["Date"] = datetime.fromtimestamp(message.created_at / SECOND, UTC)
        mail["Message-ID"] = f"<{message.message_id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text, cte="quoted-printable")
        return mail

    def _deliver(
        self, mail: EmailMessage, recipients: tuple[str, ...]
    ) -> dict[str, tuple[int, bytes]]:
        client = self._client()
        try:
            with deadline(self._timeout, lambda: client.sock):
                self._open(client)
                refused = client.send_message(mail, self._sender, recipients)
                with suppress(smtplib.SMTPException, OSError):  # it has been taken by now
                    client.quit()
        finally:
            client.close()
        return refused

    def _client(self) -> smtplib.SMTP:
        client: smtplib.SMTP
        if self._tls is Tls.IMPLICIT:
            client = smtplib.SMTP_SSL(timeout=self._timeout, context=self._context)
        else:
            client = smtplib.SMTP(timeout=self._timeout)
        # A constructor that is given the host connects at once, out of the deadline's reach;
        # without it, TLS would not know which name the certificate has to have.
        client._host = self._host  # type: ignore[attr-defined] # noqa: SLF001 (see above)
        return client

    def _open(self, client: smtplib.SMTP) -> None:
        code, reply = client.connect(self._host, self._port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, reply)
        if self._tls is Tls.STARTTLS:
            client.starttls(context=self._context)
        if self._login is not None:
            client.login(*self._login)

    def _remember(self, message_id: str, recipients: tuple[str, ...]) -> None:
        self._unreached[message_id] = recipients
        if len(self._unreached) > _REMEMBERED:
            del self._unreached[next(iter(self._unreached))]

    def _failure(self, error: OSError) -> NotifyFailed:
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            codes = [code for code, _ in error.recipients.values()]
            return self._refusal(codes, len(codes))
        if not isinstance(error, smtplib.SMTPResponseException):
            return self._failed(str(error) or type(error).__name__)
        judged = isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError)
        step = _STEPS.get(type(error), "the greeting")
        return self._failed(
            f"answered {error.smtp_code} to {step}",
            permanent=judged and _is_permanent(error.smtp_code),
        )

    def _refusal(self, codes: list[int], recipients: int) -> NotifyFailed:
        words = ", ".join(str(code) for code in sorted(set(codes)))
        return self._failed(
            f"refused {len(codes)} of {recipients} recipients ({words})",
            permanent=all(_is_permanent(code) for code in codes),
        )

    def _failed(self, what: str, *, permanent: bool = False) -> NotifyFailed:
        return NotifyFailed(f"{self._host}:{self._port}: {what}", permanent=permanent)


_STEPS: Final = {
    smtplib.SMTPAuthenticationError: "the login",
    smtplib.SMTPSenderRefused: "the sender",
    smtplib.SMTPDataError: "the content",
}


def _is_permanent(code: int) -> bool:
    return code >= _REFUSED and code not in _LOGIN_WANTED
