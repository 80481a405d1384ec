"""What the world makes of the model: faults around its calls, late reads, streams and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from tests.support.clocks import NOON, FakeClock
from tests.support.stores import folded, rejection, update
from waypost.core.errors import StateConflict, StoreUnavailable
from waypost.core.statuses import Status
from waypost.ports import Fate, Outcome, ShipmentQuery
from waypost.simulate.world.dynamodb import (
    Call,
    DynamoModel,
    home_tables,
    server_failed,
    throttled,
    timed_out,
)
from waypost.stores.dynamodb import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.simulate.world.dynamodb import Effect

SHAPES: Final = home_tables("test")
LOGS, STATE, REJECTED = (shape.name for shape in SHAPES)
LOST: Final = update(status=Status.LOST)


class World:
    """Makes each call as the next of some ways has it; when they are used up, as it should be."""

    def __init__(self, **model: Any) -> None:
        self.calls: list[Call] = []
        self.ways: list[Callable[[Call, Effect], Any]] = []
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.clock = FakeClock()
        self.client = DynamoModel(
            SHAPES,
            now=self.clock.now,
            around=self.make,
            on_change=lambda table, record: self.changes.append((table, record)),
            **model,
        )
        self.store = DynamoStore(self.client, logs=LOGS, state=STATE, rejected=REJECTED, workers=1)

    def make(self, call: Call, effect: Effect) -> dict[str, Any]:
        self.calls.append(call)
        way = self.ways.pop(0) if self.ways else as_it_should
        answer: dict[str, Any] = way(call, effect)
        return answer


def as_it_should(_: Call, effect: Effect) -> Any:
    return effect()


def throttle(call: Call, _: Effect) -> Any:
    raise throttled(call.operation)


def lose_the_answer(_: Call, effect: Effect) -> Any:
    effect()
    raise timed_out()


def fail_afterwards(call: Call, effect: Effect) -> Any:
    effect()
    raise server_failed(call.operation)


def try_again(_: Call, effect: Effect) -> Any:
    """Lose the answer, and let the SDK try again."""
    effect()
    return effect()


def read_late(call: Call, effect: Effect) -> Any:
    return effect() if call.late is None else call.late()


def test_a_throttled_call_has_no_effect() -> None:
    world = World()
    world.ways = [throttle]
    with pytest.raises(StoreUnavailable, match=r"ProvisionedThroughputExceeded.* PutItem"):
        world.store.append([LOST])
    assert world.store.history("SHIP-1") == []


@pytest.mark.parametrize("way", [lose_the_answer, fail_afterwards])
def test_a_call_whose_answer_is_lost_has_taken_effect(way: Any) -> None:
    world = World()
    world.ways = [way]
    with pytest.raises(StoreUnavailable):
        world.store.append([LOST])
    assert world.store.history("SHIP-1") == [LOST]


def test_an_append_that_is_tried_again_finds_itself() -> None:
    world = World()
    world.ways = [try_again]
    assert world.store.append([LOST]) == [Outcome.DUPLICATE]


def test_a_save_that_is_tried_again_conflicts_with_itself() -> None:
    world = World()
    save = folded(world.store, "A")
    world.ways = [try_again]
    with pytest.raises(StateConflict):
        world.store.save([save])


def test_a_transaction_that_is_tried_again_has_the_same_token() -> None:
    world = World()
    saves = [folded(world.store, "A"), folded(world.store, "B")]
    world.ways = [try_again]
    world.store.save(saves)
    assert {i: s.version for i, s in world.store.saved(["A", "B"]).items()} == {"A": 1, "B": 1}


def test_each_call_says_what_it_is_about() -> None:
    world = World()
    world.store.append([LOST])
    world.store.save([folded(world.store, "SHIP-1")])
    world.store.due(NOON, 1)
    list(world.store.entries())
    assert [call[:3] for call in world.calls[:6]] == [
        ("put_item", LOGS, "SHIP-1"),
        ("query", LOGS, "\x1fmappings"),
        ("query", LOGS, "SHIP-1"),
        ("batch_get_item", STATE, "SHIP-1"),
        ("batch_get_item", STATE, "SHIP-1"),
        ("update_item", STATE, "SHIP-1"),
    ]
    late = [call[:3] for call in world.calls if call.late is not None]
    assert late == [*(("query", STATE, str(shard)) for shard in range(8)), ("scan", LOGS, "")]


# --- Late reads


def test_an_index_that_is_late_lacks_what_is_new_and_has_what_is_gone() -> None:
    world = World(lag=lambda: 5_000)
    world.store.save([folded(world.store, "A", due_at=NOON)])
    world.clock.time += 10_000
    world.store.save([folded(world.store, "A"), folded(world.store, "B", due_at=NOON)])
    world.clock.time += 4_999
    world.ways = [read_late] * 8
    assert world.store.due(NOON, 9) == ["A"]
    assert world.store.due(NOON, 9) == ["B"]
    world.clock.time += 1
    world.ways = [read_late] * 8
    assert world.store.due(NOON, 9) == ["B"]


def test_a_late_read_sees_each_item_by_itself() -> None:
    lags = iter([0, 5_000])
    world = World(lag=lambda: next(lags))
    world.store.append([update("A"), update("B")])
    world.ways = [read_late]
    assert [entry.shipment_id for entry in world.store.entries()] == ["A"]
    assert len(list(world.store.entries())) == 2


def test_no_read_is_later_than_a_minute() -> None:
    world = World(lag=lambda: 10**9)
    world.store.append([LOST])
    world.clock.time += 60_001
    world.ways = [read_late]
    assert list(world.store.entries()) == [LOST]


def test_what_is_listed_late_is_read_as_it_is() -> None:
    world = World(lag=lambda: 5_000)
    world.store.append([update(status=Status.LOST), update("A")])
    world.store.save([folded(world.store, "SHIP-1")])
    world.ways = [read_late] * 9
    assert world.store.shipments(ShipmentQuery(condition=Status.LOST)) == []
    world.clock.time += 5_000
    world.ways = [read_late] * 9
    assert len(world.store.shipments(ShipmentQuery(condition=Status.LOST))) == 1


# --- Streams


def test_the_streams_have_every_change_in_its_order_and_nothing_else() -> None:
    world = World()
    world.clock.time = NOON + 1_999
    other = update(status=Status.DAMAGED)
    world.store.append([LOST, LOST, other])
    world.store.save([folded(world.store, "SHIP-1")])
    came = rejection("{")
    world.store.reject([came, came])
    world.store.settle(came.rejection_id, Fate.DROPPED)
    world.store.settle(came.rejection_id, Fate.DROPPED)
    records = [record for _, record in world.changes]
    assert [table for table, _ in world.changes] == [LOGS, LOGS, REJECTED, REJECTED]
    assert [r["eventName"] for r in records] == ["INSERT", "INSERT", "INSERT", "MODIFY"]
    numbers = [int(r["dynamodb"]["SequenceNumber"]) for r in records]
    assert numbers == sorted(set(numbers))
    first, last = records[0]["dynamodb"], records[-1]["dynamodb"]
    assert first["Keys"] == {"shipmentId": {"S": "SHIP-1"}, "timestamp": {"N": str(NOON)}}
    assert first["NewImage"]["status"] == {"S": "LOST"}
    assert first["ApproximateCreationDateTime"] == NOON // 1_000 + 1
    assert last["NewImage"]["fate"] == {"S": "dropped"}
    assert "OldImage" not in last, "the quarantine's stream has new images only"


def test_the_logs_stream_has_both_images() -> None:
    world = World()
    world.store.append([LOST])
    item = world.changes[0][1]["dynamodb"]["NewImage"]
    world.client.put_item(TableName=LOGS, Item={**item, "status": {"S": "DAMAGED"}})
    change = world.changes[1][1]
    assert change["eventName"] == "MODIFY"
    assert change["dynamodb"]["OldImage"] == item


# --- What it costs


def put(world: World, size: int, **more: Any) -> None:
    """Put an item of the table of state that has so many bytes, those of `more` apart."""
    rest = size - len("shipmentId") - len("A") - len("told")
    world.client.put_item(
        TableName=STATE, Item={"shipmentId": {"S": "A"}, "told": {"S": "x" * rest}, **more}
    )


@pytest.mark.parametrize(("size", "units"), [(200, 1), (1_024, 1), (1_025, 2), (400 * 1_024, 400)])
def test_a_write_consumes_a_unit_for_each_kilobyte(size: int, units: int) -> None:
    world = World()
    put(world, size)
    assert world.client.usage[STATE].write_units == units


def test_a_write_consumes_what_the_larger_item_does() -> None:
    world = World()
    put(world, 3_000)
    put(world, 100)
    assert world.client.usage[STATE].write_units == 3 + 3


def test_a_write_whose_condition_does_not_hold_consumes_as_much() -> None:
    world = World()
    world.store.append([LOST, LOST])
    assert world.client.usage[LOGS].write_units == 2


def test_a_transaction_consumes_twice_as_much() -> None:
    world = World()
    world.store.save([folded(world.store, "A"), folded(world.store, "B")])
    assert world.client.usage[STATE].write_units == 4


def test_an_index_consumes_a_unit_for_each_entry_that_comes_or_goes() -> None:
    world = World()
    shard = {"S": "1"}
    put(world, 100, dueShard=shard, dueAt={"N": "1"})
    put(world, 100, dueShard=shard, dueAt={"N": "1"}, version={"N": "2"})
    put(world, 100, dueShard=shard, dueAt={"N": "2"})
    put(world, 100)
    assert world.client.usage[f"{STATE}/due"].write_units == 1 + 0 + 2 + 1


def test_an_index_consumes_a_unit_where_what_it_projects_changes() -> None:
    world = World()
    for conditions in ("LOST", "LOST", "LOST DAMAGED"):
        put(world, 100, openShard={"S": "1"}, openIncidents={"S": conditions})
    assert world.client.usage[f"{STATE}/open"].write_units == 1 + 0 + 1


def test_an_index_shows_what_it_projects() -> None:
    world = World()
    world.store.append([LOST, update("B", status=Status.ON_HOLD)])
    world.store.save([folded(world.store, shipment_id) for shipment_id in (LOST.shipment_id, "B")])
    assert world.store.open_incidents() == ({"LOST": 1}, True)


@pytest.mark.parametrize(("size", "units"), [(200, 1), (4_096, 1), (4_097, 2)])
def test_a_consistent_read_consumes_a_unit_for_each_four_kilobytes(size: int, units: int) -> None:
    world = World()
    put(world, size)
    request = {"Keys": [{"shipmentId": {"S": "A"}}], "ConsistentRead": True}
    world.client.batch_get_item(RequestItems={STATE: request})
    assert world.client.usage[STATE].read_units == units


def test_what_is_not_there_is_read_too() -> None:
    world = World()
    world.store.saved(["A", "B"])
    world.store.history("A")
    world.store.undecided(1)
    assert world.client.usage[STATE].read_units == 2
    assert world.client.usage[LOGS].read_units == 1
    assert world.client.usage[f"{STATE}/undecided"].read_units == 8 * 0.5
    assert world.client.usage[STATE].calls == {"batch_get_item": 1, "query": 8}


def test_a_refused_call_is_counted() -> None:
    world = World()
    world.ways = [throttle]
    with pytest.raises(ClientError):
        world.client.put_item(TableName=LOGS, Item={"shipmentId": {"S": "A"}})
    assert world.client.usage[LOGS].calls == {"put_item": 1}
    assert world.client.usage[LOGS].write_units == 0


# --- Pages


def test_a_page_ends_with_a_megabyte() -> None:
    world = World()
    raws = [f"{i}" * 300_000 for i in range(8)]
    for number in range(8):
        item = {"shipmentId": {"S": "A"}, "timestamp": {"N": str(number)}}
        world.client.put_item(TableName=LOGS, Item={**item, "rawEvent": {"S": raws[number]}})
    request: dict[str, Any] = {
        "TableName": LOGS,
        "KeyConditionExpression": "shipmentId = :id",
        "ExpressionAttributeValues": {":id": {"S": "A"}},
    }
    page = world.client.query(**request)
    assert page["Count"] == 4
    rest = world.client.query(**request, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert [item["timestamp"]["N"] for item in rest["Items"]] == ["4", "5", "6", "7"]


def test_a_batch_leaves_out_what_does_not_fit() -> None:
    world = World(page=3)
    world.store.save([folded(world.store, i) for i in "ABCDE"])
    world.calls.clear()
    assert set(world.store.saved("ABCDE")) == set("ABCDE")
    assert [call.operation for call in world.calls] == ["batch_get_item"] * 2
