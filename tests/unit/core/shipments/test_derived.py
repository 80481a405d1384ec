"""STALLED and LATE: pure functions of the history, the thresholds and an instant."""

from __future__ import annotations

import pytest

from tests.support.histories import SENDER, SHIPMENT, at, do, update
from waypost.core.entries import Action, Entry
from waypost.core.shipments import Episode, Fold, Shipment, Thresholds, fold
from waypost.core.statuses import Status

DAY = Thresholds({(None, None): 24})
NEVER = Thresholds({(None, None): 1e6})


def state(*history: Entry, as_of: float, thresholds: Thresholds = DAY) -> Shipment:
    return fold(SHIPMENT, history, thresholds=thresholds, as_of=at(as_of))


def only(condition: Status, shipment: Shipment) -> Episode:
    [episode] = [e for e in shipment.episodes if e.condition is condition]
    return episode


def stretches(condition: Status, shipment: Shipment) -> list[tuple[int, int | None]]:
    return [(e.opened_at, e.resolved_at) for e in shipment.episodes if e.condition is condition]


# --- nothing without cause ---------------------------------------------------------------------


def test_without_thresholds_nothing_is_derived() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0, eta=1), do(Action.ACK, Status.LATE, 900)]
    assert fold(SHIPMENT, history, as_of=at(999)).episodes == ()
    assert Fold.of(SHIPMENT, history).due(0) is None


def test_without_an_update_nothing_is_derived() -> None:
    assert state(do(Action.MUTE, Status.STALLED, 0), as_of=999).episodes == ()


def test_without_as_of_only_what_was_due_before_the_last_entry_is_known() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0), update("IN_TRANSIT", 30)]
    shipment = fold(SHIPMENT, history, thresholds=DAY)
    assert stretches(Status.STALLED, shipment) == [(at(24), at(30))]


@pytest.mark.parametrize("end", ["DELIVERED", "RETURNED", "CANCELLED", "DISPOSED"])
def test_what_has_ended_is_neither_silent_nor_late(end: str) -> None:
    shipment = state(update("IN_TRANSIT", 0, eta=50), update(end, 10), as_of=999)
    assert shipment.episodes == ()


# --- STALLED -----------------------------------------------------------------------------------


def test_silence_counts_from_the_deadline_on() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0, "scan", carrier="UPS")]
    assert state(*history, as_of=23.999).conditions == ()
    shipment = state(*history, as_of=24)
    assert shipment.conditions == (Status.STALLED,)
    stalled = only(Status.STALLED, shipment)
    assert (stalled.opened_at, stalled.newest, stalled.resolved_at) == (at(24), at(24), None)
    assert stalled.opened_by == (SENDER, "scan")
    assert stalled.members == ((SENDER, "scan"),)
    assert stalled.carrier == "UPS"


def test_an_update_at_the_very_deadline_is_in_time() -> None:
    shipment = state(update("IN_TRANSIT", 0), update("NOTE", 24), as_of=30)
    assert shipment.episodes == ()


def test_silence_begins_anew_with_each_sign_of_life() -> None:
    shipment = state(update("IN_TRANSIT", 0), update("UNKNOWN", 40), as_of=64)
    assert stretches(Status.STALLED, shipment) == [(at(24), at(40)), (at(64), None)]


def test_as_of_long_after_is_the_same_opening() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0)]
    assert state(*history, as_of=24) == state(*history, as_of=99_999)


def test_silence_before_any_progress_counts_too() -> None:
    assert state(update("NOTE", 0), as_of=24).condition is Status.STALLED


def test_a_shipment_that_goes_on_after_its_end_can_stall() -> None:
    shipment = state(update("DELIVERED", 0), update("IN_TRANSIT", 1), as_of=30)
    assert stretches(Status.STALLED, shipment) == [(at(25), None)]


# --- LATE --------------------------------------------------------------------------------------


def test_late_counts_from_the_eta_on() -> None:
    history: list[Entry] = [update("NOTE", 0, "estimate", eta=5)]
    assert state(*history, as_of=4.999).conditions == ()
    late = only(Status.LATE, state(*history, as_of=5))
    assert (late.opened_at, late.opened_by) == (at(5), (SENDER, "estimate"))


def test_an_arrival_at_the_very_eta_is_in_time() -> None:
    assert state(update("NOTE", 0, eta=5), update("DELIVERED", 5), as_of=9).episodes == ()


def test_the_newest_estimate_is_the_one_that_was_made_last() -> None:
    history: list[Entry] = [
        update("NOTE", 2, eta=8),
        update("NOTE", 1, eta=20),
        update("NOTE", 0, eta=3),
    ]
    shipment = state(*history, as_of=7)
    assert shipment.eta == at(8)
    assert shipment.episodes == ()


def test_an_eta_revised_in_time_moves_the_deadline() -> None:
    history: list[Entry] = [update("NOTE", 0, eta=5), update("NOTE", 4, eta=9)]
    assert state(*history, as_of=8).conditions == ()
    assert only(Status.LATE, state(*history, as_of=9)).opened_at == at(9)


