from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations, product
from typing import TYPE_CHECKING, Final

import pytest

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
from waypost.core.entries import Action, Entry, Retraction
from waypost.core.shipments import Fold, Shipment, Thresholds, fold
from waypost.core.statuses import Status
from waypost.core.updates import Place

if TYPE_CHECKING:
    from collections.abc import Callable

SCANS = [
    "PICKED_UP",
    "IN_TRANSIT",
    "OUT_FOR_DELIVERY",
    "DELIVERY_ATTEMPTED",
    "AVAILABLE_FOR_PICKUP",
    "RETURNING",
]
TERMINALS = ["DELIVERED", "RETURNED", "CANCELLED", "DISPOSED"]


def state(*history: Entry) -> Shipment:
    return fold(SHIPMENT, history)


# --- progress ----------------------------------------------------------------------------------


def test_no_history_is_an_empty_state() -> None:
    shipment = state()
    assert (shipment.shipment_id, shipment.progress, shipment.leg) == (SHIPMENT, None, 1)
    assert (shipment.first_event_time, shipment.last_event_time, shipment.updates) == (
        None,
        None,
        0,
    )
    assert shipment.conditions == ()
    assert shipment.condition is None


@pytest.mark.parametrize("news", ["UNKNOWN", "NOTE", "LOST", "DAMAGED", "DELAYED", "ON_HOLD"])
def test_what_is_no_progress_moves_none(news: str) -> None:
    shipment = state(update("IN_TRANSIT", 0), update(news, 1))
    assert (shipment.progress, shipment.progress_at) == (Status.IN_TRANSIT, at(0))
    assert shipment.last_event_time == at(1)


def test_progress_is_the_last_and_not_the_furthest() -> None:
    shipment = state(update("OUT_FOR_DELIVERY", 1), update("IN_TRANSIT", 2))
    assert (shipment.progress, shipment.progress_at) == (Status.IN_TRANSIT, at(2))


@pytest.mark.parametrize(
    ("early", "late"), list(product(["PENDING", "INFO_RECEIVED"], SCANS + TERMINALS))
)
def test_announcements_after_a_scan_or_an_end_do_not_count(early: str, late: str) -> None:
    shipment = state(update(late, 1), update("LOST", 2), update(early, 3))
    assert (shipment.progress, shipment.progress_at) == (late, at(1))


@pytest.mark.parametrize(
    ("first", "second"), [("PENDING", "INFO_RECEIVED"), ("INFO_RECEIVED", "PENDING")]
)
def test_announcements_before_a_scan_count(first: str, second: str) -> None:
    assert state(update(first, 1), update(second, 2)).progress == second
    assert state(update(first, 1), update("LOST", 2), update(second, 3)).progress == second


@pytest.mark.parametrize(("end", "news"), list(product(TERMINALS, [*SCANS[1:], *TERMINALS])))
def test_ends_are_not_sticky(end: str, news: str) -> None:
    shipment = state(update(end, 1), update(news, 2))
    assert (shipment.progress, shipment.leg) == (news, 1)


# --- legs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", TERMINALS)
def test_a_pickup_after_an_end_opens_a_leg(end: str) -> None:
    shipment = state(update(end, 1), update("PICKED_UP", 2))
    assert (shipment.leg, shipment.progress) == (2, Status.PICKED_UP)


def test_any_end_of_the_leg_will_do_not_just_the_last_status() -> None:
    history: list[Entry] = [update("DELIVERED", 1), update("IN_TRANSIT", 2), update("PICKED_UP", 3)]
    assert state(*history).leg == 2


def test_a_second_pickup_of_a_leg_opens_none() -> None:
    history: list[Entry] = [update("DELIVERED", 1), update("PICKED_UP", 2), update("PICKED_UP", 3)]
    assert state(*history).leg == 2
    assert state(update("PICKED_UP", 2), update("PICKED_UP", 3)).leg == 1


def test_announcements_count_again_in_no_new_leg_until_it_has_no_scan() -> None:
    history: list[Entry] = [update("DELIVERED", 1), update("PICKED_UP", 2), update("PENDING", 3)]
    assert state(*history).progress is Status.PICKED_UP


def test_damage_of_the_old_leg_stays_beside_damage_of_the_new() -> None:
    shipment = state(
        update("DAMAGED", 0),
        update("DELIVERED", 1),
        update("PICKED_UP", 2),
        update("DAMAGED", 3),
        update("DAMAGED", 4),
    )
    assert [(e.leg, e.opened_at, len(e.members)) for e in shipment.episodes] == [
        (1, at(0), 1),
        (2, at(3), 2),
    ]
    assert shipment.conditions == (Status.DAMAGED,)


# --- ties --------------------------------------------------------------------------------------

