"""What mail servers and webhook receivers do to the server: hang, refuse, cut, send elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.faults.torture.rig import Rig, hold, ledger
from tests.faults.torture.scenario import Done, Scale
from tests.support.processes import waypost
from tests.support.servers import HookServer, raw_server, reserved_port
from waypost.ports import DeliveryState

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from io import BufferedReader
    from pathlib import Path
    from socket import socket

_CUT: Final = b""
MAIL_FAULTS: Final[dict[str, dict[bytes, bytes]]] = {
    "busy greeting (421)": {b"": b"421 later"},
    "refused greeting (554)": {b"": b"554 no"},
    "closed at once": {b"": _CUT},
    "sender later (451)": {b"MAIL": b"451 later"},
    "recipient later (452)": {b"RCPT": b"452 full"},
    "content later (451)": {b".": b"451 later"},
    "closed within the message": {b"SUBJECT:": _CUT},
    "closed after the message": {b".": _CUT},
    "no SMTP at all": {b"": b"HTTP/1.1 200 OK"},
}
"""What the server says in place of the right thing, at which of the client's words."""


class Mailbox:
    """An SMTP server whose mood can change; it keeps the Message-IDs of what it took."""

    def __init__(self) -> None:
        self.mood: dict[bytes, bytes] = {}
        self.hangs = False
        self.talks = 0
        self.taken: list[str] = []

    def talk(self, connection: socket, stop: threading.Event) -> None:
        self.talks += 1
        if self.hangs:
            stop.wait(5)
            return
        with connection.makefile("rb") as lines:
            self._converse(connection, lines)

    def _converse(self, connection: socket, lines: BufferedReader) -> None:
        message_id, in_data = "", False
        line = b""
        while True:
            answer = self._answer(line, in_data=in_data)
            if answer == _CUT:
                return
            if answer is not None:
                connection.sendall(answer + b"\r\n")
            if in_data and line == b"." and answer is not None and answer.startswith(b"2"):
                self.taken.append(message_id)
            in_data = (in_data or answer == b"354 go on") and line != b"."
            line = lines.readline().rstrip(b"\r\n")
            if not line and not in_data:
                return
            if line.startswith(b"Message-ID: <"):
                message_id = line[13:].partition(b"@")[0].decode()

    def _answer(self, line: bytes, *, in_data: bool) -> bytes | None:
        """Return what to say to a line: None nothing, `_CUT` to hang up."""
        for word, answer in self.mood.items():
            if line.upper().startswith(word) if word else not line and not in_data:
                return answer
        if in_data:
            return b"250 taken" if line == b"." else None
        return {b"": b"220 ready", b"DATA": b"354 go on", b"QUIT": _CUT}.get(
            line.upper(), b"250 fine"
        )


def bad_mail_server(folder: Path, scale: Scale) -> Done:
    """Recording goes on whatever the mail server does; every mail gets there in the end."""
    with reserved_port() as port:
        return _with_mail_server(folder, scale, port)


def _with_mail_server(folder: Path, scale: Scale, port: int) -> Done:
    box, tries = Mailbox(), scale.of(4, 1)
    mail = {
        "WAYPOST_SMTP_HOST": "127.0.0.1",
        "WAYPOST_SMTP_PORT": str(port),
        "WAYPOST_SMTP_TLS": "none",
        "WAYPOST_SMTP_FROM": "waypost@example.org",
        "WAYPOST_SMTP_TO": "operator@example.org",
        "WAYPOST_SMTP_TIMEOUT": "0.5",
    }
    with scale.rig(folder, "pause=100", **mail) as rig:
        rig.load.start(rig.start(), pause=scale.of(0.02, 0.05))
        with rig.watching():
            rig.load.wait_for(50)  # nobody listens
            with raw_server(box.talk, port):
                box.hangs = True
                _go_through(rig, lambda: box.talks, tries)
                box.hangs = False
                for mood in MAIL_FAULTS.values():
                    box.mood = mood
                    _go_through(rig, lambda: box.talks, tries)
                box.mood = {b"RCPT": b"550 unknown"}
                dead = _until_dead(rig, "smtp")
                box.mood = {}
                rig.load.stop()
                _resend(rig, dead)
                seen = rig.verdict()
                _all_mailed(rig, box)
        did = f"nobody listens; hangs; {'; '.join(MAIL_FAULTS)}; refused for good (550)"
        again = len(box.taken) - len(set(box.taken))
        more = (
            f"{len(set(box.taken))} mails, {again} of them more than once, all with the same "
            f"Message-ID; {len(dead)} given up, listed and sent again by the operator"
        )
        return Done.of(did, seen, more)


def bad_webhook(folder: Path, scale: Scale) -> Done:
    """The same of a webhook; a redirect is not followed."""
    tries = scale.of(4, 2)
    with (
        HookServer() as elsewhere,
        scale.rig(folder, "pause=100", WAYPOST_WEBHOOK_TIMEOUT="0.5") as rig,
    ):
        rig.load.start(rig.start(), pause=scale.of(0.02, 0.05))
        with rig.watching():
            for status in (500, 503, 429, 302, 307):
                rig.hook.status = status
                rig.hook.headers = {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
                _go_through(rig, lambda: len(rig.hook.answers), tries)
            rig.hook.status, rig.hook.delay = 500, 0.8
            _go_through(rig, lambda: len(rig.hook.answers), tries)
            rig.hook.status, rig.hook.delay = 410, 0.0
            dead = _until_dead(rig, "webhook")
            rig.hook.status = 204
            rig.load.stop()
            _resend(rig, dead)
        hold(not elsewhere.requests, "a redirect was followed")
        did = "answers 500, 503, 429, 302, 307; hangs; refuses for good (410)"
        more = f"{len(dead)} given up, listed and sent again by the operator; no redirect followed"
        return Done.of(did, rig.verdict(), more)


def _go_through(rig: Rig, tries: Callable[[], int], times: int) -> None:
    """Wait until something was tried so often, while updates are acknowledged as ever."""
    wanted = tries() + times
    deadline = time.monotonic() + 60
    while tries() < wanted:
        hold(time.monotonic() < deadline, "no delivery was tried")
        time.sleep(0.02)
    rig.load.wait_for(10)


def _until_dead(rig: Rig, notifier: str) -> list[str]:
    """Wait until a delivery was given up; return the messages that were."""
    deadline = time.monotonic() + 60
    while True:
        with rig.store() as store:
            dead = [
                alert["messageId"]
                for alert in store.alerts(DeliveryState.DEAD, limit=1_000)
                for delivery in alert["deliveries"]
                if (delivery["notifier"], delivery["state"]) == (notifier, "dead")
            ]
        if dead:
            return sorted(set(dead))
        hold(time.monotonic() < deadline, "nothing was given up")
        time.sleep(0.05)


def _resend(rig: Rig, dead: list[str]) -> None:
    """Send again what was given up, until nothing is."""
    while dead:
        for message_id in dead:
            done = waypost(rig.data, "alerts", "resend", message_id)
            hold(done.returncode == 0, f"resend: {done.stderr}")
        rig.settle()
        with rig.store() as store:
            dead = sorted({a["messageId"] for a in store.alerts(DeliveryState.DEAD, limit=1_000)})


def _all_mailed(rig: Rig, box: Mailbox) -> None:
    with rig.store() as store:
        missing = {alert["messageId"] for alert in ledger(store)} - set(box.taken)
    hold(not missing, f"{len(missing)} mails did not arrive")
