from __future__ import annotations

from tests.support.histories import SHIPMENT, at, do, update
from waypost.core.entries import Action, Entry
from waypost.core.incidents import NOBODY_TOLD, decide
from waypost.core.shipments import Episode, Shipment, Thresholds, fold
from waypost.core.statuses import Status

DAY = Thresholds({(None, None): 24})


def state(*history: Entry, as_of: float = 0) -> Shipment:
    return fold(SHIPMENT, history, thresholds=DAY, as_of=at(as_of))


def episodes(condition: Status, *history: Entry, as_of: float = 0) -> list[Episode]:
    return [e for e in state(*history, as_of=as_of).episodes if e.condition is condition]


LOST = update("LOST", 1)


# --- acknowledge -------------------------------------------------------------------------------


def test_an_acknowledgement_marks_only_what_is_open_and_named() -> None:
    assert not episodes(Status.LOST, LOST, do(Action.ACK, Status.DAMAGED, 2))[0].acknowledged
    assert not episodes(Status.LOST, LOST, do(Action.ACK, Status.LOST, 0))[0].acknowledged
    closed = (LOST, update("IN_TRANSIT", 2), do(Action.ACK, Status.LOST, 3))
    assert not episodes(Status.LOST, *closed)[0].acknowledged


def test_an_acknowledged_episode_goes_on_and_changes_no_condition() -> None:
    shipment = state(LOST, do(Action.ACK, Status.LOST, 2), update("LOST", 3))
    assert shipment.conditions == (Status.LOST,)
    [episode] = shipment.episodes
    assert (episode.acknowledged, len(episode.members), episode.newest) == (True, 2, at(3))


def test_the_next_episode_is_not_acknowledged() -> None:
    history = (LOST, do(Action.ACK, Status.LOST, 2), update("IN_TRANSIT", 3), update("LOST", 4))
    assert [e.acknowledged for e in episodes(Status.LOST, *history)] == [True, False]


def test_an_act_comes_after_all_of_its_millisecond() -> None:
    [episode] = episodes(Status.LOST, do(Action.ACK, Status.LOST, 1, "a"), LOST)
    assert episode.acknowledged


# --- resolve -----------------------------------------------------------------------------------


def test_a_resolved_episode_may_be_followed_by_another() -> None:
    history = (LOST, do(Action.RESOLVE, Status.LOST, 2), update("LOST", 3))
    [first, second] = episodes(Status.LOST, *history)
    assert (first.resolved_at, second.opened_at, second.resolved_at) == (at(2), at(3), None)


def test_damage_can_be_resolved_by_an_operator_alone() -> None:
    [episode] = episodes(
        Status.DAMAGED, update("DAMAGED", 1), do(Action.RESOLVE, Status.DAMAGED, 2)
    )
    assert episode.resolved_at == at(2)


def test_damage_of_every_leg_is_resolved_at_once() -> None:
    history: list[Entry] = [
        update("DAMAGED", 0),
        update("DELIVERED", 1),
        update("PICKED_UP", 2),
        update("DAMAGED", 3),
        do(Action.RESOLVE, Status.DAMAGED, 4),
    ]
    assert state(*history).conditions == ()


def test_resolved_silence_stays_resolved_until_the_next_sign_of_life() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0), do(Action.RESOLVE, Status.STALLED, 30)]
    [first] = episodes(Status.STALLED, *history, as_of=999)
    assert (first.opened_at, first.resolved_at) == (at(24), at(30))
    [_, second] = episodes(Status.STALLED, *history, update("NOTE", 50), as_of=999)
    assert (second.opened_at, second.resolved_at) == (at(74), None)


def test_resolved_lateness_stays_resolved_until_the_next_eta() -> None:
    history: list[Entry] = [
        update("NOTE", 0, eta=5),
        do(Action.RESOLVE, Status.LATE, 6),
        update("NOTE", 7),
    ]
    [first] = episodes(Status.LATE, *history, as_of=8)
    assert (first.opened_at, first.resolved_at) == (at(5), at(6))
    [_, second] = episodes(Status.LATE, *history, update("NOTE", 8, eta=9), as_of=10)
    assert (second.opened_at, second.resolved_at) == (at(9), None)


def test_an_act_at_the_very_deadline_meets_the_episode() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0, eta=24)]
    acts = [do(Action.ACK, c, 24, f"ack {c}") for c in (Status.STALLED, Status.LATE)]
    shipment = state(*history, *acts, as_of=24)
    assert [(e.opened_at, e.acknowledged) for e in shipment.episodes] == [(at(24), True)] * 2


# --- mute --------------------------------------------------------------------------------------


def test_mute_covers_what_is_open_and_what_opens_later() -> None:
    history: list[Entry] = [
        LOST,
        do(Action.MUTE, Status.LOST, 2),
        update("IN_TRANSIT", 3),
        update("LOST", 4),
        update("DAMAGED", 5),
    ]
    shipment = state(*history)
    assert [(e.condition, e.muted) for e in shipment.episodes] == [
        (Status.LOST, True),
        (Status.LOST, True),
        (Status.DAMAGED, False),
    ]
    assert shipment.conditions == (Status.LOST, Status.DAMAGED)


def test_unmute_ends_it_for_what_is_open_and_what_opens_later() -> None:
    history: list[Entry] = [
        do(Action.MUTE, Status.LOST, 0),
        LOST,
        do(Action.UNMUTE, Status.LOST, 2),
    ]
    shipment = state(*history)
    assert [e.muted for e in shipment.episodes] == [False]
    assert len(decide(shipment, NOBODY_TOLD)[0]) == 1
    again = state(*history, update("IN_TRANSIT", 3), update("LOST", 4))
    assert [e.muted for e in again.episodes] == [False, False]


def test_mute_ends_where_the_number_is_used_anew() -> None:
    history: list[Entry] = [
        do(Action.MUTE, Status.LOST, 0),
        update("DELIVERED", 1),
        update("PICKED_UP", 2),
        update("LOST", 3),
    ]
    assert [e.muted for e in state(*history).episodes] == [False]


def test_derived_conditions_can_be_muted_before_they_come() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0), do(Action.MUTE, Status.STALLED, 1)]
    assert [e.muted for e in episodes(Status.STALLED, *history, as_of=999)] == [True]
