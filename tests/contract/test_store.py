"""What every store promises: the port `Store`, sentence by sentence."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.conftest import EACH_STORE, STORES
from tests.support.clocks import NOON
from tests.support.stores import SENDER, decided, entries, folded, rejection, update
from waypost.core.entries import Entry, mapping, retraction
from waypost.core.errors import NotFound, StateConflict
from waypost.core.incidents import incident_json, incidents, shipment_json
from waypost.core.keys import TRIES, probes
from waypost.core.shipments import fold
from waypost.core.statuses import Status
from waypost.core.times import format_time
from waypost.ports import Fate, IncidentQuery, Outcome, ShipmentQuery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from waypost.ports import Store

APPENDED, DUPLICATE, KEY_FULL = Outcome


def bag(found: Iterable[Entry]) -> list[str]:
    return sorted(map(repr, found))


def record_and_save(store: Store, *said: Entry, now: int = NOON) -> None:
    store.append(said)
    for shipment_id in dict.fromkeys(e.shipment_id for e in said):
        store.save([folded(store, shipment_id, now=now)])


# --- The log


def test_an_entry_all_of_whose_keys_are_taken_is_not_appended(store: Store) -> None:
    late = update(event_id="late")
    taken = [update(event_id=f"e{t}", at=t) for t in probes(NOON, "late")]
    assert store.append(taken) == [APPENDED] * TRIES
    assert store.append([late, update("SHIP-2", "late")]) == [KEY_FULL, APPENDED]
    assert bag(store.history("SHIP-1")) == bag(taken)


def test_the_same_entry_is_a_duplicate_and_is_there_once(store: Store) -> None:
    said = update()
    assert store.append([said]) == [APPENDED]
    assert store.append([replace(said, record_time=NOON + 5, raw_event="again")]) == [DUPLICATE]
    assert store.history("SHIP-1") == [said]


def test_the_same_entry_twice_in_one_call_is_there_once(store: Store) -> None:
    said = update()
    assert store.append([said, update(event_id="e2"), said]) == [APPENDED, APPENDED, DUPLICATE]
    assert len(store.history("SHIP-1")) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"fingerprint": "other"},
        {"event_time": NOON + 1},
        {"sender": "somebody.else"},
        {"event_id": "e2"},
        {"shipment_id": "SHIP-2"},
    ],
)
def test_what_differs_in_its_identity_is_no_duplicate(store: Store, other: dict[str, Any]) -> None:
    first = update()
    second = replace(first, **other)
    assert store.append([first]) == [APPENDED]
    assert store.append([second, first]) == [APPENDED, DUPLICATE]
    assert bag(store.entries()) == bag([first, second])


def test_each_outcome_is_in_the_place_of_its_entry(store: Store) -> None:
    known = [update(event_id=f"known{i}", at=NOON + i % 3) for i in range(20)]
    store.append(known)
    fresh = [update(event_id=f"new{i}", at=NOON + i) for i in range(20)]
    mixed = [entry for pair in zip(known, fresh, strict=True) for entry in pair]
    assert store.append(mixed) == [DUPLICATE, APPENDED] * 20
    assert bag(store.history("SHIP-1")) == bag(known + fresh)


def test_three_hundred_entries_of_one_millisecond_are_all_kept_once(store: Store) -> None:
    ties = [update(event_id=f"e{i}") for i in range(300)]
    assert store.append(ties) == [APPENDED] * 300
    random.Random(1).shuffle(ties)
    assert store.append(ties) == [DUPLICATE] * 300
    assert bag(store.history("SHIP-1")) == bag(ties)


def test_ties_one_call_at_a_time_are_all_kept(store: Store) -> None:
    ties = [update(event_id=f"e{i}") for i in range(30)]
    assert [store.append([tie]) for tie in ties] == [[APPENDED]] * 30
    assert [store.append([tie]) for tie in reversed(ties)] == [[DUPLICATE]] * 30


@pytest.mark.parametrize("count", [0, 1, 3, 4, 17, 255, 256, 257, 1_500])
def test_a_call_may_have_any_number_of_entries(store: Store, count: int) -> None:
    said = [update(f"SHIP-{i % 7}", f"e{i}", at=NOON + i) for i in range(count)]
    assert store.append(said) == [APPENDED] * count
    assert bag(store.entries()) == bag(said)


@pytest.mark.parametrize("name", EACH_STORE)
@settings(max_examples=60, deadline=None)
@given(st.lists(entries(), max_size=8))
def test_what_goes_in_comes_out(name: str, said: list[Entry]) -> None:
    with TemporaryDirectory() as folder:
        store = STORES[name](Path(folder))
        outcomes = store.append(said)
        kept = [e for e, o in zip(said, outcomes, strict=True) if o is APPENDED]
        assert bag(store.entries()) == bag(kept)
        for shipment_id in {e.shipment_id for e in kept}:
            of_one = [e for e in kept if e.shipment_id == shipment_id]
            assert bag(store.history(shipment_id)) == bag(of_one)
        close = getattr(store, "close", None)
        if close is not None:
            close()


def test_a_shipment_nobody_spoke_of_has_no_history(store: Store) -> None:
    store.append([update("SHIP-1")])
    assert store.history("SHIP-2") == []


def test_a_long_history_is_whole(store: Store) -> None:
    said = [update(event_id=f"e{i}", at=NOON + i) for i in range(700)]
    store.append(said)
    assert bag(store.history("SHIP-1")) == bag(said)


def test_the_whole_log_comes_by_shipment_time_id_sender_and_fingerprint(store: Store) -> None:
    said = [
        update(shipment_id, f"e{i}", at=NOON + time, sender=sender, fingerprint=mark)
        for shipment_id in ("SHIP-1", "ship-1", "SHIP-10", "ß", "Z")
        for i, time in ((2, 0), (1, 0), (1, -1), (3, 2))
        for sender in ("b", "a")
        for mark in ("y", "x")
    ]
    said += [update("SHIP-2", f"e{i:03}", at=NOON + i // 50) for i in range(600)]
    random.Random(2).shuffle(said)
    store.append(said)
    assert list(store.entries()) == sorted(
        said, key=lambda e: (e.shipment_id, e.event_time, e.event_id, e.sender, e.fingerprint)
    )


def test_entries_may_be_appended_while_the_log_is_read(store: Store) -> None:
    said = [update(f"SHIP-{i:04}", at=NOON) for i in range(300)]
    store.append(said)
    reading = store.entries()
    first = next(reading)
    store.append([update(f"SHIP-{i:04}", "more") for i in range(300)])
    found = [first, *reading]
    assert {e.shipment_id for e in found} == {e.shipment_id for e in said}
    assert len(set(found)) == len(found)


# --- The quarantine


def test_a_rejected_event_that_nobody_knows_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.rejection("unknown")
    with pytest.raises(NotFound):
        store.settle("unknown", Fate.DROPPED)
    with pytest.raises(NotFound):
        store.rejected(after="unknown")


def test_rejected_events_come_back_in_the_order_in_which_they_came(store: Store) -> None:
    later = replace(rejection("\0 c"), record_time=NOON + 1)
    events = [rejection("b"), rejection("a", time=None), later]
    store.reject(events[:2])
    store.reject(events[1:])
    assert store.rejected() == events
    assert [store.rejection(e.rejection_id) for e in events] == events


def test_a_rejected_event_that_comes_again_changes_nothing(store: Store) -> None:
    event = rejection("a")
    store.reject([event])
    store.settle(event.rejection_id, Fate.DROPPED)
    store.reject([event])
    assert store.rejected() == []
    assert store.rejected(None) == [replace(event, fate=Fate.DROPPED)]


def test_rejected_events_are_listed_by_fate_in_pages(store: Store) -> None:
    events = [rejection(str(i)) for i in range(6)]
    store.reject(events)
    store.settle(events[1].rejection_id, Fate.REPLAYED)
    store.settle(events[4].rejection_id, Fate.DROPPED)
    page = store.rejected(limit=2)
    assert page == [events[0], events[2]]
    assert store.rejected(after=page[-1].rejection_id) == [events[3], events[5]]
    assert store.rejected(after=events[1].rejection_id, limit=1) == [events[2]]
    assert [r.raw for r in store.rejected(Fate.REPLAYED)] == ["1"]
    assert [r.raw for r in store.rejected(None)] == list("012345")


def test_no_rejections_is_no_error(store: Store) -> None:
    store.reject([])
    assert store.rejected(None) == []


# --- State


def test_a_save_on_an_old_version_changes_nothing(store: Store) -> None:
    record_and_save(store, update("A"))
    store.append([update("A", "e2", Status.LOST, at=NOON + 1), update("B")])
    stale = folded(store, "A", version=0)
    with pytest.raises(StateConflict):
        store.save([folded(store, "B"), stale])
    assert set(store.saved(["A", "B"])) == {"A"}
    assert store.saved(["A"])["A"].version == 1
    assert store.incidents(IncidentQuery()) == []


def test_a_first_save_of_what_was_saved_already_is_a_conflict(store: Store) -> None:
    store.append([update("A")])
    first = folded(store, "A")
    store.save([first])
    with pytest.raises(StateConflict):
        store.save([first])


def test_a_save_on_a_version_that_never_was_is_a_conflict(store: Store) -> None:
    store.append([update("A")])
    with pytest.raises(StateConflict):
        store.save([folded(store, "A", version=3)])
    assert store.saved(["A"]) == {}


def test_no_saves_is_no_error(store: Store) -> None:
    store.save([])
    assert store.shipments(ShipmentQuery()) == []


def test_what_was_never_saved_is_left_out(store: Store) -> None:
    record_and_save(store, update("A"))
    assert set(store.saved(["A", "B"])) == {"A"}
    assert store.saved([]) == {}
    assert store.shipment("B") is None


def test_a_history_tells_what_was_appended_quietly(store: Store) -> None:
    loud, hushed, again = update("A", "1"), update("A", "2"), update("A", "3")
    store.append([loud])
    store.append([hushed, update("B", "1"), loud], quiet=True)
    store.append([hushed, again])
    history, quiet = store.history_and_quiet("A")
    assert bag(history) == bag([loud, hushed, again])
    assert quiet == {(SENDER, "2")}


def test_saved_tells_the_version_who_was_told_and_the_conflicts(store: Store) -> None:
    said = [update("A", "l", Status.LOST), update("A", "l", Status.DAMAGED)]
    record_and_save(store, *said)
    record_and_save(store, update("A", "l2", Status.LOST, at=NOON + 1))
    saved = store.saved(["A"])["A"]
    assert (saved.version, saved.conflicts) == (2, 1)
    assert {(status, event_id) for status, _, event_id in saved.told} >= {(Status.LOST, "l2")}


def test_many_shipments_are_saved_in_one_call(store: Store) -> None:
    said = [update(f"SHIP-{i:04}", status=Status.LOST) for i in range(320)]
    shipments = [fold(e.shipment_id, [e]) for e in said]
    store.save([decided(s) for s in shipments[:270]])
    store.save([decided(s, version=int(i < 270)) for i, s in enumerate(shipments)])
    versions = {i: s.version for i, s in store.saved([e.shipment_id for e in said]).items()}
    assert versions == {e.shipment_id: 2 if i < 270 else 1 for i, e in enumerate(said)}
    assert len(store.incidents(IncidentQuery(limit=1_000))) == 320


def test_the_state_comes_back_as_the_json_of_the_shipment(store: Store) -> None:
    said = [
        update("A", "1", Status.LOST, location="Gdańsk", carrier="DHL", eta=NOON + 9),
        update("A", "2", Status.UNKNOWN, at=NOON + 1, status_code="QQ"),
    ]
    store.append(said)
    save = folded(store, "A")
    store.save([save])
    assert store.shipment("A") == shipment_json(save.shipment)
    assert store.shipments(ShipmentQuery()) == [shipment_json(save.shipment)]
    assert store.incidents(IncidentQuery()) == [incident_json(i) for i in incidents(save.shipment)]


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["shipmentId"] for one in found]


def test_shipments_are_listed_by_what_is_asked(store: Store) -> None:
    record_and_save(
        store,
        update("A", carrier="DHL"),
        update("B", "1", Status.LOST, carrier=" dhl", at=NOON + 5),
        update("B", "2", Status.DELAYED, at=NOON + 6),
        update("C", status=Status.DELIVERED, at=NOON + 7),
        update("D", status=Status.NOTE, carrier="UPS", at=NOON + 8),
    )
    asked = {
        "ABCD": ShipmentQuery(),
        "A": ShipmentQuery(progress=Status.IN_TRANSIT),
        "B": ShipmentQuery(condition=Status.DELAYED),
        "AB": ShipmentQuery(carrier="Dhl "),
        "BCD": ShipmentQuery(since=NOON + 6),
        "CD": ShipmentQuery(after="B"),
        "": ShipmentQuery(condition=Status.LOST, carrier="UPS"),
    }
    assert {"".join(ids(store.shipments(query))): query for query in asked.values()} == asked
    assert ids(store.shipments(ShipmentQuery(limit=2))) == ["A", "B"]
    assert store.shipments(ShipmentQuery(limit=0)) == []


def test_incidents_are_listed_by_what_is_asked(store: Store) -> None:
    record_and_save(
        store,
        update("A", "1", Status.LOST),
        update("A", "2", Status.DAMAGED, at=NOON + 1),
        update("A", "3", Status.DELIVERED, at=NOON + 2),
        update("A", "4", Status.PICKED_UP, at=NOON + 3),
        update("A", "5", Status.LOST, at=NOON + 4),
        update("B", "1", Status.EXCEPTION),
    )

    def listed(query: IncidentQuery) -> list[tuple[str, int, str]]:
        return [(i["shipmentId"], i["leg"], i["condition"]) for i in store.incidents(query)]

    every = [
        ("A", 1, "DAMAGED"),
        ("A", 1, "LOST"),
        ("A", 2, "LOST"),
        ("B", 1, "EXCEPTION"),
    ]
    assert listed(IncidentQuery()) == every
    assert listed(IncidentQuery(shipment_id="A")) == every[:3]
    assert listed(IncidentQuery(condition=Status.LOST)) == every[1:3]
    assert listed(IncidentQuery(is_open=True)) == [every[0], *every[2:]]
    assert listed(IncidentQuery(is_open=False)) == [every[1]]
    assert listed(IncidentQuery(limit=3)) == every[:3]
    assert listed(IncidentQuery(after=every[1])) == every[2:]
    assert listed(IncidentQuery(after=every[1], is_open=True, limit=1)) == [every[2]]


def test_an_incident_that_was_taken_back_is_gone(store: Store) -> None:
    record_and_save(store, update("A", "1", Status.LOST), update("B", "1", Status.LOST))
    record_and_save(store, retraction("A", "1", sender=SENDER, event_time=NOON, record_time=NOON))
    assert ids(store.incidents(IncidentQuery())) == ["B"]


def test_codes_that_nobody_mapped_are_counted_over_all_shipments(store: Store) -> None:
    def odd(shipment_id: str, event_id: str, code: str, carrier: str | None) -> Entry:
        return update(
            shipment_id,
            event_id,
            Status.UNKNOWN,
            at=NOON + int(event_id),
            status_code=code,
            carrier=carrier,
        )

    record_and_save(
        store,
        odd("B", "1", "x1", "dhl"),
        odd("B", "2", "X1", "DHL"),
        odd("A", "3", "X1", "DHL"),
        odd("A", "4", "zz", None),
        odd("C", "5", "Q", "UPS"),
    )
    found = store.unmapped()
    assert found[0] == {
        "carrier": "DHL",
        "code": "X1",
        "count": 3,
        "shipments": 2,
        "lastEventTime": format_time(NOON + 3),
        "shipmentId": "A",
    }
    assert [(c["carrier"], c["code"]) for c in found[1:]] == [(None, "zz"), ("UPS", "Q")]


def test_a_code_that_was_mapped_is_unmapped_no_more(store: Store) -> None:
    record_and_save(store, update("A", status=Status.UNKNOWN, status_code="X1"))
    assert len(store.unmapped()) == 1
    means = mapping(None, "x1", Status.LOST, event_id="m", event_time=NOON, record_time=NOON)
    store.append([means])
    store.save([folded(store, "A")])
    assert store.unmapped() == []


def test_the_longest_overdue_shipment_is_due_first(store: Store) -> None:
    due = {"A": NOON + 2, "B": NOON, "C": None, "D": NOON + 3, "E": NOON}
    for shipment_id, due_at in due.items():
        store.append([update(shipment_id)])
        store.save([folded(store, shipment_id, due_at=due_at)])
    assert store.due(NOON - 1, 10) == []
    assert store.due(NOON + 2, 10) == ["B", "E", "A"]
    assert store.due(NOON + 9, 3) == ["B", "E", "A"]
    store.save([folded(store, "B", due_at=None)])
    assert store.due(NOON + 2, 10) == ["E", "A"]


def test_shipments_whose_alerts_are_undecided_are_listed_until_they_are(store: Store) -> None:
    for shipment_id in "CAB":
        store.append([update(shipment_id, status=Status.LOST)])
        store.save([folded(store, shipment_id, deciding=shipment_id == "B")])
    assert store.undecided(10) == ["A", "C"]
    assert store.undecided(1) == ["A"]
    store.save([folded(store, "A")])
    assert store.undecided(10) == ["C"]
