"""Whatever comes in is read or refused with its problems, in bounded time; nothing else happens."""

from __future__ import annotations

import gc
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import event as note
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import json_texts
from tests.support.clocks import NOON
from tests.support.histories import SENDER, at
from tests.support.strategies import entries, mapped
from waypost.core.entries import from_json, to_json
from waypost.core.errors import InvalidUpdate
from waypost.core.fields import decode
from waypost.core.updates import Event, parse
from waypost.record import read_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from waypost.core.entries import Entry

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run


def again(entry: Entry) -> Entry:
    """Return an entry that went out as a line of an export and came in again."""
    return from_json(decode(json.dumps(to_json(entry))), now=NOON)


def refused(error: InvalidUpdate) -> None:
    assert error.problems, "a refusal says why"
    note("refused")


@given(json_texts.anything)
@example(b"NaN")
@example(b'{"a": [-Infinity]}')
@example(b'{"a": 1, "a": 1e400}')
@example(rb'"\ud800"')
def test_any_bytes_are_json_or_refused_and_what_was_read_can_be_written(data: bytes) -> None:
    try:
        value = decode(data)
    except InvalidUpdate as error:
        refused(error)
    else:
        assert decode(json.dumps(value)) == value


@given(json_texts.events)
@example('{"id":"1","source":"s","time":"2026-03-02T12:00:00Z","detail":{"weight":1e400}}')
def test_any_event_is_read_or_refused_and_its_payload_is_kept_as_json(text: str) -> None:
    try:
        event = read_event(decode(text), NOON)
    except InvalidUpdate as error:
        refused(error)
    else:
        assert decode(event.raw) == event.detail


@given(json_texts.events)
@example(
    '{"id":"1","source":"waypost.operator","time":"2026-03-02T12:00:00Z",'
    '"detail":{"shipmentId":"A","status":"LOST"}}'
)
def test_any_event_is_an_update_or_refused_and_the_update_survives_its_json(text: str) -> None:
    try:
        update = parse(read_event(decode(text), NOON), now=NOON)
    except InvalidUpdate as error:
        refused(error)
    else:
        assert again(update) == update


@given(json_texts.details, st.none() | st.integers())
def test_any_detail_at_any_time_is_an_update_or_refused(text: str, sent: int | None) -> None:
    try:
        detail = decode(text)
        update = parse(Event(id="1", source=SENDER, time=sent, detail=detail, raw=text), now=NOON)
    except InvalidUpdate as error:
        refused(error)
    else:
        assert again(update) == update


@given(json_texts.exported)
def test_any_line_of_an_export_is_an_entry_or_refused_and_the_entry_survives(text: str) -> None:
    try:
        entry = from_json(decode(text), now=NOON)
    except InvalidUpdate as error:
        refused(error)
    else:
        assert again(entry) == entry


@given(entries | mapped)
def test_every_entry_survives_its_json(entry: Entry) -> None:
    assert from_json(json.loads(json.dumps(to_json(entry))), now=at(9)) == entry


LARGE: Final = 256 * 1024
SMALL: Final = LARGE // 16
SHAPES: Final[Mapping[str, Callable[[int], str]]] = {
    "many members": lambda n: ",".join(f'"m{i}":1' for i in range(n // 10)),
    "one member again and again": lambda n: ",".join(['"status":"LOST"'] * (n // 16)),
    "long references": lambda n: f'"references":["{"x" * n}"]',
    "many references": lambda n: '"references":["x"' + ',"x"' * (n // 4) + "]",
    "a long text": lambda n: f'"description":"{"x" * n}"',
    "escapes": lambda n: '"description":"' + r"\u00e9" * (n // 6) + '"',
    "quotes": lambda n: '"description":"' + r"\"" * (n // 2) + '"',
    "spaces around a word": lambda n: f'"status":"{" " * n}LOST{" " * n}"',
    "white space": lambda n: " " * n,
    "a long time": lambda n: f'"occurredAt":"2026-03-02T12:00:00.{"0" * n}Z"',
    "a long whole number": lambda n: f'"x":{"9" * n}',
    "a long fraction": lambda n: f'"x":0.{"3" * n}',
    "a long exponent": lambda n: f'"x":1e{"9" * n}',
    "many numbers": lambda n: '"x":[1.5' + ",1.5" * (n // 4) + "]",
    "nests": lambda n: '"x":[0' + ("," + "[" * 100 + "]" * 100) * (n // 200) + "]",
    "a nest": lambda n: '"x":' + "[" * n,
}


def seconds(text: str) -> float:
    """Return the processor time that reading takes, at its best."""
    best = float("inf")
    gc.disable()  # it looks through all that other tests left
    try:
        for _ in range(5):
            began = time.process_time()
            with suppress(InvalidUpdate):
                parse(read_event(decode(text), NOON), now=NOON)
            best = min(best, time.process_time() - began)
    finally:
        gc.enable()
    return best


@pytest.mark.parametrize("shape", SHAPES)
def test_a_body_of_16_times_the_size_takes_about_16_times_as_long(shape: str) -> None:
    def event(size: int) -> str:
        members = SHAPES[shape](size)
        return f'{{"id":"1","source":"s","time":"2026-03-02T12:00:00Z","detail":{{{members}}}}}'

    # Quadratic would be 256 times; far below a millisecond nobody cares, nor can it be measured.
    assert seconds(event(LARGE)) < 100 * max(seconds(event(SMALL)), 0.000_2)