TIE_ORDER = [
    ["UNKNOWN", "NOTE"],
    ["PENDING"],
    ["INFO_RECEIVED"],
    ["PICKED_UP"],
    ["IN_TRANSIT"],
    ["OUT_FOR_DELIVERY", "DELIVERY_ATTEMPTED", "AVAILABLE_FOR_PICKUP"],
    ["RETURNING"],
    ["LOST", "DAMAGED", "EXCEPTION", "DELAYED", "ON_HOLD"],
    ["DELIVERED", "RETURNED", "CANCELLED", "DISPOSED"],
]


def test_at_one_millisecond_the_rank_of_the_status_decides() -> None:
    folded = Fold.of(SHIPMENT, [])
    for lower, higher in pairwise(TIE_ORDER):
        for before, after in product(lower, higher):
            assert folded.order(update(before, 0, "z")) < folded.order(update(after, 0, "a"))
    for status in TIE_ORDER[-1]:
        act = do(Action.ACK, Status.LOST, 0, "a")
        assert folded.order(update(status, 0, "z")) < folded.order(act)


def test_at_one_rank_the_event_id_decides_and_then_the_sender() -> None:
    same_rank = [
        update("OUT_FOR_DELIVERY", 0, "a", sender="x"),
        update("DELIVERY_ATTEMPTED", 0, "b", sender="a"),
        update("AVAILABLE_FOR_PICKUP", 0, "b", sender="b"),
    ]
    for history in permutations(same_rank):
        assert state(*history).progress is Status.AVAILABLE_FOR_PICKUP


def test_an_end_and_a_condition_of_one_millisecond_leave_nothing_open() -> None:
    assert state(update("DELIVERED", 0), update("LOST", 0)).conditions == ()


# --- one fact per event id ---------------------------------------------------------------------


def test_the_earliest_content_of_an_id_is_the_fact() -> None:
    said = [update("DELIVERED", 2, "e"), update("IN_TRANSIT", 1, "e"), update("LOST", 3, "e")]
    for history in permutations(said):
        shipment = state(*history)
        assert (shipment.progress, shipment.updates, shipment.conflicts) == (
            Status.IN_TRANSIT,
            1,
            2,
        )


def test_at_one_time_the_least_fingerprint_is_the_fact() -> None:
    said = [update("IN_TRANSIT", 1, "e"), update("DELIVERED", 1, "e")]
    least = min(said, key=lambda entry: entry.fingerprint)
    for history in permutations(said):
        assert state(*history).progress is least.status


def test_at_one_time_what_is_known_is_the_fact() -> None:
    said = [update("kaputt", 1, "e"), update("IN_TRANSIT", 1, "e"), update("schade", 1, "e")]
    for history in permutations(said):
        shipment = state(*history)
        assert (shipment.progress, shipment.conflicts) == (Status.IN_TRANSIT, 2)
        assert shipment.codes == ()


def test_a_duplicate_is_no_conflict() -> None:
    entry = update("IN_TRANSIT", 1)
    again = replace(entry, record_time=at(99), description="said again")
    shipment = state(entry, again, entry)
    assert (shipment.updates, shipment.conflicts) == (1, 0)


def test_one_id_of_two_senders_is_two_facts() -> None:
    shipment = state(update("IN_TRANSIT", 1, "e"), update("DELIVERED", 2, "e", sender="other"))
    assert (shipment.updates, shipment.conflicts) == (2, 0)


# --- retractions -------------------------------------------------------------------------------


def test_another_sender_can_take_nothing_back() -> None:
    shipment = state(update("LOST", 1, "e"), take_back("e", 2, sender="other"))
    assert (shipment.conditions, shipment.retracted) == ((Status.LOST,), 0)


@pytest.mark.parametrize("retract", [take_back, operator_takes_back])
@pytest.mark.parametrize("hours", [0, 1, 2])
def test_a_retraction_works_whenever_it_comes(
    retract: Callable[[str, float], Retraction], hours: float
) -> None:
    entries: list[Entry] = [update("IN_TRANSIT", 0.5), update("LOST", 1, "e"), retract("e", hours)]
    for history in permutations(entries):
        shipment = state(*history)
        assert (shipment.conditions, shipment.updates, shipment.retracted) == ((), 1, 1)
        assert shipment.last_event_time == at(0.5)


def test_an_operator_can_take_back_what_any_sender_said() -> None:
    shipment = state(
        update("LOST", 1, "e", sender="x"), update("LOST", 1, "e"), operator_takes_back("e")
    )
    assert (shipment.updates, shipment.retracted) == (0, 2)


def test_all_contents_of_a_retracted_id_are_gone() -> None:
    shipment = state(update("LOST", 1, "e"), update("LOST", 2, "e"), take_back("e"))
    assert (shipment.updates, shipment.retracted, shipment.conflicts) == (0, 1, 1)


