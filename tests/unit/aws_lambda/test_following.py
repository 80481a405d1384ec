"""Following on AWS: one digest a batch, nobody told twice, nothing stuck behind one bad shipment."""

from __future__ import annotations

from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from waypost.aws_lambda import following
from waypost.aws_lambda.environment import CONNECTIONS
from waypost.core.errors import NotifyFailed, StateConflict, StoreUnavailable
from waypost.core.shipments import Fold
from waypost.core.statuses import Status
from waypost.core.times import HOUR
from waypost.ports import Metric, Save, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.unit.aws_lambda.conftest import World
    from waypost.core.entries import Entry
    from waypost.core.shipments import Mappings, Thresholds


def on_save(world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[str, int], None]) -> None:
    """Act before each save, given the shipment and how many saves of it were tried before."""
    save, tries = world.store.save, dict[str, int]()

    def saving(saves: Sequence[Save]) -> None:
        for one in saves:
            shipment_id = one.shipment.shipment_id
            tries[shipment_id] = tries.get(shipment_id, 0) + 1
            act(shipment_id, tries[shipment_id] - 1)
        save(saves)

    monkeypatch.setattr(world.store, "save", saving)


def poison(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    of = Fold.of

    def poisoned(
        shipment_id: str, history: Iterable[Entry], mappings: Mappings, thresholds: Thresholds
    ) -> Fold:
        if shipment_id == bad:
            raise KeyError("Ann Example")
        return of(shipment_id, history, mappings, thresholds)

    monkeypatch.setattr(Fold, "of", poisoned)


def test_where_nobody_can_be_told_the_alert_stays_pending(world: World) -> None:
    world.say("A", "LOST")
    world.say("B", "IN_TRANSIT")
    world.channel.fail(permanent=False)
    outcome = world.following.follow(["A", "B"])
    assert isinstance(outcome.unsent, NotifyFailed)
    assert outcome.followed == 2
    assert world.store.undecided(10) == ["A"]
    assert world.metrics.value(Metric.MESSAGES, "memory", "failed") == 1
    assert world.metrics.value(Metric.ALERTS, "LOST") == 0
    saved = world.store.save_of("A")
    assert (saved.alerts, saved.sent) == ((), None)


def test_the_shipments_of_a_batch_are_saved_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_of_them = Barrier(CONNECTIONS)

    def meet(_: str, __: int) -> None:
        all_of_them.wait(60)

    on_save(world, monkeypatch, meet)
    shipments = [f"S{number}" for number in range(CONNECTIONS)]
    for shipment_id in shipments:
        world.say(shipment_id, "IN_TRANSIT")
    assert world.following.follow(shipments).followed == CONNECTIONS


def test_what_stayed_pending_is_told_of_once(world: World) -> None:
    world.say("A", "LOST")
    world.channel.fail(permanent=False)
    world.following.follow(["A"])
    world.channel.recover()
    for _ in range(2):
        world.following.follow(["A"])
    assert world.told() == ["Logistics Alert: LOST - A"]
    assert world.store.undecided(10) == []


def test_a_store_that_fails_before_anything_was_sent_fails_the_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")

    def fail(shipment_id: str) -> None:
        raise StoreUnavailable(shipment_id)

    monkeypatch.setattr(world.store, "history_and_quiet", fail)
    with pytest.raises(StoreUnavailable):
        world.following.follow(["A"])
    assert world.told() == []


def test_a_shipment_that_cannot_be_folded_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for shipment_id in ("A", "BAD", "C"):
        world.say(shipment_id, "LOST")
    poison(monkeypatch, "BAD")
    outcome = world.following.follow(["A", "BAD", "C"])
    assert outcome.failed == ["BAD"]
    assert world.told() == ["Logistics Alert: 2 incidents - 2 LOST"]
    assert "BAD not followed: KeyError in poisoned" in caplog.text
    assert "Ann" not in caplog.text


def test_a_shipment_that_cannot_be_saved_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    world.say("B", "LOST")

    def fail(shipment_id: str, _: int) -> None:
        if shipment_id == "A":
            raise StoreUnavailable("throttled")

    on_save(world, monkeypatch, fail)
    assert world.following.follow(["A", "B"]).failed == ["A"]
    assert world.store.saved(["A", "B"]).keys() == {"B"}


def test_after_a_conflict_what_was_sent_counts_as_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    save = world.store.save

    def somebody_else(_: str, tries: int) -> None:
        if tries == 0:
            monkeypatch.undo()
            world.say("A", "DAMAGED", 1)
            world.channel.fail(permanent=False)
            world.following.follow(["A"])  # saves first, and tells nobody
            world.channel.recover()
            monkeypatch.setattr(world.store, "save", save)

    on_save(world, monkeypatch, somebody_else)
    assert world.following.follow(["A"]).followed == 1
    assert world.told() == ["Logistics Alert: LOST - A"]
    [message] = world.channel.messages
    saved = world.store.save_of("A")
    assert [alert.condition for alert in saved.alerts] == [Status.LOST]
    assert saved.sent == Sent(message.message_id, "memory", world.clock.now())
    assert {told[0] for told in world.store.saved(["A"])["A"].told} == {Status.LOST}
    assert world.store.undecided(10) == ["A"], "the sweep tells of the damage"
    world.following.follow(["A"])
    assert world.told()[1:] == ["Logistics Alert: DAMAGED - A"]


def test_a_shipment_that_is_saved_by_somebody_else_for_ever_is_given_up_for_now(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    tried = []

    def conflict(shipment_id: str, _: int) -> None:
        tried.append(shipment_id)
        raise StateConflict(shipment_id)

    on_save(world, monkeypatch, conflict)
    assert world.following.follow(["A"]).failed == ["A"]
    assert len(tried) == following.TRIES
    assert len(world.told()) == 1


def test_a_batch_is_one_message_the_worst_first(world: World) -> None:
    world.say("A", "DELAYED")
    world.say("B", "LOST")
    world.say("C", "DELIVERED")
    world.following.follow(["A", "B", "C", "A"])
    assert world.told() == ["Logistics Alert: 2 incidents - 1 LOST, 1 DELAYED"]
    [message] = world.channel.messages
    assert [alert["shipmentId"] for alert in message.alerts] == ["B", "A"]
    told_of = Sent(message.message_id, "memory", world.clock.now())
    assert [world.store.save_of(i).sent for i in "AB"] == [told_of, told_of]
    assert world.metrics.value(Metric.ALERTS, "LOST") == 1
    assert world.metrics.value(Metric.MESSAGES, "memory", "sent") == 1


def test_what_came_in_quietly_alerts_nobody(world: World) -> None:
    world.say("A", "LOST")
    [entry] = world.store.history("A")
    quiet = type(world.store)()
    quiet.append([entry], quiet=True)
    world.following._store = quiet
    assert world.following.follow(["A"]).followed == 1
    assert world.told() == []
    assert quiet.saved(["A"])["A"].told


def test_state_is_the_same_in_whatever_order_updates_are_followed(world: World) -> None:
    world.say("A", "DELIVERED", -1)
    world.following.follow(["A"])
    world.say("A", "IN_TRANSIT", -3)
    world.following.follow(["A"])
    shipment = world.store.shipment("A")
    assert shipment is not None
    assert shipment["progress"] == "DELIVERED"


def test_a_conflicting_entry_is_counted_once(world: World) -> None:
    world.say("A", "LOST", eventId="e1")
    world.say("A", "DELAYED", eventId="e1")
    for _ in range(2):
        world.following.follow(["A"])
    assert world.metrics.value(Metric.CONFLICTS) == 1


def test_silence_is_judged_as_of_now(world: World) -> None:
    world.say("A", "IN_TRANSIT")
    world.following.follow(["A"])
    world.clock.time += 200 * HOUR
    world.following.follow(["A"])
    assert world.told() == ["Logistics Alert: STALLED - A"]


def test_rejections_are_one_message_without_their_payload(world: World) -> None:
    world.following.report(["status: is missing", "status: is missing", "is not JSON"])
    assert world.told() == ["Logistics Processing Error - dev: 3 rejected"]
    world.following.report([])
    assert len(world.told()) == 1


def test_rejections_that_nobody_could_be_told_of_raise(world: World) -> None:
    world.channel.fail(permanent=True)
    with pytest.raises(NotifyFailed):
        world.following.report(["is not JSON"])


def test_nothing_to_follow_reads_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.store, "saved", None)
    assert world.following.follow([]).followed == 0