def test_an_eta_revised_too_late_closes_one_episode_and_may_open_another() -> None:
    shipment = state(update("NOTE", 0, eta=5), update("NOTE", 6, eta=9), as_of=10)
    assert stretches(Status.LATE, shipment) == [(at(5), at(6)), (at(9), None)]


def test_an_eta_that_has_passed_when_it_is_given_counts_from_then() -> None:
    late = only(Status.LATE, state(update("NOTE", 6, eta=5), as_of=7))
    assert late.opened_at == at(6)


def test_episodes_of_one_condition_never_overlap() -> None:
    history: list[Entry] = [
        update("NOTE", 0, eta=10),
        update("NOTE", 12, eta=20),
        update("NOTE", 14, eta=5),
    ]
    shipment = state(*history, as_of=15)
    assert stretches(Status.LATE, shipment) == [(at(10), at(12)), (at(14), None)]


def test_the_way_back_drops_the_eta() -> None:
    shipment = state(
        update("IN_TRANSIT", 0, eta=5), update("RETURNING", 3), as_of=20, thresholds=NEVER
    )
    assert shipment.eta is None
    assert shipment.episodes == ()


def test_the_way_back_may_have_an_eta_of_its_own() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0, eta=5), update("RETURNING", 3, eta=15)]
    assert only(Status.LATE, state(*history, as_of=20)).opened_at == at(15)


def test_a_new_leg_drops_the_eta() -> None:
    history: list[Entry] = [update("DELIVERED", 0, eta=5), update("PICKED_UP", 1)]
    shipment = state(*history, as_of=20)
    assert shipment.eta is None
    assert shipment.episodes == ()


def test_a_shipment_that_goes_on_after_its_end_is_late_from_then() -> None:
    history: list[Entry] = [
        update("NOTE", 0, eta=5),
        update("DELIVERED", 3),
        update("IN_TRANSIT", 8),
    ]
    assert only(Status.LATE, state(*history, as_of=9)).opened_at == at(8)


# --- entries that are dated ahead of now -------------------------------------------------------


def test_an_entry_from_the_future_makes_nothing_late_before_its_time() -> None:
    history: list[Entry] = [update("NOTE", 0, eta=5), update("IN_TRANSIT", 9)]
    folded = Fold.of(SHIPMENT, history, thresholds=NEVER)
    assert folded.shipment(at(4)).episodes == ()
    assert folded.due(at(4)) == at(5)
    assert folded.shipment(at(5)).conditions == (Status.LATE,)


# --- what to look at next ----------------------------------------------------------------------


def test_due_is_the_next_deadline() -> None:
    folded = Fold.of(SHIPMENT, [update("IN_TRANSIT", 0, eta=5)], thresholds=DAY)
    assert folded.due(at(0)) == at(5)
    assert folded.due(at(5)) == at(24)
    assert folded.due(at(24)) is None


# --- thresholds --------------------------------------------------------------------------------

HOUR = 3_600_000
STATUS = Status.IN_TRANSIT


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({("UPS", STATUS): 1, ("UPS", None): 2, (None, STATUS): 3, (None, None): 4}, 1),
        ({("UPS", None): 2, (None, STATUS): 3, (None, None): 4}, 2),
        ({(None, STATUS): 3, (None, None): 4}, 3),
        ({(None, None): 4}, 4),
        ({("DHL", STATUS): 1, ("UPS", Status.PICKED_UP): 1}, 120),
        ({("UPS", STATUS): 0.5}, 0.5),
    ],
)
def test_the_most_specific_threshold_wins(
    hours: dict[tuple[str | None, Status | None], float], expected: float
) -> None:
    assert Thresholds(hours).silence(" ups ", STATUS) == expected * HOUR


def test_a_shipment_without_a_carrier_has_the_thresholds_of_all() -> None:
    thresholds = Thresholds({("UPS", STATUS): 1, (None, STATUS): 3})
    assert thresholds.silence(None, STATUS) == 3 * HOUR


def test_each_status_that_can_stall_has_a_default() -> None:
    open_levels = [s for s in Status if 0 <= s.level < 6]
    for status in [None, *open_levels]:
        assert 24 <= Thresholds().silence(None, status) / HOUR <= 24 * 14


def test_the_threshold_follows_carrier_and_progress() -> None:
    thresholds = Thresholds({("UPS", STATUS): 1, ("DHL", STATUS): 2})
    history: list[Entry] = [
        update("IN_TRANSIT", 0, carrier="UPS"),
        update("UNKNOWN", 0.5, carrier="dhl"),
        update("NOTE", 0.5, carrier="UPS"),
    ]
    assert state(*history, as_of=2.4, thresholds=thresholds).conditions == ()
    assert state(*history, as_of=2.5, thresholds=thresholds).conditions == (Status.STALLED,)
