from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import update
from waypost.stores.sqlite import SqliteStore, log
from waypost.stores.sqlite.tail import Tail

if TYPE_CHECKING:
    from pathlib import Path

    from waypost.stores.sqlite.tail import Logged


def logged(*names: str, size: int = 1) -> list[Logged]:
    return [(update(name, raw_event="x" * size), False) for name in names]


def names(tail: Tail, position: int, limit: int = 100) -> str:
    return "".join(entry.shipment_id for entry, _ in tail.after(position, limit))


def test_what_was_let_go_is_not_given() -> None:
    tail = Tail(entries=3)
    tail.extend(0, logged(*"abcde"))
    assert names(tail, 0) == names(tail, 1) == ""
    assert names(tail, 2) == "cde"


def test_large_entries_are_let_go_sooner() -> None:
    tail = Tail(characters=100)
    tail.extend(0, logged(*"abc", size=45))
    assert names(tail, 0) == ""
    assert names(tail, 1) == "bc"


def test_one_entry_that_is_larger_than_the_bound_is_not_kept() -> None:
    tail = Tail(characters=100)
    tail.extend(0, logged("a", size=101))
    assert names(tail, 0) == ""
    tail.extend(1, logged("b"))
    assert names(tail, 1) == "b"


def test_a_gap_begins_the_run_anew() -> None:
    tail = Tail()
    tail.extend(0, logged(*"ab"))
    tail.extend(5, logged(*"cd"))
    assert names(tail, 0) == names(tail, 2) == ""
    assert names(tail, 5) == "cd"


def test_a_file_that_was_there_before_begins_where_it_ends() -> None:
    tail = Tail()
    tail.extend(1_000, logged(*"ab"))
    assert names(tail, 999) == ""
    assert names(tail, 1_001) == "b"


def test_what_is_followed_makes_room() -> None:
    tail = Tail(entries=3)
    tail.extend(0, logged(*"abc"))
    assert names(tail, 2) == "c"
    tail.extend(3, logged(*"de"))
    assert names(tail, 2) == "cde"


def test_no_more_is_given_than_was_asked_for() -> None:
    tail = Tail()
    tail.extend(0, logged(*"abc"))
    assert names(tail, 0, 2) == "ab"
    assert names(tail, 2, 2) == "c"
    assert names(tail, 3, 2) == names(tail, 9, 2) == ""


def test_of_large_entries_fewer_are_read_from_the_file_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SqliteStore(tmp_path / "waypost.db")
    writer.append([update(f"S{number}") for number in range(600)])
    writer.close()
    store = SqliteStore(tmp_path / "waypost.db")
    monkeypatch.setattr(log, "CHARACTERS", 10)
    assert 0 < len(store.changes(600).entries) < 600
    monkeypatch.undo()
    assert len(store.changes(600).entries) == 600
    store.close()
