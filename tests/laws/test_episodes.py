"""What is wrong with a shipment, since when, and what silence and estimates add to it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.histories import SHIPMENT, at, update
from tests.support.strategies import THRESHOLDS, histories, instants, mappings
from waypost.core.incidents import incidents
from waypost.core.shipments import Fold, Mappings, fold
from waypost.core.statuses import Kind

if TYPE_CHECKING:
    from waypost.core.entries import Entry

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run


@given(histories, mappings, instants)
def test_what_senders_report_does_not_depend_on_any_clock(
    history: list[Entry], meanings: Mappings, as_of: int | None
) -> None:
    judged = fold(SHIPMENT, history, meanings, thresholds=THRESHOLDS, as_of=as_of)
    plain = fold(SHIPMENT, history, meanings)
    reported = tuple(e for e in judged.episodes if e.condition.kind is not Kind.DERIVED)
    assert replace(judged, episodes=reported) == plain


@given(histories, mappings, st.integers(-1, 15), st.integers(0, 5))
def test_derived_episodes_open_at_their_deadline_and_stay(
    history: list[Entry], meanings: Mappings, first: int, later: int
) -> None:
    folded = Fold.of(SHIPMENT, history, meanings, THRESHOLDS)
    early, late = folded.shipment(at(first)), folded.shipment(at(first + later))
    derived = [e for e in early.episodes if e.condition.kind is Kind.DERIVED]
    assert all(e.opened_at <= at(first) for e in derived)
    assert all(e in late.episodes for e in derived)


@given(histories, mappings, st.integers(-1, 15), st.none() | st.integers(9, 15))
def test_between_now_and_the_next_deadline_nothing_happens(
    history: list[Entry], meanings: Mappings, now: int, eta: int | None
) -> None:
    silent = [*history, update("PICKED_UP", 9, "last", eta=eta)]
    folded = Fold.of(SHIPMENT, silent, meanings, THRESHOLDS)
    due = folded.due(at(now))
    after = at(99) if due is None else due - 1
    assert folded.shipment(at(now)) == folded.shipment(after)
    assert due is None or due > at(now)


@given(histories, mappings, instants)
def test_episodes_of_an_incident_follow_each_other(
    history: list[Entry], meanings: Mappings, as_of: int | None
) -> None:
    shipment = fold(SHIPMENT, history, meanings, thresholds=THRESHOLDS, as_of=as_of)
    for incident in incidents(shipment):
        for one, next_one in pairwise(incident.episodes):
            assert one.resolved_at is not None
            assert one.opened_at <= one.newest <= one.resolved_at <= next_one.opened_at
        assert incident.is_open == any(e.resolved_at is None for e in incident.episodes)


@given(histories, mappings)
def test_an_entry_is_a_member_of_one_reported_episode_at_most(
    history: list[Entry], meanings: Mappings
) -> None:
    shipment = fold(SHIPMENT, history, meanings)
    members = [ref for episode in shipment.episodes for ref in episode.members]
    assert len(members) == len(set(members))
    assert all(e.opened_by == e.members[0] and e.leg <= shipment.leg for e in shipment.episodes)
