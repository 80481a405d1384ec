"""Following: whatever comes and however it is cut, the state is right and people are told once."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from waypost.core.entries import OPERATOR, Action, act, mapping, retraction
from waypost.core.errors import StateConflict, StoreUnavailable
from waypost.core.shipments import Fold
from waypost.core.statuses import Status
from waypost.core.times import HOUR
from waypost.follow import refold
from waypost.follow.work import HOLD
from waypost.ports import IncidentQuery, Metric, ShipmentQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.unit.follow.conftest import World
    from waypost.core.entries import Entry
    from waypost.core.shipments import Mappings, Thresholds
    from waypost.ports import Followed


def fail_once(
    monkeypatch: pytest.MonkeyPatch, target: object, name: str, error: Exception
) -> Callable[[], int]:
    """Let a method raise at its first call; return a count of its calls."""
    calls = 0
    method = getattr(target, name)

    def flaky(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise error
        return method(*args, **kwargs)

    monkeypatch.setattr(target, name, flaky)
    return lambda: calls


def fail_of(*_: object) -> Fold:
    raise ZeroDivisionError("a bug")


# --- failures first ----------------------------------------------------------------------------


def test_a_store_that_fails_at_the_commit_loses_no_alert_and_sends_none_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    fail_once(monkeypatch, world.store, "commit", StoreUnavailable("disk full"))
    with pytest.raises(StoreUnavailable):
        world.following.turn()
    world.turns()
    assert world.alerted() == ["LOST A"]
    assert world.messages() == ["Logistics Alert: LOST - A"]


def test_a_commit_whose_answer_was_lost_is_followed_by_no_second_alert(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    commit = world.store.commit

    def commit_and_lose_the_answer(followed: Followed) -> None:
        monkeypatch.undo()
        commit(followed)
        raise StoreUnavailable("connection lost")

    monkeypatch.setattr(world.store, "commit", commit_and_lose_the_answer)
    with pytest.raises(StoreUnavailable):
        world.turns()
    world.turns()
    assert world.alerted() == ["LOST A"]


def test_a_crash_between_deciding_and_posting_loses_no_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    fail_once(monkeypatch, world.store, "post", StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        world.turns()
    world.restart()
    world.turns()
    assert world.messages() == ["Logistics Alert: LOST - A"]


def test_a_crash_between_following_and_deciding_loses_no_alert(world: World) -> None:
    world.say("A", "LOST")
    assert world.follower.follow()
    assert world.alerted() == []
    world.restart()
    world.turns()
    assert world.alerted() == ["LOST A"]


def test_somebody_else_saving_first_makes_it_fold_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    calls = fail_once(monkeypatch, world.store, "commit", StateConflict("A"))
    world.turns()
    assert calls() > 1
    assert world.alerted() == ["LOST A"]


def test_a_shipment_that_cannot_be_folded_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("BAD", "LOST")
    world.say("GOOD", "LOST")
    of = Fold.of

    def poisoned(
        shipment_id: str,
        history: Iterable[Entry],
        mappings: Mappings,
        thresholds: Thresholds | None,
    ) -> Fold:
        if shipment_id == "BAD":
            raise ZeroDivisionError("a bug")
        return of(shipment_id, history, mappings, thresholds)

    monkeypatch.setattr(Fold, "of", poisoned)
    world.turns()
    assert world.alerted() == ["LOST GOOD"]
    for _ in range(8):
        world.clock.time += 60_000
        world.turns()
    assert list(world.store.unfoldable()) == ["BAD"]
    assert world.metrics.value(Metric.UNFOLDABLE) == 1
    assert "ZeroDivisionError" in world.store.unfoldable()["BAD"]
    # Mended by a newer version, it is folded from its whole history, not from what is new.
    monkeypatch.undo()
    world.restart()
    world.say("BAD", "IN_TRANSIT", 1)
    world.turns()
    [shipment] = world.store.shipments(ShipmentQuery(progress=Status.IN_TRANSIT))
    assert shipment["updates"] == 2
    assert world.store.unfoldable() == {}


def test_a_shipment_that_was_given_up_is_tried_again_by_the_next_process(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("BAD", "LOST")
    with monkeypatch.context() as patch:
        patch.setattr(Fold, "of", fail_of)
        for _ in range(9):
            world.turns()
            world.clock.time += 60_000
    assert list(world.store.unfoldable()) == ["BAD"]
    world.turns()
    assert world.alerted() == []
    world.restart()
    world.turns()
    assert world.alerted() == ["LOST BAD"]
    assert world.store.failing() == {}


def test_a_quiet_import_that_is_folded_only_later_alerts_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.clock.time += 1_000 * HOUR
    with monkeypatch.context() as patch:
        patch.setattr(Fold, "of", fail_of)
        world.say("BAD", "LOST", quiet=True)
        world.say("BAD", "DAMAGED", 1, quiet=True)
        world.turns()
    world.restart()
    world.turns()
    world.clock.time += 2_000
    world.turns()
    shipment = world.store.shipment("BAD")
    assert shipment is not None
    assert set(shipment["conditions"]) == {"LOST", "DAMAGED", "STALLED"}
    assert world.alerted() == []


def test_a_shipment_that_failed_before_a_restart_is_folded_from_its_whole_history(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("BAD", "LOST")
    with monkeypatch.context() as patch:
        patch.setattr(Fold, "of", fail_of)
        world.turns()
    world.restart()
    world.say("BAD", "IN_TRANSIT", 1)
    world.turns()
    [shipment] = world.store.shipments(ShipmentQuery())
    assert shipment["updates"] == 2


@pytest.mark.parametrize("due", [False, True])
def test_a_shipment_that_fails_while_it_is_due_or_undecided_ends_no_turn_in_a_loop(
    world: World, monkeypatch: pytest.MonkeyPatch, *, due: bool
) -> None:
    world.say("A", "OUT_FOR_DELIVERY" if due else "LOST")
    assert world.follower.follow()
    world.restart()
    world.clock.time += 1_000 * HOUR

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Fold, "of", fail)
    assert not world.follower.sweep()
    assert not world.follower.decide()
    monkeypatch.undo()
    world.turns()
    assert world.alerted() == (["STALLED A"] if due else ["LOST A", "STALLED A"])


# --- the state -----------------------------------------------------------------------------------

STORY = [
    ("PICKED_UP", -60),
    ("IN_TRANSIT", -50),
    ("DELAYED", -40),
    ("OUT_FOR_DELIVERY", -30),
    ("DAMAGED", -29),
    ("DELIVERED", -20),
    ("PICKED_UP", -10),
    ("LOST", -5),
]


@pytest.mark.parametrize("seed", range(12))
def test_any_order_duplicates_and_cuts_give_the_same_state(world: World, seed: int) -> None:
    rng = random.Random(seed)
    told = [(f"e{i}", status, hours) for i, (status, hours) in enumerate(STORY)] * 2
    rng.shuffle(told)
    for event_id, status, hours in told:
        world.say("A", status, hours, event_id=event_id, carrier="UPS")
        if rng.random() < 0.4:
            world.follower.follow()
        if rng.random() < 0.1:
            world.restart()
    world.turns()
    [shipment] = world.store.shipments(ShipmentQuery())
    assert (shipment["progress"], shipment["leg"], shipment["updates"]) == ("PICKED_UP", 2, 8)
    assert shipment["conditions"] == ["LOST", "DAMAGED"]
    found = world.store.incidents(IncidentQuery())
    assert [(i["leg"], i["condition"], i["state"]) for i in found] == [
        (1, "DAMAGED", "open"),
        (1, "DELAYED", "resolved"),
        (2, "LOST", "open"),
    ]


def test_what_fell_out_of_memory_is_folded_from_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refold, "KEPT", 2)
    for hours in range(3):
        for shipment_id in "ABCDE":
            world.say(shipment_id, "IN_TRANSIT", hours - 5)
        world.turns()
    rows = world.store.shipments(ShipmentQuery())
    assert [row["updates"] for row in rows] == [3] * 5


def test_a_conflict_is_recorded_and_counted_once(world: World) -> None:
    world.say("A", "IN_TRANSIT", -2, event_id="e1")
    world.say("A", "DELAYED", -1, event_id="e1")
    world.turns()
    world.restart()
    world.say("A", "IN_TRANSIT", 0)
    world.turns()
    assert world.metrics.value(Metric.CONFLICTS) == 1
    [shipment] = world.store.shipments(ShipmentQuery())
    assert (shipment["conflicts"], shipment["condition"]) == (1, None)


def test_a_retraction_withdraws_the_incident_and_the_alert_stays_in_the_ledger(
    world: World,
) -> None:
    world.say("A", "LOST", -1, event_id="e1")
    world.turns()
    now = world.clock.now()
    taken_back = retraction("A", "e1", sender=OPERATOR, event_time=now, record_time=now)
    world.store.append([taken_back])
    world.turns()
    assert world.store.incidents(IncidentQuery()) == []
    assert world.alerted() == ["LOST A"]


def test_a_mapping_derives_history_anew_and_alerts(world: World) -> None:
    world.say("A", "Kaputt", -1, carrier="Post")
    world.say("B", "kaputt", -1, carrier="POST")
    world.say("C", "Kaputt", -1, carrier="Other")
    world.turns()
    assert [(u["code"], u["count"]) for u in world.store.unmapped()] == [
        ("Kaputt", 2),
        ("Kaputt", 1),
    ]
    now = world.clock.now()
    means = mapping(
        "post", "KAPUTT", Status.DAMAGED, event_id="m1", event_time=now, record_time=now
    )
    world.store.append([means])
    world.turns()
    assert sorted(world.alerted()) == ["DAMAGED A", "DAMAGED B"]
    assert [u["carrier"] for u in world.store.unmapped()] == ["Other"]
    # Taken back, the history is unmapped again.
    undone = mapping(
        "post", "KAPUTT", Status.UNKNOWN, event_id="m2", event_time=now + 1, record_time=now
    )
    world.store.append([undone])
    world.turns()
    assert world.store.shipments(ShipmentQuery(condition=Status.DAMAGED)) == []


# --- alerts --------------------------------------------------------------------------------------


def test_the_first_alert_after_quiet_goes_at_once_and_a_storm_is_a_handful_of_messages(
    world: World,
) -> None:
    world.say("FIRST", "DELAYED")
    world.turns()
    assert world.messages() == ["Logistics Alert: DELAYED - FIRST"]
    for start in range(0, 5_000, 500):
        world.say_all([(f"S{start + number}", "DELAYED", 0) for number in range(500)])
        world.turns()
    assert len(world.messages()) == 1
    world.clock.time += 30_000
    world.turns()
    assert world.messages()[1:] == ["Logistics Alert: 5,000 incidents - 5,000 DELAYED"]
    assert len(world.alerted()) == 5_001


def test_what_is_over_before_the_window_drains_alerts_nobody_unless_lost_or_damaged(
    world: World,
) -> None:
    world.say("FIRST", "DELAYED")
    world.turns()
    for shipment_id, status in (("A", "DELAYED"), ("B", "LOST"), ("C", "EXCEPTION")):
        world.say(shipment_id, "IN_TRANSIT", -5)
        world.say(shipment_id, status, -4)
        world.turns()
        world.say(shipment_id, "DELIVERED", -3)
        world.turns()
    world.clock.time += 30_000
    world.turns()
    assert world.alerted() == ["DELAYED FIRST", "LOST B"]


def test_repeats_replays_and_rederiving_alert_nobody(world: World) -> None:
    for hours in (-3, -2, -1):
        world.say("A", "DELAYED", hours)
        world.turns()
        world.clock.time += 60_000
    world.say("A", "DELAYED", -9)
    world.turns()
    world.store.refold_all()
    world.clock.time += 60_000
    world.turns()
    assert world.alerted() == ["DELAYED A"]


def test_delayed_again_after_it_was_cleared_alerts_again(world: World) -> None:
    for status, hours in (("DELAYED", -5), ("DELIVERED", -4), ("DELAYED", -3)):
        world.say("A", status, hours)
        world.turns()
        world.clock.time += 60_000
    world.turns()
    assert world.alerted() == ["DELAYED A", "DELAYED A"]


def test_acknowledged_and_muted_alert_nobody_and_unmuted_does(world: World) -> None:
    now = world.clock.now()

    def operator(shipment_id: str, action: Action) -> None:
        at = now + HOUR
        entry = act(
            shipment_id,
            action,
            Status.DELAYED,
            event_id=f"{shipment_id}-{action}",
            event_time=at if action is not Action.UNMUTE else at + 1,
            record_time=now,
        )
        world.store.append([entry])

    for shipment_id, action in (("A", Action.ACK), ("B", Action.MUTE), ("C", Action.RESOLVE)):
        world.say(shipment_id, "DELAYED")
        operator(shipment_id, action)
    world.turns()
    assert world.alerted() == []
    operator("B", Action.UNMUTE)
    world.turns()
    assert world.alerted() == ["DELAYED B"]


def test_a_quiet_import_alerts_nobody_and_its_repeats_neither(world: World) -> None:
    world.say("A", "DELAYED", -3, quiet=True)
    world.turns()
    world.say("A", "DELAYED", -2)
    world.say("B", "DELAYED", -2)
    world.turns()
    assert world.alerted() == ["DELAYED B"]


def test_an_import_holds_alerts_back_until_it_ends_or_has_died(world: World) -> None:
    world.following.hold()
    world.say("A", "DELAYED", -3)
    world.turns()
    world.clock.time += HOLD - 1
    world.following.hold()
    world.say("A", "DELIVERED", -2)
    world.say("B", "DELAYED", -2)
    world.clock.time += HOLD - 1
    world.turns()
    assert world.alerted() == []
    world.clock.time += 1
    world.turns()
    assert world.alerted() == ["DELAYED B"]


def test_under_load_without_end_alerts_go_out_when_the_window_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    world.follower.follow()
    monkeypatch.setattr(world.follower, "follow", lambda: True)
    world.following.turn()
    assert world.alerted() == []
    world.clock.time += 30_000
    world.following.turn()
    assert world.alerted() == ["LOST A"]


def test_a_clock_that_is_set_back_holds_nothing_back(world: World) -> None:
    world.say("A", "LOST")
    world.turns()
    world.clock.time -= 10 * HOUR
    world.say("B", "LOST", -20)
    world.turns()
    assert world.alerted() == ["LOST A", "LOST B"]
    assert len(world.messages()) == 2


def test_rejections_make_one_digest_a_window_with_the_full_count(world: World) -> None:
    for number in range(40):
        world.say(f"R{number}", "IN_TRANSIT", location=5)
    world.turns()
    world.say("R", "IN_TRANSIT", 30 * 24)
    world.turns()
    assert world.messages() == ["Logistics Processing Error - dev: 40 rejected"]
    world.clock.time += 30_000
    world.turns()
    assert world.messages()[1:] == ["Logistics Processing Error - dev: 1 rejected"]


# --- silence and lateness ------------------------------------------------------------------------


def test_a_silent_shipment_is_stalled_at_its_deadline_and_a_sign_of_life_ends_it(
    world: World,
) -> None:
    world.say("A", "OUT_FOR_DELIVERY")
    world.turns()
    world.clock.time += 48 * HOUR - 1
    world.turns()
    assert world.alerted() == []
    world.clock.time += 5 * HOUR
    world.turns()
    assert world.alerted() == ["STALLED A"]
    [incident] = world.store.incidents(IncidentQuery())
    assert incident["openedAt"] == "2026-11-25T02:13:20.000Z"
    world.say("A", "NOTE", 50)
    world.turns()
    [incident] = world.store.incidents(IncidentQuery())
    assert incident["state"] == "resolved"


def test_a_passed_eta_is_late_and_the_delivered_are_never_late_or_stalled(world: World) -> None:
    eta = "2026-11-23T05:00:00Z"
    world.say("A", "IN_TRANSIT", -30, eta=eta)
    world.say("B", "IN_TRANSIT", -30, eta=eta)
    world.say("B", "DELIVERED", -29)
    world.turns()
    world.clock.time += 24 * HOUR
    world.turns()
    assert world.alerted() == ["LATE A"]
    world.clock.time += 1_000 * HOUR
    world.turns()
    assert world.alerted() == ["LATE A", "STALLED A"]


def test_finish_follows_sweeps_and_decides_all(world: World) -> None:
    world.say("A", "LOST")
    world.say("B", "IN_TRANSIT", -1_000)
    world.following.finish()
    assert sorted(world.alerted()) == ["LOST A", "STALLED B"]
