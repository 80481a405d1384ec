"""Recording and following: whatever happens on the way, a quiet point shows one truth.

Both homes are held to each law: one machine, in memory and in a file, and AWS.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import json_texts
from tests.support.clocks import NOON
from tests.support.histories import SENDER, at, means, update
from tests.support.homes import HOMES, Home, Life, live, lives
from tests.support.strategies import THRESHOLDS, hours, ids, logged, logged_troubles, of, sent
from waypost.core.entries import MAPPINGS, CodeMapping
from waypost.core.errors import InvalidUpdate
from waypost.core.fields import decode
from waypost.core.incidents import Told, incident_json, incidents, shipment_json
from waypost.core.shipments import Shipment, fold, read_mappings
from waypost.core.statuses import Status
from waypost.core.updates import Event
from waypost.metrics.memory import MemoryMetrics
from waypost.ports import IncidentQuery, Metric, Outcome, Rejection
from waypost.record import record
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.core.entries import Entry
    from waypost.core.shipments import Ref

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run

fewer = settings(max_examples=settings().max_examples // 2)
"""A life has a dozen steps."""
every_home = pytest.mark.parametrize("name", HOMES)
both_homes = pytest.mark.parametrize("name", ["machine", "serverless"])
"""Without the file: that it does the same is the law of the stores."""


def derived(home: Home) -> Iterator[Shipment]:
    """Fold every shipment of a home's log, as of its clock."""
    meanings = read_mappings(home.store.history(MAPPINGS))
    for shipment_id, history in groupby(home.store.entries(), key=lambda e: e.shipment_id):
        if shipment_id != MAPPINGS:
            now = home.clock.now()
            yield fold(shipment_id, history, meanings, thresholds=THRESHOLDS, as_of=now)


def noted(home: Home) -> tuple[object, ...]:
    """Return all that a home has made of its log, and what people got."""
    ids = [shipment.shipment_id for shipment in derived(home)]
    return (
        [home.store.shipment(i) for i in ids],
        home.store.incidents(IncidentQuery(limit=1_000)),
        {i: saved.told for i, saved in home.store.saved(ids).items()},
        home.alerted(),
    )


@every_home
@fewer
@given(life=lives)
def test_what_is_saved_is_the_fold_of_the_log(name: str, life: Life) -> None:
    with HOMES[name]() as home:
        live(home, life)
        for shipment in derived(home):
            shipment_id = shipment.shipment_id
            query = IncidentQuery(shipment_id=shipment_id)
            assert home.store.shipment(shipment_id) == shipment_json(shipment)
            assert home.store.incidents(query) == [*map(incident_json, incidents(shipment))]


@both_homes
@fewer
@given(life=lives)
def test_no_open_critical_episode_remains_uncovered(name: str, life: Life) -> None:
    quiet: set[Ref] = set()
    for step, *said in life:
        if step == "record_quietly":
            quiet |= {(e.sender, e.event_id) for e in said[0]}
    with HOMES[name]() as home:
        live(home, life)
        for shipment in derived(home):
            told = home.store.saved([shipment.shipment_id])[shipment.shipment_id].told
            for episode in shipment.episodes:
                if episode.condition.critical and episode.resolved_at is None:
                    members: Told = frozenset((episode.condition, *ref) for ref in episode.members)
                    silenced = episode.acknowledged or episode.muted
                    assert members <= told or silenced or not quiet.isdisjoint(episode.members)


@both_homes
@fewer
@given(life=lives)
def test_a_key_alerts_once_and_is_counted_once(name: str, life: Life) -> None:
    with HOMES[name]() as home:
        live(home, life)
        keys = home.alerted()
        assert len(keys) == len(set(keys))
        counted = [n for (metric, _), n in home.metrics.values().items() if metric is Metric.ALERTS]
        assert sum(counted) == len(keys)


@both_homes
@fewer
@given(life=lives)
def test_deriving_all_again_changes_nothing_and_alerts_nobody(name: str, life: Life) -> None:
    with HOMES[name]() as home:
        live(home, life)
        before = noted(home)
        home.restart()
        home.rederive()
        home.settle()
        assert noted(home) == before


