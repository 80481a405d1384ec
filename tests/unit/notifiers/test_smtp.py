from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.messages import message
from tests.support.servers import (
    CERTIFICATE,
    MailServer,
    drip,
    hang_up,
    raw_server,
    reserved_port,
    say_nothing,
)
from waypost.core.errors import NotifyFailed
from waypost.notifiers import smtp
from waypost.notifiers.smtp import SmtpNotifier, Tls

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from socket import socket

ANN, BOB = "ann@example.com", "bob@example.com"
LOGIN = ("waypost", "open sesame")


def notifier(port: int, **options: Any) -> SmtpNotifier:
    return SmtpNotifier(
        **{
            "host": "127.0.0.1",
            "port": port,
            "sender": "waypost@example.org",
            "recipients": (ANN, BOB),
            "tls": Tls.NONE,
            "timeout": 30,
            **options,
        }
    )


def refusal(sender: SmtpNotifier) -> NotifyFailed:
    with pytest.raises(NotifyFailed) as raised:
        sender.send(message())
    return raised.value


# --- what the server says ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "words", "permanent"),
    [
        (MailServer(replies={ANN: "550 no", BOB: "551 no"}), r"2 of 2 .*\(550, 551\)", True),
        (MailServer(replies={ANN: "450 later", BOB: "451 later"}), r"\(450, 451\)", False),
        (MailServer(replies={ANN: "550 no", BOB: "450 later"}), r"\(450, 550\)", False),
        (MailServer(replies={ANN: "421 closing"}), r"\(421\)", False),
        (MailServer(replies={ANN: "530 log in", BOB: "530 log in"}), r"\(530\)", False),
        (MailServer(sender_reply="553 no"), "553 to the sender", True),
        (MailServer(sender_reply="451 later"), "451 to the sender", False),
        (MailServer(sender_reply="530 log in"), "530 to the sender", False),
        (MailServer(data_reply="554 spam"), "554 to the content", True),
        (MailServer(data_reply="452 full"), "452 to the content", False),
    ],
)
def test_a_refusal_is_permanent_if_the_server_judged_this_message_for_good(
    server: MailServer, words: str, permanent: bool
) -> None:
    with server:
        failed = refusal(notifier(server.port))
    assert re.search(words, str(failed))
    assert failed.permanent is permanent
    assert server.mails == []


def test_a_refusal_names_no_recipient_and_quotes_nothing() -> None:
    with MailServer(replies={ANN: f"550 {ANN} is on holiday", BOB: "550 no"}) as server:
        failed = refusal(notifier(server.port))
    assert "ann" not in str(failed)
    assert "holiday" not in str(failed)


def test_a_recipient_that_was_refused_for_now_is_the_only_one_that_gets_it_later() -> None:
    with MailServer(replies={ANN: "450 later"}) as server:
        sender = notifier(server.port)
        failed = refusal(sender)
        assert not failed.permanent
        assert "refused 1 of 2 recipients (450)" in str(failed)
        server.data_reply = "451 later"
        refusal(sender)
        server.data_reply = "250 OK"
        server.replies.clear()
        sender.send(message())
        sender.send(message(2))
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [[BOB], [ANN], [ANN, BOB]]


def test_a_recipient_that_was_refused_for_good_makes_the_message_dead_but_not_the_others() -> None:
    with MailServer(replies={ANN: "550 no"}) as server:
        sender = notifier(server.port)
        assert refusal(sender).permanent
        assert refusal(sender).permanent
    assert [envelope.rcpt_tos for envelope in server.envelopes] == [[BOB]]


def test_what_is_remembered_of_recipients_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "_REMEMBERED", 2)
    with MailServer(replies={ANN: "450 later"}) as server:
        sender = notifier(server.port)
        for number in range(5):
            with pytest.raises(NotifyFailed):
                sender.send(message(number))
    assert len(sender._unreached) == 2


# --- who is asked for a login, and how it is protected -----------------------------------------


@pytest.mark.parametrize("tls", list(Tls))
def test_it_logs_in_over_every_kind_of_connection(tls: Tls) -> None:
    with MailServer(tls=tls, login=LOGIN) as server:
        notifier(server.port, tls=tls, login=LOGIN, ca_file=CERTIFICATE).send(message())
    assert len(server.mails) == 1
    assert server.logins == ["waypost"]


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
def test_a_certificate_that_is_not_trusted_stops_it_before_it_logs_in(tls: Tls) -> None:
    with MailServer(tls=tls, login=LOGIN) as server:
        failed = refusal(notifier(server.port, tls=tls, login=LOGIN))
    assert not failed.permanent
    assert "certificate verify failed" in str(failed)
    assert server.logins == []


def test_a_certificate_for_another_name_stops_it() -> None:
    with MailServer(tls="starttls") as server:
        sender = notifier(server.port, tls=Tls.STARTTLS, ca_file=CERTIFICATE, host="localhost")
        failed = refusal(sender)
    assert "not valid for 'localhost'" in str(failed)


