from __future__ import annotations

import json
from typing import NoReturn

import pytest

from tests.support.clocks import NOON
from tests.support.histories import SENDER, SHIPMENT, do, update
from waypost.core.entries import OPERATOR, Action, Entry, from_json
from waypost.core.errors import InvalidUpdate, Problem, StoreUnavailable
from waypost.core.statuses import Status
from waypost.core.updates import Event
from waypost.metrics.memory import MemoryMetrics
from waypost.ports import Metric, Outcome, Rejection
from waypost.record import read_event, record, record_entries, reject
from waypost.stores.memory import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def metrics() -> MemoryMetrics:
    return MemoryMetrics()


def event(status: object = "IN_TRANSIT", event_id: str = "e", **members: object) -> Event:
    detail = {"shipmentId": SHIPMENT, "status": status, "eventId": event_id, **members}
    raw = json.dumps(detail)
    return Event(id=f"envelope-{event_id}", source=SENDER, time=NOON, detail=detail, raw=raw)


def fail(*_: object, **__: object) -> NoReturn:
    message = "the disk is full"
    raise StoreUnavailable(message)


def envelope(**members: object) -> dict[str, object]:
    when = "2026-03-02T11:00:00Z"
    return {"id": "e", "source": SENDER, "time": when, "detail": {}, **members}


@pytest.mark.parametrize("name", ["night-of-the-2nd", "", None])
def test_what_an_archive_sends_again_is_known_by_the_member_that_the_bus_adds(
    name: str | None,
) -> None:
    assert read_event(envelope(**{"replay-name": name}), NOON).is_replay
    assert not read_event(envelope(), NOON).is_replay
    assert not read_event(envelope(detail={"replay-name": name}), NOON).is_replay


# --- what fails --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["append", "reject"])
def test_when_the_store_fails_nothing_is_counted(
    method: str, store: MemoryStore, metrics: MemoryMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, method, fail)
    with pytest.raises(StoreUnavailable):
        record([event(), event(status=5)], store=store, metrics=metrics, now=NOON)
    assert metrics.values() == {}


@pytest.mark.parametrize("method", ["append", "reject"])
def test_when_the_store_fails_sending_all_again_is_safe(
    method: str, store: MemoryStore, metrics: MemoryMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event(), event(status=5)]
    with monkeypatch.context() as patch:
        patch.setattr(store, method, fail)
        with pytest.raises(StoreUnavailable):
            record(events, store=store, metrics=metrics, now=NOON)
    record(events, store=store, metrics=metrics, now=NOON)
    assert (len(store.history(SHIPMENT)), len(store.rejected())) == (1, 1)


def test_what_is_no_update_is_quarantined_with_all_its_problems(
    store: MemoryStore, metrics: MemoryMetrics
) -> None:
    bad = event(status=5, carrier=None)
    [result] = record([bad], store=store, metrics=metrics, now=NOON + 7)
    assert result == Rejection(
        rejection_id=reject(bad, [], 0).rejection_id,
        record_time=NOON + 7,
        source=SENDER,
        envelope_id="envelope-e",
        envelope_time=NOON,
        raw=bad.raw,
        problems=(Problem("status", "must be text"), Problem("carrier", "must be text")),
    )
    assert store.rejected() == [result]
    assert store.history(SHIPMENT) == []
    assert metrics.values() == {(Metric.REJECTED, ()): 1}


def test_a_rejected_delivery_that_comes_again_is_kept_once(
    store: MemoryStore, metrics: MemoryMetrics
) -> None:
    for now in (NOON, NOON + 1):
        record([event(status=5)], store=store, metrics=metrics, now=now)
    record([event(status=5, event_id="f")], store=store, metrics=metrics, now=NOON)
    assert len(store.rejected()) == 2


