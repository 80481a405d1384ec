"""The notifier: what the streams and the re-fold queue make it do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.aws_lambda.conftest import Time, World, inserted, sqs_batch, stream_record
from tests.unit.aws_lambda.test_following import poison
from waypost.aws_lambda import notifier
from waypost.aws_lambda.refolds import DELAY
from waypost.core.entries import MAPPINGS
from waypost.core.errors import NotifyFailed, StoreUnavailable
from waypost.core.statuses import Status

if TYPE_CHECKING:
    from waypost.core.shipments import CodeKey

MAPPED = inserted(MAPPINGS, carrier={"S": "ups"}, code={"S": "x9"})


def rejected(problem: str, name: str = "INSERT") -> dict[str, object]:
    problems = json.dumps([["status", problem], ["", "is odd"]])
    return stream_record({"rejectionId": {"S": "r1"}, "problems": {"S": problems}}, name)


def test_what_cannot_be_folded_goes_to_the_queue_and_the_batch_moves_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    world.say("BAD", "LOST")
    poison(monkeypatch, "BAD")
    assert world.stream("BAD", "A") == {"batchItemFailures": []}
    assert world.sqs.bodies() == [{"shipmentId": "BAD"}]
    assert world.told() == ["Logistics Alert: LOST - A"]


def test_a_queue_that_takes_nothing_has_the_batch_delivered_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("BAD", "LOST")
    poison(monkeypatch, "BAD")
    world.sqs.refuses = True
    with pytest.raises(StoreUnavailable, match="InternalError"):
        world.stream("BAD")


def test_of_the_queue_what_fails_again_is_delivered_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say("A", "LOST")
    world.say("BAD", "LOST")
    poison(monkeypatch, "BAD")
    batch = sqs_batch({"shipmentId": "A"}, {"shipmentId": "BAD"}, {"shipmentId": "BAD"})
    answer = world.notifier.handle(batch, Time())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]}
    assert world.sqs.sent == []


@pytest.mark.parametrize("body", ["not json", "[]", "{}", "5", '{"shipmentId": 5}', '{"codes": 1}'])
def test_a_message_that_is_none_of_ours_goes_the_way_to_the_dead_letters(
    world: World, body: str
) -> None:
    world.say("A", "LOST")
    answer = world.notifier.handle(sqs_batch(body, {"shipmentId": "A"}), Time())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len(world.told()) == 1


def test_rejections_are_digested_by_their_first_problem(world: World) -> None:
    world.notifier.handle({"Records": [rejected("is missing"), rejected("is missing")]}, Time())
    [message] = world.channel.messages
    assert message.counts == {"status: is missing": 2}


def test_rejections_that_nobody_was_told_of_are_delivered_again(world: World) -> None:
    world.channel.fail(permanent=False)
    with pytest.raises(NotifyFailed):
        world.notifier.handle({"Records": [rejected("is missing")]}, Time())


def test_only_what_is_new_counts(world: World) -> None:
    settled = rejected("is missing", "MODIFY")
    assert world.notifier.handle({"Records": [settled]}, Time()) == {"batchItemFailures": []}
    assert world.told() == []


def test_a_new_mapping_is_put_off_until_every_fold_that_lacks_it_is_saved(world: World) -> None:
    world.notifier.handle({"Records": [MAPPED]}, Time())
    assert world.sqs.bodies() == [{"codes": [["UPS", "X9"]], "after": None}]
    assert world.sqs.sent[0]["DelaySeconds"] == DELAY


def with_code(world: World, count: int) -> list[str]:
    ids = [f"S{number:03}" for number in range(count)]
    for shipment_id in ids:
        world.say(shipment_id, "odd", statusCode="X9", carrier="UPS")
    world.say("OTHER", "odd", statusCode="X8", carrier="UPS")
    world.following.follow([*ids, "OTHER"])
    return ids


def test_a_mapping_has_the_shipments_folded_again_that_have_its_code(world: World) -> None:
    ids = with_code(world, 12)
    codes = sqs_batch({"codes": [["UPS", "X9"]], "after": None})
    assert world.notifier.handle(codes, Time(100_000)) == {"batchItemFailures": []}
    assert [body["shipmentId"] for body in world.sqs.bodies()] == ids


def test_what_there_is_no_time_for_is_left_to_another_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_code(world, 5)
    monkeypatch.setattr(notifier, "PAGE", 2)
    codes: dict[str, object] = {"codes": [["UPS", "X9"]], "after": "S000"}
    world.notifier.handle(sqs_batch(codes), Time(0))
    *refolds, rest = world.sqs.bodies()
    assert [body["shipmentId"] for body in refolds] == ["S001", "S002"]
    assert rest == {**codes, "after": "S002"}
    assert world.sqs.sent[-1]["DelaySeconds"] == 0


def test_a_mapping_reaches_the_state_and_tells_people(world: World) -> None:
    from waypost.core.entries import mapping

    with_code(world, 1)
    entry = mapping("UPS", "X9", Status.LOST, event_id="m", event_time=1, record_time=1)
    world.store.append([entry])
    keys: list[CodeKey] = [("UPS", "X9")]
    assert list(world.store.with_codes(keys)) == ["S000"]
    world.notifier.handle(sqs_batch({"shipmentId": "S000"}), Time())
    assert world.told() == ["Logistics Alert: LOST - S000"]