def test_it_never_falls_back_to_plain_text() -> None:
    with MailServer(login=LOGIN) as server:
        failed = refusal(notifier(server.port, tls=Tls.STARTTLS, login=LOGIN))
    assert not failed.permanent
    assert "STARTTLS" in str(failed)
    assert server.logins == []


def test_a_refused_login_is_transient_for_the_operator_can_mend_it() -> None:
    with MailServer(login=LOGIN) as server:
        failed = refusal(notifier(server.port, login=("waypost", "wrong word")))
    assert not failed.permanent
    assert "535 to the login" in str(failed)
    assert "wrong word" not in str(failed)


def test_a_server_that_knows_no_login_is_transient() -> None:
    with MailServer() as server:
        failed = refusal(notifier(server.port, login=LOGIN))
    assert not failed.permanent
    assert "AUTH" in str(failed)


def test_a_file_without_certificates_is_found_at_once() -> None:
    with pytest.raises(OSError, match="certificate"):
        notifier(25, ca_file=__file__)


# --- servers that do not talk properly ---------------------------------------------------------


def test_a_refused_connection_is_transient() -> None:
    with reserved_port() as port:
        failed = refusal(notifier(port))
    assert not failed.permanent
    assert "Connection refused" in str(failed)


def close_within_the_mail(connection: socket, stop: threading.Event) -> None:
    with connection.makefile("rwb") as lines:
        lines.write(b"220 hello\r\n")
        lines.flush()
        for line in lines:
            if line == b"data\r\n":
                lines.write(b"354 go on\r\n")
                lines.flush()
                lines.readline()
                return
            lines.write(b"250 OK\r\n")
            lines.flush()


@pytest.mark.parametrize(
    ("talk", "seconds", "words"),
    [
        (hang_up, 30, "closed|reset"),
        (close_within_the_mail, 30, "closed|reset|Broken pipe"),
        (say_nothing, 0.3, "timed out|not done after"),
        # What drips is late now and then, on a busy machine; without a limit it would never end.
        (drip(b"220-and another thing\r\n"), 1, "not done after 1 s|timed out"),
        (drip(b"421 go away\r\n"), 30, "421 to the greeting"),
        (drip(b"554 no mail here\r\n"), 30, "554 to the greeting"),
        (drip(b"HTTP/1.1 400 what?\r\n"), 30, "greeting|closed"),
    ],
)
def test_a_server_that_does_not_talk_properly_is_transient_and_takes_bounded_time(
    talk: Callable[[socket, threading.Event], None], seconds: float, words: str
) -> None:
    with raw_server(talk) as port:
        failed = refusal(notifier(port, timeout=seconds))
    assert not failed.permanent
    assert re.search(words, str(failed))


def test_a_handshake_that_hangs_takes_bounded_time() -> None:
    with raw_server(say_nothing) as port:
        failed = refusal(notifier(port, tls=Tls.IMPLICIT, timeout=0.2))
    assert not failed.permanent


def take_and_fall_silent(connection: socket, stop: threading.Event) -> None:
    with connection.makefile("rwb") as lines:
        lines.write(b"220 hello\r\n")
        lines.flush()
        for line in lines:
            if line == b"quit\r\n":
                stop.wait()
                return
            if line == b"data\r\n":
                lines.write(b"354 go on\r\n")
                lines.flush()
                while lines.readline() != b".\r\n":
                    pass
            lines.write(b"250 OK\r\n")
            lines.flush()


def test_a_server_that_took_the_mail_may_say_goodbye_as_it_likes() -> None:
    with raw_server(take_and_fall_silent) as port:
        notifier(port, timeout=2).send(message())


# --- the mail itself ---------------------------------------------------------------------------


def test_the_mail_says_what_the_message_says() -> None:
    with MailServer() as server:
        notifier(server.port).send(message())
    [mail] = server.mails
    assert mail["Subject"] == "Logistics Alert: LOST - SHIP-1"
    assert mail["From"] == "waypost@example.org"
    assert mail["To"] == "ann@example.com, bob@example.com"
    assert mail["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == "Shipment: SHIP-1\nWhere: Zürich\n"


def test_a_mail_that_is_sent_again_has_the_same_message_id() -> None:
    with MailServer() as server:
        sender = notifier(server.port)
        for sent in (message(1), message(1), message(2)):
            sender.send(sent)
    first, again, other = (mail["Message-ID"] for mail in server.mails)
    assert first == again == "<10000000-0000-4000-8000-000000000001@example.org>"
    assert other != first


def test_a_line_of_one_dot_does_not_end_the_mail() -> None:
    with MailServer() as server:
        notifier(server.port).send(message(text="before\n.\nafter\n"))
    assert "before\n.\nafter\n" in server.mails[0].get_content().replace("\r\n", "\n")


def test_a_subject_cannot_add_headers() -> None:
    with MailServer() as server, pytest.raises(ValueError, match="Header values"):
        notifier(server.port).send(message(subject="Alert\r\nBcc: eve@example.com"))
    assert server.mails == []