def test_what_finds_no_key_is_quarantined(
    store: MemoryStore, metrics: MemoryMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "append", lambda entries, quiet: [Outcome.KEY_FULL])
    [result] = record([event()], store=store, metrics=metrics, now=NOON)
    assert isinstance(result, Rejection)
    assert [str(p) for p in result.problems] == [
        "too many other entries of this shipment have the same time"
    ]
    assert store.rejected() == [result]
    assert metrics.values() == {(Metric.REJECTED, ()): 1}


def test_an_entry_that_finds_no_key_can_be_read_back(
    store: MemoryStore, metrics: MemoryMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = do(Action.ACK, Status.LOST, 0)
    monkeypatch.setattr(store, "append", lambda entries, quiet: [Outcome.KEY_FULL])
    [result] = record_entries([entry], store=store, metrics=metrics, now=NOON)
    assert isinstance(result, Rejection)
    assert result.envelope_time is None
    assert from_json(json.loads(result.raw), now=NOON) == entry


# --- what is recorded --------------------------------------------------------------------------


def test_nothing_is_nothing(store: MemoryStore, metrics: MemoryMetrics) -> None:
    assert record([], store=store, metrics=metrics, now=NOON) == []
    assert record_entries([], store=store, metrics=metrics, now=NOON) == []
    assert metrics.values() == {}


def test_an_update_is_recorded_once(store: MemoryStore, metrics: MemoryMetrics) -> None:
    same = [event(), event(), event(status="XB", event_id="f")]
    assert record(same, store=store, metrics=metrics, now=NOON) == [
        Outcome.APPENDED,
        Outcome.DUPLICATE,
        Outcome.APPENDED,
    ]
    assert record(same[:1], store=store, metrics=metrics, now=NOON + 9) == [Outcome.DUPLICATE]
    assert {e.record_time for e in store.history(SHIPMENT)} == {NOON}
    assert metrics.values() == {
        (Metric.UPDATES, ("IN_TRANSIT",)): 1,
        (Metric.UPDATES, ("UNKNOWN",)): 1,
        (Metric.DUPLICATES, ()): 2,
    }


def test_results_are_in_the_order_of_the_events(store: MemoryStore, metrics: MemoryMetrics) -> None:
    events = [event(status=5), event(), event(status=None, event_id="f"), event(event_id="g")]
    results = record(events, store=store, metrics=metrics, now=NOON)
    assert [isinstance(r, Rejection) for r in results] == [True, False, True, False]
    assert [r.envelope_id for r in results if isinstance(r, Rejection)] == [
        "envelope-e",
        "envelope-f",
    ]


def test_nobody_may_send_as_the_operator() -> None:
    value = {"id": "1", "source": OPERATOR, "time": "2026-03-02T12:00:00Z", "detail": {}}
    with pytest.raises(InvalidUpdate, match=r"^source: must not be waypost\.operator"):
        read_event(value, NOON)


@pytest.mark.parametrize("quiet", [False, True])
def test_quiet_is_handed_on(quiet: bool, store: MemoryStore, metrics: MemoryMetrics) -> None:
    record([event()], store=store, metrics=metrics, now=NOON, quiet=quiet)
    record_entries([update("LOST", 1)], store=store, metrics=metrics, now=NOON, quiet=quiet)
    assert len(store.changes(10).quiet) == (2 if quiet else 0)


def test_acts_are_recorded_and_counted_as_no_updates(
    store: MemoryStore, metrics: MemoryMetrics
) -> None:
    entries: list[Entry] = [do(Action.ACK, Status.LOST, 0), update("LOST", 0)]
    outcomes = record_entries(entries, store=store, metrics=metrics, now=NOON)
    assert outcomes == [Outcome.APPENDED, Outcome.APPENDED]
    assert metrics.values() == {(Metric.UPDATES, ("LOST",)): 1}


def test_300_updates_of_one_time_are_all_recorded(
    store: MemoryStore, metrics: MemoryMetrics
) -> None:
    events = [event(event_id=f"e{n}") for n in range(300)]
    results = record(events, store=store, metrics=metrics, now=NOON)
    assert results == [Outcome.APPENDED] * 300
