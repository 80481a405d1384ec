"""The processor: each message is recorded, quarantined or left, and says so."""

from __future__ import annotations

import json
import logging
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.aws_lambda.conftest import Time, World, bus_event, sqs_batch
from waypost.aws_lambda.environment import CONNECTIONS
from waypost.aws_lambda.processor import RESERVE
from waypost.core.errors import StoreUnavailable
from waypost.ports import Metric, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.core.entries import Entry


def left(*message_ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": i} for i in message_ids]}


def refuse(
    world: World, monkeypatch: pytest.MonkeyPatch, shipment_id: str, error: Exception
) -> None:
    """Let the store raise where that shipment is appended."""
    append = world.store.append

    def flaky(entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        if any(entry.shipment_id == shipment_id for entry in entries):
            raise error
        return append(entries, quiet=quiet)

    monkeypatch.setattr(world.store, "append", flaky)


def lost(shipment_id: str) -> Any:
    return bus_event(shipmentId=shipment_id, status="LOST")


def test_what_the_store_cannot_take_now_is_delivered_again_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world, monkeypatch, "B", StoreUnavailable("throttled"))
    assert world.processor.handle(sqs_batch(lost("A"), lost("B"), lost("C")), Time()) == left("m2")
    assert [len(world.store.history(i)) for i in "ABC"] == [1, 0, 1]
    assert world.store.rejected() == []


def test_a_bug_raises_after_the_rest_of_the_batch_was_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world, monkeypatch, "A", KeyError("a bug"))
    with pytest.raises(KeyError, match="a bug"):
        world.processor.handle(sqs_batch(lost("A"), lost("B")), Time())
    assert len(world.store.history("B")) == 1


def test_one_event_that_the_store_cannot_take_raises(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world, monkeypatch, "A", StoreUnavailable("throttled"))
    with pytest.raises(StoreUnavailable):
        world.processor.handle(lost("A"), Time())


def test_messages_for_which_no_time_is_left_are_delivered_again(world: World) -> None:
    batch = sqs_batch(lost("A"), lost("B"), lost("C"))
    answer = world.processor.handle(batch, Time(RESERVE, RESERVE - 1))
    recorded = [len(world.store.history(i)) for i in "ABC"]
    assert sum(recorded) == 1
    assert answer == left(*(f"m{n}" for n, count in enumerate(recorded, 1) if not count))


def test_the_messages_of_a_batch_are_recorded_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_of_them = Barrier(CONNECTIONS)
    append = world.store.append

    def meet(entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        all_of_them.wait(60)
        return append(entries, quiet=quiet)

    monkeypatch.setattr(world.store, "append", meet)
    batch = sqs_batch(*(lost(f"S{number}") for number in range(CONNECTIONS)))
    assert world.processor.handle(batch, Time()) == left()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("not json", "is not JSON"),
        ("[1]", "must be a JSON object"),
        ("{}", "id: is missing"),
        (bus_event() | {"time": "yesterday"}, "time: must be an RFC 3339 time"),
        (bus_event() | {"detail": None}, "must be a JSON object"),
        (bus_event(status="LOST"), "shipmentId: is missing"),
        (bus_event(shipmentId=5, status="LOST"), "shipmentId: must be text"),
    ],
)
def test_what_can_never_be_recorded_is_quarantined_with_its_reasons(
    world: World, body: object, problem: str
) -> None:
    assert world.processor.handle(sqs_batch(body, lost("A")), Time()) == left()
    [rejection] = world.store.rejected()
    assert str(rejection.problems[0]).startswith(problem)
    assert world.metrics.value(Metric.REJECTED) == 1
    assert len(world.store.history("A")) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [("not json", ": is not JSON"), (bus_event(status="LOST"), "shipmentId: is missing")],
)
def test_the_log_says_why_an_event_was_rejected(
    world: World, caplog: pytest.LogCaptureFixture, body: object, problem: str
) -> None:
    world.processor.handle(sqs_batch(body), Time())
    [line] = [record for record in caplog.records if record.msg == "event rejected"]
    assert line.__dict__["problem"] in (problem, problem.removeprefix(": "))


def test_the_same_bad_delivery_is_quarantined_once(world: World) -> None:
    for _ in range(2):
        world.processor.handle(sqs_batch("not json"), Time())
    assert len(world.store.rejected()) == 1


def test_one_bad_event_is_quarantined_and_raises_nothing(world: World) -> None:
    assert world.processor.handle({"key1": "value1"}, Time()) == {}
    [rejection] = world.store.rejected()
    assert json.loads(rejection.raw) == {"key1": "value1"}


def test_a_repeated_delivery_is_a_duplicate_and_success(world: World) -> None:
    for _ in range(2):
        assert world.processor.handle(sqs_batch(lost("A")), Time()) == left()
    assert len(world.store.history("A")) == 1
    assert world.metrics.value(Metric.DUPLICATES) == 1


def test_an_update_keeps_its_envelope(world: World) -> None:
    world.processor.handle(lost("A"), Time())
    [entry] = world.store.history("A")
    assert entry.event_id == "11111111-1111-4111-8111-111111111111"
    assert entry.sender == "logistics.shipments"
    assert entry.event_time == 1_772_449_200_000  # 2026-03-02T11:00:00Z
    assert entry.record_time == world.clock.now()


def test_no_log_holds_what_a_sender_wrote(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refuse(world, monkeypatch, "A", ValueError("Ann Example, +1 555 0100"))
    with pytest.raises(ValueError, match="Ann"):
        world.processor.handle(sqs_batch(lost("A"), bus_event(status="Ann Example")), Time())
    assert "message m1: ValueError in flaky" in caplog.text
    assert "Ann" not in caplog.text


# --- what an archive sends again


def replayed(event: Any) -> Any:
    return {**event, "replay-name": "again"}


def spy(world: World, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note how quietly each entry is appended."""
    append, noted = world.store.append, []

    def noting(entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        noted.append(quiet)
        return append(entries, quiet=quiet)

    monkeypatch.setattr(world.store, "append", noting)
    return noted


def test_only_what_is_replayed_is_recorded_quietly(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = spy(world, monkeypatch)

    world.processor.handle(lost("A"), Time())
    world.processor.handle(sqs_batch(replayed(lost("B"))), Time())
    world.processor.handle(sqs_batch(lost("C")), Time())

    assert quiet == [False, True, False]


def test_a_replay_into_the_log_that_has_it_is_a_duplicate(world: World) -> None:
    world.processor.handle(sqs_batch(lost("A"), lost("B")), Time())

    world.processor.handle(sqs_batch(replayed(lost("A")), replayed(lost("B"))), Time())

    assert [len(world.store.history(i)) for i in "AB"] == [1, 1]
    assert world.metrics.value(Metric.DUPLICATES) == 2