def test_a_retraction_is_final() -> None:
    shipment = state(update("LOST", 1, "e"), take_back("e"), take_back("retract:e"))
    assert shipment.retracted == 1


def test_an_update_with_the_id_of_a_retraction_does_not_stop_it() -> None:
    shipment = state(update("LOST", 1, "e"), take_back("e", 5), update("NOTE", 0, "retract:e"))
    assert (shipment.conditions, shipment.updates) == ((), 1)


def test_taking_back_twice_is_no_conflict() -> None:
    shipment = state(update("LOST", 1, "e"), take_back("e", 5), take_back("e", 6))
    assert (shipment.retracted, shipment.conflicts) == (1, 0)


# --- what else the state holds -----------------------------------------------------------------


def test_place_and_carrier_are_the_last_that_were_named() -> None:
    place = Place(name="Hub", country="DE")
    shipment = state(
        update("IN_TRANSIT", 1, location="Chicago", carrier="UPS"),
        update("LOST", 2, location=place),
        update("UNKNOWN", 3),
    )
    assert (shipment.location, shipment.carrier) == (place, "UPS")


def test_a_note_is_no_report_of_a_place() -> None:
    shipment = state(update("IN_TRANSIT", 1, location="A"), update("NOTE", 2, location="B", eta=9))
    assert (shipment.location, shipment.eta, shipment.progress_at) == ("A", at(9), at(1))


def test_the_state_holds_nothing_of_arrival() -> None:
    early = [update("IN_TRANSIT", 1, recorded=1), update("LOST", 2, recorded=2)]
    late = [update("IN_TRANSIT", 1, recorded=9), update("LOST", 2, recorded=1)]
    assert repr(state(*early)) == repr(state(*late))


def test_an_episode_knows_where_and_why_it_opened() -> None:
    [episode] = state(
        update("IN_TRANSIT", 1, location="A", carrier="UPS"),
        update("EXCEPTION", 2, "first", reason="R1"),
        update("EXCEPTION", 3, "second", reason="R2", location="B", carrier="DHL"),
    ).episodes
    assert (episode.opened_at, episode.newest, episode.resolved_at) == (at(2), at(3), None)
    assert (episode.location, episode.carrier, episode.reason_code) == ("A", "UPS", "R1")
    assert (episode.level, episode.opened_by) == (3, (SENDER, "first"))
    assert episode.members == ((SENDER, "first"), (SENDER, "second"))


def test_several_conditions_are_listed_worst_first() -> None:
    shipment = state(
        update("ON_HOLD", 1), update("DELAYED", 2), update("DAMAGED", 3), update("LOST", 4)
    )
    assert shipment.conditions == ("LOST", "DAMAGED", "DELAYED", "ON_HOLD")
    assert shipment.condition is Status.LOST


def test_which_updates_count() -> None:
    fact, other = update("IN_TRANSIT", 1, "e"), update("IN_TRANSIT", 2, "e")
    gone, stranger = update("LOST", 1, "gone"), update("LOST", 1, "stranger")
    folded = Fold.of(SHIPMENT, [fact, other, gone, take_back("gone")])
    assert [folded.counts(u) for u in (fact, other, gone, stranger)] == [True, False, False, False]


# --- going on ----------------------------------------------------------------------------------

BEFORE: Final[list[Entry]] = [update("IN_TRANSIT", 1), update("LOST", 2), take_back("gone")]


@pytest.mark.parametrize(
    "entry",
    [
        update("LOST", 2),
        update("DELIVERED", 2, "LOST@2"),
        update("DELIVERED", 1.5),
        update("IN_TRANSIT", 2, "z"),
        update("DELIVERED", 3, "gone"),
        take_back("LOST@2", 3),
        means("XB", Status.LOST, 3),
    ],
    ids=["again", "conflict", "late", "tie", "retracted", "retraction", "mapping"],
)
def test_what_cannot_go_on_top_changes_nothing(entry: Entry) -> None:
    folded = Fold.of(SHIPMENT, BEFORE)
    before = folded.shipment()
    assert not folded.extend(entry)
    assert folded.shipment() == before


@pytest.mark.parametrize("entry", [update("DELIVERED", 2), do(Action.RESOLVE, Status.LOST, 2)])
def test_what_is_new_and_last_goes_on_top(entry: Entry) -> None:
    thresholds = Thresholds()
    folded = Fold.of(SHIPMENT, BEFORE, thresholds=thresholds)
    assert folded.extend(entry)
    full = Fold.of(SHIPMENT, [*BEFORE, entry], thresholds=thresholds)
    assert folded.shipment(at(999)) == full.shipment(at(999))


def test_an_empty_fold_takes_any_fact() -> None:
    folded = Fold.of(SHIPMENT, [])
    assert folded.extend(update("LOST", 2))
    assert folded.shipment() == state(update("LOST", 2))