@every_home
@fewer
@given(life=lives)
def test_recording_all_again_changes_nothing_and_alerts_nobody(name: str, life: Life) -> None:
    with HOMES[name]() as home:
        live(home, life)
        log, before = list(home.store.entries()), noted(home)
        for step, *said in life:
            if step.startswith("record"):
                assert set(home.record(said[0])) == {Outcome.DUPLICATE}
        home.settle()
        assert list(home.store.entries()) == log
        assert noted(home) == before


@both_homes
@fewer
@given(
    before=st.lists(logged_troubles, max_size=5),
    code=st.builds(means, st.just("xa"), sent, hours, ids),
    after=st.lists(logged_troubles, max_size=5),
)
def test_a_mapping_that_comes_later_derives_history_anew(
    name: str, before: list[Entry], code: CodeMapping, after: list[Entry]
) -> None:
    before.append(of(update("PICKED_UP", 0, "first"), "A"))
    after.append(of(update("XA", 10, "last"), "A"))
    with HOMES[name]() as late, HOMES[name]() as early:
        live(late, [("record", before), ("follow",), ("decide",), ("record", [code])])
        live(late, [("record", after)])
        live(early, [("record", [code, *before, *after])])
        for shipment in derived(early):
            shipment_id = shipment.shipment_id
            assert late.store.shipment(shipment_id) == early.store.shipment(shipment_id)


@both_homes
@fewer
@given(said=st.lists(logged, max_size=12))
def test_what_is_recorded_quietly_alerts_nobody_of_what_it_amounts_to(
    name: str, said: list[Entry]
) -> None:
    with HOMES[name]() as home:
        live(home, [("wait", 12), ("record_quietly", said)])
        assert home.alerted() == []
        home.rederive()
        home.settle()
        assert home.alerted() == []


@every_home
def test_who_falls_silent_after_a_quiet_import_alerts_like_any_other(name: str) -> None:
    scan = [update("IN_TRANSIT", 0, "silent-later")]
    with HOMES[name]() as home:
        live(home, [("record_quietly", scan)])
        assert home.alerted() == []
        live(home, [("wait", 1_000)])
        [key] = home.alerted()
        assert Status.STALLED in key


@every_home
def test_who_was_silent_when_imported_quietly_alerts_nobody(name: str) -> None:
    scan = [update("IN_TRANSIT", 0, "silent-before")]
    with HOMES[name]() as home:
        live(home, [("wait", 1_000), ("record_quietly", scan), ("follow",), ("wait", 1)])
        live(home, [("rederive",)])
        assert home.store.incidents(IncidentQuery(is_open=True))
        assert home.alerted() == []


@every_home
def test_a_code_that_came_quietly_and_is_mapped_later_alerts_nobody(name: str) -> None:
    with HOMES[name]() as home:
        live(home, [("record_quietly", [update("XA", 0, "unmapped")]), ("restart",)])
        live(home, [("record", [means("XA", Status.LOST)])])
        assert home.store.incidents(IncidentQuery(is_open=True))
        assert home.alerted() == []
        live(home, [("record", [update("DAMAGED", 1, "loud")])])
        [key] = home.alerted()
        assert Status.DAMAGED in key


@given(st.lists(json_texts.details, max_size=6), st.integers(0, 20))
def test_recording_the_same_deliveries_again_changes_nothing(texts: list[str], hours: int) -> None:
    store = MemoryStore()
    events: list[Event] = []
    for number, text in enumerate(texts):
        with suppress(InvalidUpdate):
            said = decode(text)
            events.append(Event(id=str(number), source=SENDER, time=NOON, detail=said, raw=text))
    first = record(events, store=store, metrics=MemoryMetrics(), now=NOON)
    before = list(store.entries()), store.rejected()
    again = record(events, store=store, metrics=MemoryMetrics(), now=at(hours))
    assert (list(store.entries()), store.rejected()) == before
    assert [result is Outcome.DUPLICATE for result in again] == [
        not isinstance(result, Rejection) for result in first
    ]
