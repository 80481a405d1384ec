"""State is a function of a set of facts, whatever way and however often they come."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import NOON
from tests.support.histories import (
    SHIPMENT,
    at,
    do,
    exported,
    means,
    operator_takes_back,
    take_back,
    update,
)
from tests.support.strategies import (
    SENT,
    TERMINALS,
    THRESHOLDS,
    batches,
    conditions,
    critical,
    entries,
    histories,
    hours,
    ids,
    instants,
    mapped,
    mappings,
    senders,
    sent,
    shuffles,
    thresholds,
    troubles,
    updates,
)
from waypost.core.entries import Action, CodeMapping, Entry, Retraction, identity
from waypost.core.shipments import (
    NO_MAPPINGS,
    Fold,
    Mappings,
    Shipment,
    Thresholds,
    code_key,
    fold,
    read_mappings,
)
from waypost.core.statuses import Status
from waypost.core.updates import ShipmentUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run


def arrived(
    batches: Iterable[Sequence[Entry]], meanings: Mappings, limits: Thresholds | None
) -> Fold:
    """Fold as a follower does: go on where one step is enough, else fold all again."""
    going = Fold.of(SHIPMENT, [], meanings, limits)
    log: list[Entry] = []
    for batch in batches:
        log += batch
        if not all(going.extend(entry) for entry in batch):
            going = Fold.of(SHIPMENT, log, meanings, limits)
    return going


# --- The history is a set ----------------------------------------------------------------------


@given(histories, mappings, thresholds, instants, shuffles)
def test_permutation_no_order_changes_the_state(
    history: list[Entry],
    meanings: Mappings,
    limits: Thresholds | None,
    as_of: int | None,
    shuffle: Random,
) -> None:
    expected = exported(fold(SHIPMENT, history, meanings, thresholds=limits, as_of=as_of))
    shuffle.shuffle(history)
    assert exported(fold(SHIPMENT, history, meanings, thresholds=limits, as_of=as_of)) == expected


@given(histories, mappings, shuffles)
def test_ties_what_happened_at_one_instant_has_one_order(
    history: list[Entry], meanings: Mappings, shuffle: Random
) -> None:
    at_once = [replace(entry, event_time=at(5)) for entry in history]
    expected = exported(fold(SHIPMENT, at_once, meanings))
    shuffle.shuffle(at_once)
    assert exported(fold(SHIPMENT, at_once, meanings)) == expected


@given(histories, mappings, thresholds, instants, st.integers(1, 3))
def test_duplication_no_repeat_changes_the_state(
    history: list[Entry],
    meanings: Mappings,
    limits: Thresholds | None,
    as_of: int | None,
    every: int,
) -> None:
    again = [*history, *history[::every]]
    expected = exported(fold(SHIPMENT, history, meanings, thresholds=limits, as_of=as_of))
    assert exported(fold(SHIPMENT, again, meanings, thresholds=limits, as_of=as_of)) == expected


@given(batches, mappings, thresholds, instants)
def test_splitting_no_parting_into_batches_changes_the_state(
    parts: list[list[Entry]], meanings: Mappings, limits: Thresholds | None, as_of: int | None
) -> None:
    whole = Fold.of(SHIPMENT, chain.from_iterable(parts), meanings, limits)
    assert exported(arrived(parts, meanings, limits).shipment(as_of)) == exported(
        whole.shipment(as_of)
    )


@given(histories, mappings, instants)
def test_replay_the_history_once_more_changes_nothing(
    history: list[Entry], meanings: Mappings, as_of: int | None
) -> None:
    once = arrived([history], meanings, THRESHOLDS)
    twice = arrived([history, *([entry] for entry in history)], meanings, THRESHOLDS)
    assert exported(twice.shipment(as_of)) == exported(once.shipment(as_of))


@given(histories, entries, mappings)
def test_late_arrival_an_entry_counts_from_when_it_happened(
    history: list[Entry], late: Entry, meanings: Mappings
) -> None:
    in_time = sorted([*history, late], key=lambda e: (e.event_time, e.event_id))
    expected = Fold.of(SHIPMENT, in_time, meanings, THRESHOLDS)
    folded = arrived([history, [late]], meanings, THRESHOLDS)
    assert exported(folded.shipment(at(12))) == exported(expected.shipment(at(12)))


@given(histories, mappings, thresholds, instants, st.booleans())
def test_one_step_where_it_is_taken_gives_what_the_full_fold_gives(
    history: list[Entry],
    meanings: Mappings,
    limits: Thresholds | None,
    as_of: int | None,
    by_time: bool,
) -> None:
    arriving = sorted(history, key=lambda e: e.event_time) if by_time else history
    going = Fold.of(SHIPMENT, [], meanings, limits)
    for count, entry in enumerate(arriving, 1):
        full = Fold.of(SHIPMENT, arriving[:count], meanings, limits)
        before = exported(going.shipment(as_of))
        if not going.extend(entry):
            assert exported(going.shipment(as_of)) == before
            going = full
        assert exported(going.shipment(as_of)) == exported(full.shipment(as_of))
        assert going.due(NOON) == full.due(NOON)


@given(histories, mappings)
def test_when_and_how_an_entry_was_recorded_does_not_matter(
    history: list[Entry], meanings: Mappings
) -> None:
    moved = [replace(entry, record_time=NOON - 5) for entry in history]
    assert exported(fold(SHIPMENT, moved, meanings)) == exported(fold(SHIPMENT, history, meanings))


@given(histories, mappings, st.sampled_from([s for s in SENT if s.level >= Status.PICKED_UP.level]))
def test_the_newest_report_of_progress_says_how_far_a_shipment_is(
    history: list[Entry], meanings: Mappings, status: Status
) -> None:
    newest = update(status.value, 10, "newest")
    assert fold(SHIPMENT, [newest, *history], meanings).progress is status


# --- Conflicts, retractions, mappings ----------------------------------------------------------


def content(entry: Entry) -> tuple[int, bool, str]:
    is_unknown = isinstance(entry, ShipmentUpdate) and entry.status is Status.UNKNOWN
    return entry.event_time, is_unknown, entry.fingerprint


@given(histories, mappings)
def test_conflict_of_one_id_the_least_content_is_the_fact(
    history: list[Entry], meanings: Mappings
) -> None:
    least: dict[tuple[str, str], Entry] = {}
    for entry in sorted(history, key=content, reverse=True):
        least[entry.sender, entry.event_id] = entry
    whole = fold(SHIPMENT, history, meanings)
    # Retractions are all kept: taking back is final, whatever else bears the id.
    facts = [*least.values(), *(e for e in history if isinstance(e, Retraction))]
    assert exported(fold(SHIPMENT, facts, meanings)) == exported(replace(whole, conflicts=0))
    contents = {identity(e) for e in history if not isinstance(e, Retraction)}
    assert whole.conflicts == len(contents) - len({i[1:3] for i in contents})


@given(histories, mappings, st.tuples(ids, senders), st.integers(-1, 10), st.integers(0, 12))
def test_retraction_before_or_after_its_target_it_is_as_if_it_had_never_been_said(
    history: list[Entry], meanings: Mappings, target: tuple[str, str], when: int, place: int
) -> None:
    event_id, sender = target
    said = [*history[:place], take_back(event_id, when, sender), *history[place:]]
    rest = [
        e
        for e in history
        if not (isinstance(e, ShipmentUpdate) and (e.sender, e.event_id) == (sender, event_id))
    ]
    kept = arrived(([entry] for entry in said), meanings, THRESHOLDS).shipment(at(12))
    never = fold(SHIPMENT, rest, meanings, thresholds=THRESHOLDS, as_of=at(12))
    assert replace(kept, conflicts=0, retracted=0) == replace(never, conflicts=0, retracted=0)


@given(histories, mappings, ids, hours)
def test_retraction_by_an_operator_works_for_all_senders(
    history: list[Entry], meanings: Mappings, event_id: str, when: int
) -> None:
    both = [take_back(event_id, when), take_back(event_id, when, "other")]
    assert exported(
        fold(SHIPMENT, [operator_takes_back(event_id), *history], meanings)
    ) == exported(fold(SHIPMENT, [*both, *history], meanings))


@given(st.lists(troubles | updates, max_size=8), sent)
def test_mapping_a_mapped_code_is_as_if_its_status_had_been_said_from_the_beginning(
    history: list[ShipmentUpdate], status: Status
) -> None:
    def state(said: list[ShipmentUpdate], meanings: Mappings) -> Shipment:
        return replace(fold(SHIPMENT, said, meanings), codes=(), conflicts=0)

    once = list({(u.sender, u.event_id): u for u in history}.values())
    meanings = read_mappings(means("XA", status, carrier=c) for c in (None, "UPS", "DHL"))
    said = [replace(u, status=status) if u.status_word == "XA" else u for u in once]
    assert state(once, meanings) == state(said, NO_MAPPINGS)


@given(st.lists(mapped, max_size=8), shuffles)
def test_mapping_the_newest_wins_whatever_comes_last(
    said: list[CodeMapping], shuffle: Random
) -> None:
    by_time = sorted(said, key=lambda m: (m.event_time, m.event_id, m.fingerprint))
    newest = {code_key(m.carrier, m.code): m.status for m in by_time}
    again = [*said, *said[::2]]
    shuffle.shuffle(again)
    assert read_mappings(again) == newest


# --- Acts among events -------------------------------------------------------------------------


@given(histories, mappings, st.sampled_from([Action.ACK, Action.MUTE, Action.UNMUTE]), critical)
def test_acts_but_for_resolve_change_alerts_and_no_state(
    history: list[Entry], meanings: Mappings, action: Action, condition: Status
) -> None:
    def state(said: list[Entry]) -> Shipment:
        shipment = fold(SHIPMENT, said, meanings, thresholds=THRESHOLDS, as_of=at(12))
        plain = [replace(e, acknowledged=False, muted=False) for e in shipment.episodes]
        return replace(shipment, episodes=tuple(plain))

    wrong = [*history, update(condition.value, 8, "wrong")]
    assert state([*wrong, do(action, condition, 8, "act")]) == state(wrong)


@given(histories, mappings, st.sampled_from(Action), conditions, hours)
def test_acts_leave_all_but_their_condition_alone(
    history: list[Entry], meanings: Mappings, action: Action, condition: Status, when: int
) -> None:
    def others(said: list[Entry]) -> Shipment:
        shipment = fold(SHIPMENT, said, meanings, thresholds=THRESHOLDS, as_of=at(12))
        return replace(
            shipment, episodes=tuple(e for e in shipment.episodes if e.condition is not condition)
        )

    assert others([*history, do(action, condition, when, "new")]) == others(history)


@given(histories, mappings, conditions, st.integers(0, 5))
def test_acts_resolve_closes_its_condition_until_something_new_is_said(
    history: list[Entry], meanings: Mappings, condition: Status, later: int
) -> None:
    resolved = [do(Action.RESOLVE, condition, 10, "new"), *history]
    shipment = fold(SHIPMENT, resolved, meanings, thresholds=THRESHOLDS, as_of=at(10 + later))
    assert condition not in shipment.conditions
    assert all(e.resolved_at is None or e.resolved_at <= at(10) for e in shipment.episodes)


# --- Legs: a number is used anew ---------------------------------------------------------------


def of_next_leg(entry: Entry) -> Entry:
    """Return an entry said half a day later, under an id of its own."""
    if isinstance(entry, Retraction):
        return take_back(f"{entry.retracts}2", 12, entry.sender)
    return replace(
        entry, event_id=f"{entry.event_id}2", event_time=entry.event_time + at(12) - NOON
    )


@given(histories, histories.map(lambda said: [of_next_leg(e) for e in said]), mappings)
def test_legs_a_number_that_is_used_anew_starts_afresh(
    before: list[Entry], after: list[Entry], meanings: Mappings
) -> None:
    limits = Thresholds({(None, None): 3})
    first = [*before, update("DELIVERED", 10, "end")]
    second = [update("PICKED_UP", 11, "again"), *after]
    old = fold(SHIPMENT, first, meanings, thresholds=limits)
    new = fold(SHIPMENT, second, meanings, thresholds=limits, as_of=at(30))
    both = fold(SHIPMENT, first + second, meanings, thresholds=limits, as_of=at(30))
    assert (both.leg, both.progress, both.eta) == (old.leg + new.leg, new.progress, new.eta)
    # Where it was and who carried it is known until somebody says otherwise.
    assert [replace(e, location=None, carrier=None) for e in both.episodes if e.leg > old.leg] == [
        replace(e, leg=e.leg + old.leg, location=None, carrier=None) for e in new.episodes
    ]


@given(histories, mappings, st.sampled_from(TERMINALS))
def test_legs_the_end_of_one_closes_what_was_wrong_but_damage(
    history: list[Entry], meanings: Mappings, end: Status
) -> None:
    ended = [*history, update(end.value, 10, "end")]
    shipment = fold(SHIPMENT, ended, meanings, thresholds=THRESHOLDS, as_of=at(30))
    assert set(shipment.conditions) <= {Status.DAMAGED}


@given(histories, mappings, st.sampled_from(TERMINALS), critical)
def test_legs_a_new_one_closes_what_was_wrong_with_the_old_but_damage(
    history: list[Entry], meanings: Mappings, end: Status, condition: Status
) -> None:
    after = [update(condition.value, 10.5, "after"), update("PICKED_UP", 11, "again")]
    said = [*history, update(end.value, 10, "end"), *after]
    shipment = fold(SHIPMENT, said, meanings, thresholds=THRESHOLDS, as_of=at(12))
    assert set(shipment.conditions) <= {Status.DAMAGED}
