from __future__ import annotations

import os
from contextlib import suppress
from io import BytesIO, StringIO, TextIOWrapper
from typing import Literal

import pytest
from rich.console import Console

from tests.support.messages import alert, message, rejected
from waypost.core.errors import NotifyFailed
from waypost.notifiers.terminal import TerminalNotifier
from waypost.ports import Message


def shown(sent: Message, *, colour: bool = False, width: int = 100) -> str:
    file = StringIO()
    colours: Literal["standard"] | None = "standard" if colour else None
    console = Console(file=file, width=width, color_system=colours)
    TerminalNotifier(console).send(sent)
    return file.getvalue()


# --- a terminal that is gone -------------------------------------------------------------------


def failure(console: Console, *, timeout: float = 5) -> NotifyFailed:
    with pytest.raises(NotifyFailed) as raised:
        TerminalNotifier(console, timeout=timeout).send(message())
    assert not raised.value.permanent
    return raised.value


def test_a_pipe_that_nobody_reads_any_more_is_transient_and_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    file = TextIOWrapper(os.fdopen(writing, "wb", buffering=0), write_through=True)
    assert "Broken pipe" in str(failure(Console(file=file)))
    file.close()


def test_a_pipe_that_is_full_is_transient_and_takes_bounded_time() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):  # that is how it says that it is full
        while True:
            os.write(writing, b"x" * 65_536)
    os.set_blocking(writing, True)
    with os.fdopen(writing, "w", encoding="utf-8") as file:
        assert "no room" in str(failure(Console(file=file), timeout=0.05))
    os.close(reading)


def test_a_closed_terminal_is_transient() -> None:
    file = StringIO()
    console = Console(file=file)
    file.close()
    assert "closed" in str(failure(console))


def test_a_terminal_that_is_back_shows_the_message_once() -> None:
    file = StringIO()
    console = Console(file=StringIO())
    console.file.close()
    notifier = TerminalNotifier(console)
    with pytest.raises(NotifyFailed):
        notifier.send(message())
    console.file = file
    notifier.send(message())
    assert file.getvalue().count("SHIP-1") == 2  # in the title, and in the command to look at it


# --- what comes from senders is plain text -----------------------------------------------------


HOSTILE = "[red]x[/red] [link=http://evil]y[/] \x1b[2J\x07\r\n\u202e\ud800 [/nothing]"


def test_neither_markup_nor_control_characters_do_anything() -> None:
    hostile = alert(shipmentId=HOSTILE, location=HOSTILE, carrier=HOSTILE, reasonCode=HOSTILE)
    sent = message(alerts=(hostile,))
    for text in (shown(sent, width=200), shown(message(counts={"LOST": 9}, alerts=(hostile,)))):
        assert not {"\x1b", "\x07", "\r", "\u202e", "\ud800"} & set(text)
    assert "[red]x[/red] [link=http://evil]y[/] ?[2J????? [/nothing]" in shown(sent, width=200)


def test_a_rejection_reason_is_plain_text_too() -> None:
    assert "\x1b" not in shown(rejected({HOSTILE: 1}), width=200)


def test_the_command_to_look_at_it_is_safe_to_paste() -> None:
    assert "waypost track 'A; rm -rf x'" in shown(
        message(alerts=(alert(shipmentId="A; rm -rf x"),))
    )


def test_what_the_encoding_lacks_is_replaced() -> None:
    raw = BytesIO()
    file = TextIOWrapper(raw, encoding="ascii", write_through=True)
    TerminalNotifier(Console(file=file, width=100)).send(
        message(alerts=(alert(location="Zürich"),))
    )
    assert "Z?rich" in raw.getvalue().decode("ascii")


# --- what is shown -----------------------------------------------------------------------------


def test_one_alert_says_what_where_since_and_how_to_look() -> None:
    one = alert(reasonCode="AB", resolvedAt="2026-03-02T11:59:00.000Z")
    assert shown(message(alerts=(one,))).splitlines() == [
        "╭─ LOST  SHIP-1 ──────────────────────╮",
        "│ what        reported lost           │",
        "│ where       Memphis, US             │",
        "│ since       2026-03-02 11:58:00 UTC │",
        "│ over since  2026-03-02 11:59:00 UTC │",
        "│ carrier     UPS                     │",
        "│ reason      AB                      │",
        "│ look        waypost track SHIP-1    │",
        "╰─────────── 2026-03-02 12:00:00 UTC ─╯",
    ]


def test_what_is_not_known_takes_no_line() -> None:
    text = shown(message(alerts=(alert(location=None, carrier=None),)))
    assert "where" not in text
    assert "None" not in text


def test_a_digest_counts_all_and_lists_some() -> None:
    alerts = tuple(alert(shipmentId=f"SHIP-{n}", carrier=None) for n in range(50))
    text = shown(message(counts={"DELAYED": 1_000, "LOST": 4_000}, alerts=alerts))
    assert "5,000 incidents: 4,000 LOST, 1,000 DELAYED" in text
    assert [n for n in range(50) if f" SHIP-{n} " in text] == list(range(10))
    assert "and 4,990 more: waypost incidents" in text


def test_a_digest_that_lists_all_says_of_no_more() -> None:
    text = shown(message(counts={"LOST": 2}, alerts=(alert(), alert())))
    assert "2 incidents: 2 LOST" in text
    assert "more" not in text


def test_a_shipment_id_is_never_cut() -> None:
    text = shown(message(counts={"LOST": 2}, alerts=(alert(shipmentId="9" * 128),)), width=60)
    assert text.count("9") == 128


def test_rejections_are_counted_by_reason_the_most_frequent_first() -> None:
    text = shown(rejected({"status: is missing": 1, "shipmentId: must be text": 1_234}))
    assert "1,235 rejected" in text
    assert text.index("1,234") < text.index("status: is missing")
    assert "waypost rejected list" in text


def test_many_reasons_are_cut_and_counted() -> None:
    text = shown(rejected({f"reason {number:02}": 1 for number in range(40)}))
    assert "reason 09" in text
    assert "reason 10" not in text
    assert "and 30 more reasons" in text


@pytest.mark.parametrize(
    ("condition", "code"), [("LOST", "31"), ("EXCEPTION", "31"), ("DELAYED", "33"), ("LATE", "33")]
)
def test_the_colour_says_how_bad_it_is(condition: str, code: str) -> None:
    text = shown(message(alerts=(alert(condition=condition),)), colour=True)
    assert f"\x1b[1;{code}m{condition}" in text


def test_no_colour_is_no_colour() -> None:
    file = StringIO()
    console = Console(file=file, color_system="standard", no_color=True)
    TerminalNotifier(console).send(message())
    assert "\x1b[1mLOST" in file.getvalue()
    assert "31m" not in file.getvalue()
