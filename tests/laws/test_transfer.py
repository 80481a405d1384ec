"""Out as lines and in again: an export is the whole log, and importing it anywhere gives it back."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests.support import json_texts
from tests.support.aws import aws_client
from tests.support.clocks import FakeClock
from tests.support.strategies import logged
from tests.support.tables import new_store
from waypost.cli.output import json_line
from waypost.core.entries import from_json, to_json
from waypost.core.fields import decode
from waypost.core.shipments import Thresholds
from waypost.core.times import DAY
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import Operator
from waypost.ports import Outcome, Rejection
from waypost.record import record_entries
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.core.entries import Entry
    from waypost.ports import LocalStore, Store

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run

CLOCK = FakeClock()
CLOCK.time += DAY


def exported(store: Store) -> bytes:
    """Return what ``waypost export updates`` writes."""
    return b"".join(json_line(to_json(entry)) for entry in store.entries())


def operator(store: LocalStore) -> Operator:
    return Operator(store=store, clock=CLOCK, metrics=MemoryMetrics(), thresholds=Thresholds())


def imported(lines: bytes, store: LocalStore) -> set[object]:
    """Do what ``waypost import`` does, and return what became of the lines."""
    return set(operator(store).take([line.decode() for line in lines.splitlines()], quiet=True))


def filled(store: Store, said: list[Entry]) -> bytes:
    record_entries(said, store=store, metrics=MemoryMetrics(), now=CLOCK.now())
    return exported(store)


@contextmanager
def in_a_file() -> Iterator[SqliteStore]:
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "waypost.db")
        try:
            yield store
        finally:
            store.close()


@given(st.lists(logged, max_size=20))
def test_an_export_into_an_empty_store_and_out_again_is_the_same_bytes(said: list[Entry]) -> None:
    lines = filled(MemoryStore(), said)
    store = MemoryStore()
    assert imported(lines, store) <= {Outcome.APPENDED}
    assert exported(store) == lines


@given(st.lists(logged, max_size=20))
def test_an_export_into_its_own_store_changes_nothing(said: list[Entry]) -> None:
    store = MemoryStore()
    lines = filled(store, said)
    assert imported(lines, store) <= {Outcome.DUPLICATE}
    assert exported(store) == lines


@settings(max_examples=settings().max_examples // 20)
@given(st.lists(logged, max_size=20))
def test_an_export_goes_from_a_file_to_aws_and_back_as_the_same_bytes(said: list[Entry]) -> None:
    with mock_aws(), in_a_file() as here, in_a_file() as back:
        lines = filled(here, said)
        away = new_store(aws_client("dynamodb"))
        entries = [from_json(decode(line), now=CLOCK.now()) for line in lines.splitlines()]
        assert filled(away, entries) == lines
        assert imported(exported(away), back) <= {Outcome.APPENDED}
        assert exported(back) == lines


@given(st.lists(json_texts.anything, max_size=4))
def test_any_line_that_is_imported_is_recorded_or_kept_with_its_problems(said: list[bytes]) -> None:
    store = MemoryStore()
    lines = [line.decode(errors="backslashreplace") for line in said]
    results = operator(store).take(lines, quiet=False)
    assert len(results) == len(lines)
    refused = {result.rejection_id for result in results if isinstance(result, Rejection)}
    assert {rejection.rejection_id for rejection in store.rejected()} == refused
    assert len(list(store.entries())) == results.count(Outcome.APPENDED)


@given(st.lists(json_texts.anything, max_size=4))
def test_what_was_recorded_of_any_lines_can_be_exported_and_imported(said: list[bytes]) -> None:
    store, other = MemoryStore(), MemoryStore()
    operator(store).take([line.decode(errors="backslashreplace") for line in said], quiet=False)
    lines = exported(store)
    imported(lines, other)
    assert exported(other) == lines
