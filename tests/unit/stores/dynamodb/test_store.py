"""What is DynamoDB's own: what is atomic, what is bounded, and what happens when a call is lost."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.support.clocks import NOON
from tests.support.stores import decided, folded, rejection, update
from tests.support.tables import create_tables, new_store
from waypost.core.entries import MAPPINGS, to_json
from waypost.core.errors import NotFound, StateConflict, StoreUnavailable, StoreUnusable
from waypost.core.shipments import code_key, fold
from waypost.core.statuses import Status
from waypost.core.updates import ShipmentUpdate
from waypost.ports import IncidentQuery, Outcome, Save, ShipmentQuery
from waypost.stores.dynamodb import DynamoStore
from waypost.stores.dynamodb.quarantine import read_problems
from waypost.stores.dynamodb.state import SHARDS
from waypost.stores.dynamodb.texts import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable

CONFLICTING = {"Error": {"Code": "TransactionConflictException", "Message": "busy"}}


class Between:
    """A client between which and the tables something happens to each call of an operation."""

    def __init__(
        self, client: Any, operation: str, happen: Callable[[Callable[..., Any], Any], Any]
    ) -> None:
        self._client = client
        self._operation = operation
        self._happen = happen

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._client, operation)
        if operation != self._operation:
            return call
        return lambda **arguments: self._happen(call, arguments)


def lost(call: Callable[..., Any], arguments: Any) -> Any:
    """Do it, and lose the answer."""
    call(**arguments)
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def over(client: Any, names: dict[str, str], workers: int = 8) -> DynamoStore:
    return DynamoStore(
        client,
        logs=names["logs"],
        state=names["state"],
        rejected=names["rejected"],
        workers=workers,
    )


def create(client: Any) -> dict[str, str]:
    names = {"logs": "logs", "state": "state", "rejected": "rejected"}
    create_tables(client, **names)
    return names


def saved_as(shipment_id: str, version: int = 0) -> Save:
    return decided(fold(shipment_id, [update(shipment_id, status=Status.LOST)]), version=version)


# --- The log


def test_an_append_whose_answer_was_lost_is_a_duplicate_when_it_is_repeated(client: Any) -> None:
    names = create(client)
    failing = over(Between(client, "put_item", lost), names)
    with pytest.raises(StoreUnavailable):
        failing.append([update()])
    store = over(client, names)
    assert store.append([update()]) == [Outcome.DUPLICATE]
    assert store.history("SHIP-1") == [update()]


def test_one_entry_takes_one_call_and_reads_nothing(client: Any) -> None:
    calls: list[str] = []

    class Counting:
        def __getattr__(self, operation: str) -> Any:
            calls.append(operation)
            return getattr(client, operation)

    store = over(Counting(), create(client))
    store.append([update()])
    store.append([update()])
    assert calls == ["put_item", "put_item"]


@pytest.mark.parametrize("workers", [1, 8])
def test_a_failure_in_the_middle_loses_nothing_that_a_repeat_does_not_bring(
    client: Any, workers: int
) -> None:
    names = create(client)
    seen: set[str] = set()

    def fail_once(call: Callable[..., Any], arguments: Any) -> Any:
        shipment_id = arguments["Item"]["shipmentId"]["S"]
        if shipment_id == "SHIP-7" and shipment_id not in seen:
            seen.add(shipment_id)
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
        return call(**arguments)

    store = over(Between(client, "put_item", fail_once), names, workers=workers)
    said = [update(f"SHIP-{i}") for i in range(20)]
    with pytest.raises(StoreUnavailable):
        store.append(said)
    assert set(store.append(said)) <= {Outcome.APPENDED, Outcome.DUPLICATE}
    assert list(store.entries()) == sorted(said, key=lambda e: e.shipment_id)


def put_early(client: Any, logs: str, shipment_id: str, timestamp: int) -> None:
    """Put a row as the first processor did."""
    client.put_item(
        TableName=logs,
        Item={
            "shipmentId": {"S": shipment_id},
            "timestamp": {"N": str(timestamp)},
            "status": {"S": "LOST"},
            "location": {"M": {"lat": {"N": "35"}}},
            "carrier": {"S": "Unknown"},
            "eventTime": {"S": "2026-03-02T12:00:00"},
            "rawEvent": {"S": json.dumps({"shipmentId": shipment_id, "status": "LOST"})},
        },
    )


def test_early_rows_are_history_and_quiet_and_what_comes_at_their_time_is_kept_beside_them(
    client: Any,
) -> None:
    names = create(client)
    put_early(client, names["logs"], "SHIP-1", NOON)
    store = over(client, names)
    assert store.append([update()]) == [Outcome.APPENDED]
    entries, quiet = store.history_and_quiet("SHIP-1")
    assert {e.event_id for e in entries} == {f"seed:{NOON}", "e1"}
    assert quiet == {("logistics.shipments", f"seed:{NOON}")}
    assert len(list(store.entries())) == 2


def test_an_early_row_that_was_exported_is_a_duplicate_when_it_is_imported(client: Any) -> None:
    names = create(client)
    put_early(client, names["logs"], "SHIP-1", NOON)
    store = over(client, names)
    [exported] = store.entries()
    assert to_json(exported)["eventTime"] == "2026-03-02T12:00:00.000Z"
    assert store.append([exported]) == [Outcome.DUPLICATE]


def test_quiet_entries_are_told_from_others(store: DynamoStore) -> None:
    store.append([update(event_id="loud")])
    store.append([update(event_id="soft")], quiet=True)
    entries, quiet = store.history_and_quiet("SHIP-1")
    assert len(entries) == 2
    assert quiet == {("logistics.shipments", "soft")}


def test_a_raw_event_of_a_megabyte_is_recorded_and_says_that_it_was_cut(
    store: DynamoStore,
) -> None:
    raw = random.Random(1).randbytes(500_000).hex()
    store.append([update(raw_event=raw)])
    [found] = store.history("SHIP-1")
    assert isinstance(found, ShipmentUpdate)
    assert replace(found, raw_event=raw) == update(raw_event=raw)
    assert found.raw_event.startswith(raw[:KEPT])
    assert "cut here: 1000000 bytes in all" in found.raw_event


@pytest.mark.parametrize("no_key", ["", "x" * 2_049])
def test_what_cannot_be_a_key_is_not_there(store: DynamoStore, no_key: str) -> None:
    assert store.history(no_key) == []
    assert store.shipment(no_key) is None
    assert store.saved([no_key]) == {}
    assert store.incidents(IncidentQuery(shipment_id=no_key)) == []
    with pytest.raises(NotFound):
        store.rejection(no_key)


def test_more_shipments_than_may_be_put_in_order_are_an_error_that_says_what_to_do(
    client: Any,
) -> None:
    store = new_store(client, read_limit=2)
    store.append([update("A"), update("B"), update("B", "e2")])
    assert len(list(store.entries())) == 3
    store.append([update("C")])
    with pytest.raises(StoreUnusable, match="DynamoDB's own export"):
        list(store.entries())


# --- State


def test_one_save_is_one_plain_update(client: Any) -> None:
    def fail(call: Callable[..., Any], arguments: Any) -> Any:
        raise AssertionError

    store = over(Between(client, "transact_write_items", fail), create(client))
    store.save([saved_as("A")])
    assert store.saved(["A"])["A"].version == 1


def test_up_to_a_hundred_saves_are_all_or_nothing(store: DynamoStore) -> None:
    store.save([saved_as("S-099")])
    saves = [saved_as(f"S-{i:03}") for i in range(100)]
    with pytest.raises(StateConflict, match="S-000 or S-001 or S-002 or another was saved"):
        store.save(saves)
    assert list(store.saved([s.shipment.shipment_id for s in saves])) == ["S-099"]


def test_of_more_than_a_hundred_saves_those_before_the_conflict_are_done(
    store: DynamoStore,
) -> None:
    store.save([saved_as("S-100")])
    saves = [saved_as(f"S-{i:03}") for i in range(150)]
    with pytest.raises(StateConflict):
        store.save(saves)
    assert len(store.saved([s.shipment.shipment_id for s in saves])) == 101


def test_saves_that_are_large_go_in_several_transactions(client: Any) -> None:
    sizes: list[int] = []

    def count(call: Callable[..., Any], arguments: Any) -> Any:
        sizes.append(len(arguments["TransactItems"]))
        return call(**arguments)

    store = over(Between(client, "transact_write_items", count), create(client))
    told = frozenset((Status.LOST, "s" * 100, f"{i * 7_919**9:x}") for i in range(20_000))
    saves = [replace(saved_as(f"S-{i}"), told=told) for i in range(8)]
    store.save(saves)
    assert len(store.saved([s.shipment.shipment_id for s in saves])) == 8
    assert sum(sizes) == 8
    assert len(sizes) > 1


def test_a_shipment_twice_in_one_call_is_saved_twice(store: DynamoStore) -> None:
    store.save([saved_as("A"), saved_as("B"), saved_as("A", version=1)])
    assert store.saved(["A"])["A"].version == 2


def test_a_save_whose_answer_was_lost_is_a_conflict_when_it_is_repeated(client: Any) -> None:
    names = create(client)
    failing = over(Between(client, "update_item", lost), names)
    with pytest.raises(StoreUnavailable):
        failing.save([saved_as("A")])
    with pytest.raises(StateConflict):
        over(client, names).save([saved_as("A")])


def test_a_save_that_meets_another_under_way_may_be_repeated(client: Any) -> None:
    def busy(call: Callable[..., Any], arguments: Any) -> Any:
        raise ClientError(CONFLICTING, "UpdateItem")

    with pytest.raises(StoreUnavailable):
        over(Between(client, "update_item", busy), create(client)).save([saved_as("A")])


def test_a_long_state_is_compressed_and_comes_back_whole(store: DynamoStore) -> None:
    said = [
        update(event_id=f"e{i}", status=status, at=NOON + i, location=f"Hub {i}")
        for i, status in enumerate([Status.LOST, Status.IN_TRANSIT] * 100)
    ]
    save = decided(fold("SHIP-1", said))
    store.save([save])
    [incident] = store.incidents(IncidentQuery())
    assert len(incident["episodes"]) == 100
    assert store.saved(["SHIP-1"])["SHIP-1"].told == save.told


def test_lists_are_in_order_across_all_shards_and_batches(store: DynamoStore) -> None:
    ids = [f"S-{i:03}" for i in range(30 * SHARDS)]
    store.save([saved_as(i) for i in reversed(ids)])
    listed = store.shipments(ShipmentQuery(limit=1_000))
    assert [s["shipmentId"] for s in listed] == ids
    page = store.incidents(IncidentQuery(is_open=True, after=(ids[150], 1, "LOST"), limit=20))
    assert [i["shipmentId"] for i in page] == ids[151:171]


@pytest.mark.parametrize("query", [ShipmentQuery(carrier="DHL"), ShipmentQuery(limit=101)])
def test_a_list_that_would_look_through_too_much_is_an_error_and_never_short(
    client: Any, query: ShipmentQuery
) -> None:
    store = new_store(client, read_limit=100)
    store.save([saved_as(f"S-{i:03}") for i in range(101)])
    assert len(store.shipments(ShipmentQuery(limit=100))) == 100
    with pytest.raises(StoreUnusable, match="from a later shipment id on"):
        store.shipments(query)


def test_what_is_over_is_in_no_index_of_what_is_open(client: Any) -> None:
    names = create(client)
    store = over(client, names)
    store.append([update("A", status=Status.LOST), update("A", "2", Status.DELIVERED, at=NOON + 1)])
    store.save([folded(store, "A", due_at=None)])
    [item] = client.scan(TableName=names["state"])["Items"]
    assert {name for name in item if name.endswith("Shard")} == {"listingShard"}


def test_open_incidents_are_counted_by_condition_over_all_shards(client: Any) -> None:
    store = over(client, create(client))
    said = {
        "nothing": [update("nothing")],
        "held": [update("held", status=Status.ON_HOLD)],
        "both": [update("both", status=Status.LOST), update("both", "2", Status.DAMAGED)],
        "twice": [  # damage outlives its leg
            update("twice", "1", Status.DAMAGED, at=NOON),
            update("twice", "2", Status.DELIVERED, at=NOON + 1),
            update("twice", "3", Status.PICKED_UP, at=NOON + 2),
            update("twice", "4", Status.DAMAGED, at=NOON + 3),
        ],
    }
    said |= {f"S-{i}": [update(f"S-{i}", status=Status.LOST)] for i in range(3 * SHARDS)}
    store.save([decided(fold(shipment_id, each)) for shipment_id, each in said.items()])
    listed = Counter(i["condition"] for i in store.incidents(IncidentQuery(is_open=True)))
    assert store.open_incidents() == (listed, True)
    assert listed == {"LOST": 3 * SHARDS + 1, "DAMAGED": 3}


def test_open_incidents_are_counted_by_a_page_a_shard_and_it_says_if_there_are_more(
    client: Any,
) -> None:
    asked: list[str] = []

    def first_of_two(call: Callable[..., Any], arguments: Any) -> Any:
        asked.append(arguments["IndexName"])
        return call(**arguments) | {"LastEvaluatedKey": {"shipmentId": {"S": "A"}}}

    store = over(Between(client, "query", first_of_two), create(client))
    store.save([saved_as("A")])
    assert store.open_incidents() == ({"LOST": 1}, False)
    assert asked == ["open"] * SHARDS


def test_what_a_save_does_not_say_is_gone_and_all_of_it_may_be_said(client: Any) -> None:
    names = create(client)
    store = over(client, names)
    said = [update("A", status=Status.LOST), update("A", "2", Status.UNKNOWN, status_code="X1")]
    everything = replace(decided(fold("A", said)), due_at=NOON, undecided=True)
    store.save([everything])
    [full] = client.scan(TableName=names["state"])["Items"]
    store.save([decided(fold("A", [update("A")]), version=1)])
    [bare] = client.scan(TableName=names["state"])["Items"]
    shards = {"openShard", "openIncidents", "undecidedShard", "codesShard", "dueShard"}
    assert full.keys() - bare.keys() == {"told", "dueAt", *shards}


def test_shipments_with_a_code_are_found_mapped_or_not(store: DynamoStore) -> None:
    for shipment_id, code in (("A", "x1"), ("B", "zz"), ("C", "X1 "), ("D", "X1")):
        said = update(shipment_id, status=Status.UNKNOWN, status_code=code, carrier="DHL")
        store.save([decided(fold(shipment_id, [said]))])
    keys = {code_key("dhl", "X1")}
    assert list(store.with_codes(keys)) == ["A", "C", "D"]
    assert list(store.with_codes(keys, after="A")) == ["C", "D"]
    assert list(store.with_codes({code_key(None, "X1")})) == []


def test_the_reserved_shipment_of_mappings_can_be_a_key(store: DynamoStore) -> None:
    assert store.history(MAPPINGS) == []


# --- The quarantine


def test_a_rejected_event_that_is_too_large_keeps_its_head_and_says_so(
    store: DynamoStore,
) -> None:
    raw = random.Random(1).randbytes(500_000).hex()
    store.reject([rejection(raw)])
    [found] = store.rejected()
    assert found.raw.startswith(raw[:KEPT])
    assert f"cut here: {len(raw)} bytes in all, SHA-256" in found.raw
    assert found.problems == rejection(raw).problems


def test_many_large_rejected_events_are_listed_whole(store: DynamoStore) -> None:
    events = [rejection(f"{i:05}" + "".join(map(str, range(60_000)))) for i in range(30)]
    store.reject(events)
    assert store.rejected() == events


def test_the_problems_of_a_new_item_can_be_read_without_the_rest(client: Any) -> None:
    names = create(client)
    event = rejection("a")
    over(client, names).reject([event])
    [item] = client.scan(TableName=names["rejected"])["Items"]
    assert read_problems({"problems": item["problems"]}) == event.problems
