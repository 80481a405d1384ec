"""What must hold of every history: a set of facts, in whatever order, however often they come.

Alphabets are small on purpose (few ids, times, senders), so that entries meet and collide.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import NOON
from tests.support.histories import (
    SENDER,
    SHIPMENT,
    at,
    do,
    means,
    operator_takes_back,
    take_back,
    update,
)
from waypost.core.entries import Action, Entry, from_json, identity, to_json
from waypost.core.errors import InvalidUpdate
from waypost.core.incidents import (
    NOBODY_TOLD,
    Told,
    decide,
    incident_json,
    incidents,
    shipment_json,
    tell,
)
from waypost.core.shipments import (
    NO_MAPPINGS,
    Fold,
    Mappings,
    Shipment,
    Thresholds,
    fold,
    read_mappings,
)
from waypost.core.statuses import CONDITIONS, Kind, Status
from waypost.core.updates import Event, Place, ShipmentUpdate, parse

THRESHOLDS: Final = Thresholds({(None, None): 3, ("UPS", None): 5, (None, Status.IN_TRANSIT): 2})
WORDS: Final = [*(s.value for s in Status if s.kind is not Kind.DERIVED), "XA", "XB"]

hours = st.integers(0, 9)
ids = st.sampled_from("abcde")
senders = st.sampled_from([SENDER, SENDER, SENDER, "other"])
conditions = st.sampled_from(CONDITIONS)
updates = st.builds(
    update,
    st.sampled_from(WORDS),
    hours,
    ids,
    sender=senders,
    carrier=st.sampled_from([None, None, "UPS", "dhl"]),
    location=st.sampled_from([None, "Chicago", Place(name="Hub", country="DE")]),
    eta=st.one_of(st.none(), hours),
    reason=st.sampled_from([None, "R1"]),
    recorded=hours,
)
retractions = st.one_of(
    st.builds(take_back, ids, hours, senders), st.builds(operator_takes_back, ids, hours)
)
acts = st.builds(do, st.sampled_from(Action), conditions, hours, st.sampled_from("ABC"))
mappings = st.one_of(
    st.just(NO_MAPPINGS),
    st.lists(
        st.builds(
            means,
            st.sampled_from(["XA", "xb"]),
            st.sampled_from([s for s in Status if s.kind is not Kind.DERIVED]),
            hours,
            ids,
            carrier=st.sampled_from([None, "ups"]),
        ),
        max_size=3,
    ).map(read_mappings),
)
entries: st.SearchStrategy[Entry] = st.one_of(updates, updates, updates, acts, retractions)
histories = st.lists(entries, max_size=12)
shuffles = st.randoms(use_true_random=False)
thresholds = st.sampled_from([None, THRESHOLDS])
instants = st.one_of(st.none(), st.integers(-1, 15).map(at))


def exported(shipment: Shipment) -> str:
    """Return all that is ever written of a shipment, as text, to compare byte by byte."""
    said = [shipment_json(shipment), *map(incident_json, incidents(shipment))]
    return json.dumps(said) + repr(shipment)


# --- state: a function of the set --------------------------------------------------------------


@given(histories, mappings, thresholds, instants, shuffles)
def test_no_order_and_no_duplicate_changes_the_state(
    history: list[Entry],
    meanings: Mappings,
    limits: Thresholds | None,
    as_of: int | None,
    shuffle: Random,
) -> None:
    expected = exported(fold(SHIPMENT, history, meanings, thresholds=limits, as_of=as_of))
    again = [*history, *history[::2]]
    shuffle.shuffle(again)
    assert exported(fold(SHIPMENT, again, meanings, thresholds=limits, as_of=as_of)) == expected


@given(histories, mappings, thresholds, instants, st.booleans())
def test_going_on_is_the_same_as_folding_again(
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


@given(histories, entries, mappings, shuffles)
def test_a_late_entry_gives_what_it_would_have_given_in_time(
    history: list[Entry], late: Entry, meanings: Mappings, shuffle: Random
) -> None:
    folded = Fold.of(SHIPMENT, history, meanings, THRESHOLDS)
    in_time = sorted([*history, late], key=lambda e: (e.event_time, e.event_id))
    expected = Fold.of(SHIPMENT, in_time, meanings, THRESHOLDS)
    if not folded.extend(late):
        folded = Fold.of(SHIPMENT, [*history, late], meanings, THRESHOLDS)
    assert exported(folded.shipment(at(12))) == exported(expected.shipment(at(12)))


@given(histories, mappings)
def test_when_and_how_it_was_recorded_does_not_matter(
    history: list[Entry], meanings: Mappings
) -> None:
    moved = [replace(entry, record_time=NOON - 5) for entry in history]
    assert exported(fold(SHIPMENT, moved, meanings)) == exported(fold(SHIPMENT, history, meanings))


# --- facts, retractions, mappings --------------------------------------------------------------


@given(histories, mappings)
def test_of_one_id_the_least_content_is_the_fact(history: list[Entry], meanings: Mappings) -> None:
    least: dict[tuple[str, str], Entry] = {}
    for entry in sorted(history, key=lambda e: (e.event_time, e.fingerprint), reverse=True):
        least[entry.sender, entry.event_id] = entry
    whole = fold(SHIPMENT, history, meanings)
    # Retractions are all kept: taking back is final, whatever else bears the id.
    facts = [*least.values(), *(e for e in history if e.event_id.startswith("retract:"))]
    assert exported(fold(SHIPMENT, facts, meanings)) == exported(replace(whole, conflicts=0))
    contents = {identity(e) for e in history if not e.event_id.startswith("retract:")}
    assert whole.conflicts == len(contents) - len({i[1:3] for i in contents})


@given(histories, mappings, ids, senders, hours)
def test_a_retraction_is_as_if_it_had_never_been_said(
    history: list[Entry], meanings: Mappings, event_id: str, sender: str, when: int
) -> None:
    gone = take_back(event_id, when, sender)
    rest = [
        e
        for e in history
        if not (isinstance(e, ShipmentUpdate) and (e.sender, e.event_id) == (sender, event_id))
    ]
    kept = replace(fold(SHIPMENT, [gone, *history], meanings), conflicts=0, retracted=0)
    assert kept == replace(fold(SHIPMENT, rest, meanings), conflicts=0, retracted=0)


@given(histories, mappings, ids, hours)
def test_an_operators_retraction_works_for_all_senders(
    history: list[Entry], meanings: Mappings, event_id: str, when: int
) -> None:
    both = [take_back(event_id, when), take_back(event_id, when, "other")]
    assert exported(
        fold(SHIPMENT, [operator_takes_back(event_id), *history], meanings)
    ) == exported(fold(SHIPMENT, [*both, *history], meanings))


@given(
    st.lists(updates, max_size=8),
    st.sampled_from([s for s in Status if s.kind is not Kind.DERIVED]),
)
def test_a_mapped_code_is_as_if_its_status_had_been_said(
    history: list[ShipmentUpdate], status: Status
) -> None:
    def state(said: list[ShipmentUpdate], meanings: Mappings) -> Shipment:
        return replace(fold(SHIPMENT, said, meanings), codes=(), conflicts=0)

    once = list({(u.sender, u.event_id): u for u in history}.values())
    meanings = read_mappings(means("XA", status, carrier=c) for c in (None, "UPS", "DHL"))
    said = [replace(u, status=status) if u.status_word == "XA" else u for u in once]
    assert state(once, meanings) == state(said, NO_MAPPINGS)


# --- STALLED and LATE --------------------------------------------------------------------------


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


@given(histories, mappings, st.integers(-1, 15))
def test_between_now_and_the_next_deadline_nothing_happens(
    history: list[Entry], meanings: Mappings, now: int
) -> None:
    folded = Fold.of(SHIPMENT, history, meanings, THRESHOLDS)
    due = folded.due(at(now))
    after = at(99) if due is None else due - 1
    assert folded.shipment(at(now)) == folded.shipment(after)
    assert due is None or due > at(now)


# --- episodes ----------------------------------------------------------------------------------


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


# --- alerts ------------------------------------------------------------------------------------


@given(histories, mappings, shuffles, st.integers(0, 15))
def test_who_decides_when_does_not_matter_for_what_must_be_told(
    history: list[Entry], meanings: Mappings, shuffle: Random, ends: int
) -> None:
    arriving = list(history)
    shuffle.shuffle(arriving)
    told: Told = NOBODY_TOLD
    keys: list[str] = []
    shipment = fold(SHIPMENT, [])
    for count in range(len(arriving) + 1):
        now = at(ends * count / (len(arriving) or 1))
        known = meanings if count * 2 > len(arriving) else NO_MAPPINGS
        shipment = fold(SHIPMENT, arriving[:count], known, thresholds=THRESHOLDS, as_of=now)
        alerts, joined = decide(shipment, told)
        assert joined >= told
        told = tell(joined, alerts)
        keys += [alert.key for alert in alerts]
        # Deciding again alerts nobody, and changes nothing.
        assert decide(shipment, told) == ((), told)
    # Every open critical episode is covered, acknowledged or muted.
    for episode in shipment.episodes:
        if episode.condition.critical and episode.resolved_at is None:
            covered = {(episode.condition, *ref) for ref in episode.members} <= told
            assert covered or episode.acknowledged or episode.muted
    # A key alerts once.
    assert len(keys) == len(set(keys))


@given(histories, mappings)
def test_what_came_quietly_stays_quiet(history: list[Entry], meanings: Mappings) -> None:
    shipment = fold(SHIPMENT, history, meanings, thresholds=THRESHOLDS, as_of=at(12))
    quiet = frozenset((entry.sender, entry.event_id) for entry in history)
    alerts, told = decide(shipment, NOBODY_TOLD, quiet)
    assert alerts == ()
    assert decide(shipment, told)[0] == ()


# --- bytes and JSON ----------------------------------------------------------------------------

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)
MEMBERS: Final = [
    "shipmentId",
    "status",
    "eventId",
    "occurredAt",
    "eta",
    "location",
    "carrier",
    "statusCode",
    "reasonCode",
    "description",
    "references",
    "schemaVersion",
    "kind",
    "eventTime",
    "recordTime",
    "sender",
    "zone",
    "statusWord",
    "rawEvent",
    "retracts",
    "action",
    "condition",
    "code",
]
details = st.one_of(
    json_values,
    st.dictionaries(
        st.sampled_from(MEMBERS),
        st.one_of(
            json_values,
            st.sampled_from(
                ["update", "retraction", "act", "mapping", "LOST", "ack", "2026-03-02T12:00:00Z"]
            ),
        ),
    ),
)


@given(details, st.one_of(st.none(), st.integers()))
def test_parse_raises_nothing_but_its_problems(detail: object, time: int | None) -> None:
    event = Event(id="1", source=SENDER, time=time, detail=detail, raw="")
    try:
        update_said = parse(event, now=NOON)
    except InvalidUpdate as error:
        assert error.problems  # noqa: PT017 (a good detail raises nothing)
    else:
        assert from_json(to_json(update_said), now=NOON) == update_said


@given(details)
def test_from_json_raises_nothing_but_its_problems(value: object) -> None:
    try:
        entry = from_json(value, now=NOON)
    except InvalidUpdate as error:
        assert error.problems  # noqa: PT017 (a good entry raises nothing)
    else:
        assert from_json(to_json(entry), now=NOON) == entry


@given(
    st.one_of(entries, st.builds(means, ids, conditions.filter(lambda c: c.kind is Kind.CONDITION)))
)
def test_every_entry_survives_its_json(entry: Entry) -> None:
    said = json.loads(json.dumps(to_json(entry)))
    assert from_json(said, now=at(9)) == entry
