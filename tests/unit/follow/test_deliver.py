"""Delivery: at least once, with patience, and never silently given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from waypost.core.errors import NotifyFailed, StoreUnavailable
from waypost.core.times import HOUR
from waypost.follow.deliver import ATTEMPTS, Deliverer
from waypost.ports import DeliveryState, Message, Metric

if TYPE_CHECKING:
    from tests.unit.follow.conftest import World


class Channel:
    """A notifier that fails as it is told."""

    name = "memory"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.errors: list[NotifyFailed] = []

    def send(self, message: Message) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(message.subject)


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def deliverer(world: World, channel: Channel) -> Deliverer:
    return Deliverer(world.store, channel, clock=world.clock, metrics=world.metrics)


def alert(world: World, shipment_id: str) -> None:
    world.say(shipment_id, "LOST")
    world.clock.time += 60_000
    world.turns()


def down(*, permanent: bool = False) -> NotifyFailed:
    return NotifyFailed("connection refused", permanent=permanent)


def state(world: World) -> list[tuple[str, int]]:
    return [(d["state"], d["attempts"]) for row in world.store.alerts() for d in row["deliveries"]]


def test_a_lost_note_of_a_sent_message_sends_it_again(
    world: World, deliverer: Deliverer, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert(world, "A")

    def lost(*args: object, **kwargs: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(world.store, "delivered", lost)
    with pytest.raises(StoreUnavailable):
        deliverer.deliver()
    monkeypatch.undo()
    assert deliverer.deliver()
    assert channel.sent == ["Logistics Alert: LOST - A"] * 2
    assert not deliverer.deliver()


def test_a_failure_is_logged_with_its_reason(
    world: World, deliverer: Deliverer, channel: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    alert(world, "A")
    channel.errors = [down()]
    deliverer.deliver()
    assert caplog.records[-1].__dict__["fields"] == {
        "notifier": "memory",
        "outcome": "failed",
        "error": "connection refused",
    }


def test_a_failure_that_may_pass_is_tried_again_with_growing_pauses(
    world: World, deliverer: Deliverer, channel: Channel
) -> None:
    alert(world, "A")
    alert(world, "B")
    channel.errors = [down(), down()]
    assert not deliverer.deliver()
    # The way is blocked: B is not tried, and A not before its pause is over.
    assert len(channel.errors) == 1
    channel.errors = []
    assert state(world) == [("waiting", 1), ("waiting", 0)]
    world.clock.time += 5_000
    assert deliverer.deliver()
    assert len(channel.sent) == 2
    assert world.metrics.value(Metric.MESSAGES, "memory", "failed") == 1
    assert world.metrics.value(Metric.MESSAGES, "memory", "sent") == 2


def test_a_permanent_failure_is_dead_at_once_and_does_not_block_the_rest(
    world: World, deliverer: Deliverer, channel: Channel
) -> None:
    alert(world, "A")
    alert(world, "B")
    channel.errors = [down(permanent=True)]
    assert deliverer.deliver()
    assert state(world) == [("dead", 1), ("sent", 1)]
    [dead] = world.store.alerts(DeliveryState.DEAD)
    assert dead["deliveries"][0]["error"] == "connection refused"


def test_what_never_works_is_given_up_in_the_end_and_can_be_sent_again(
    world: World, deliverer: Deliverer, channel: Channel
) -> None:
    alert(world, "A")
    channel.errors = [down() for _ in range(ATTEMPTS)]
    pauses = 0
    while state(world) != [("dead", ATTEMPTS)]:
        deliverer.deliver()
        world.clock.time += HOUR
        pauses += 1
    assert pauses == ATTEMPTS
    assert not deliverer.deliver()
    [row] = world.store.alerts()
    assert world.store.resend(row["messageId"]) == 1
    assert deliverer.deliver()
    assert channel.sent == ["Logistics Alert: LOST - A"]
