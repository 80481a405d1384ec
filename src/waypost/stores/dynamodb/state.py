"""The derived state: one item a shipment, and the sparse indexes that find those in question."""

from __future__ import annotations

import heapq
import zlib
from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from waypost.core.errors import StateConflict, StoreUnusable
from waypost.core.incidents import NOBODY_TOLD, Told, incident_json, incidents, shipment_json
from waypost.core.shipments import code_key
from waypost.core.statuses import Status
from waypost.core.times import format_time
from waypost.ports import Saved
from waypost.stores.dynamodb import ledger
from waypost.stores.dynamodb.table import BATCH, ConditionFailed, Table
from waypost.stores.dynamodb.texts import pack_json, unpack_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from waypost.core.shipments import CodeKey
    from waypost.ports import IncidentQuery, Save, ShipmentQuery
    from waypost.stores.dynamodb.table import Item

SHARDS: Final = 8
"""An index's hash key has so many values, so that no partition takes all writes. Shipments keep
the shard with which they were saved: more shards need a rederive."""
TRANSACTION: Final = 1_000_000
"""The most characters in one transaction, which takes 4 MB."""
_PAGE: Final = 250
"""Keys read from a shard at once."""
_EPOCH: Final = format_time(0)
_NONE: Final = {"N": "0"}
_OPTIONAL: Final = frozenset(
    {"told", "dueShard", "dueAt", "openShard", "openIncidents", "undecidedShard", "codesShard"}
)
"""Attributes that a save takes away where it does not set them; all others stay."""


class State:
    """The table of shipments: hash key ``shipmentId``; `DynamoStore` says what is atomic."""

    def __init__(self, client: Any, name: str, *, read_limit: int) -> None:
        """Use the table ``name``; a listing reads at most ``read_limit`` shipments."""
        self._table = Table(client, name, "shipmentId")
        self._read_limit = read_limit

    def saved(self, shipment_ids: Sequence[str]) -> dict[str, Saved]:
        """Return what was saved of shipments; one that never was is left out."""
        items = self._table.get(shipment_ids, ["version", "told", "conflicts", "quiet"])
        return {
            shipment_id: Saved(
                version=int(item["version"]["N"]),
                told=_read_told(item),
                conflicts=int(item["conflicts"]["N"]),
                quiet=int(item.get("quiet", _NONE)["N"]),
            )
            for shipment_id, item in items.items()
        }

    def save(self, saves: Sequence[Save]) -> None:
        """Save folded shipments.

        Raises:
            StateConflict: if one was saved by somebody else since.
        """
        for batch in self._batches(saves):
            try:
                if len(batch) == 1:
                    self._table.call("update_item", **batch[0])
                else:
                    self._table.transact(batch)
            except ConditionFailed:
                ids = [write["Key"]["shipmentId"]["S"] for write in batch]
                some = " or ".join(ids[:3]) + (" or another" if ids[3:] else "")
                raise StateConflict(f"{some} was saved by somebody else") from None

    def _batches(self, saves: Iterable[Save]) -> Iterator[list[dict[str, Any]]]:
        """Part saves into what one transaction takes; no shipment is twice in one."""
        batch: list[dict[str, Any]] = []
        size = 0
        ids: set[str] = set()
        for save in saves:
            if save.shipment.shipment_id in ids:
                yield batch  # its ledger is read once that is saved
                batch, size, ids = [], 0, set()
            write = self._write(save)
            values = write["ExpressionAttributeValues"].values()
            length = sum(len(text) for value in values for text in value.values())
            if batch and (len(batch) == BATCH or size + length > TRANSACTION):
                yield batch
                batch, size, ids = [], 0, set()
            batch.append(write)
            size += length
            ids.add(save.shipment.shipment_id)
        if batch:
            yield batch

    def _write(self, save: Save) -> dict[str, Any]:
        """Return an update that holds on the version that was read."""
        shipment_id = save.shipment.shipment_id
        item = _item(save)
        if save.alerts:
            # Read at another version, it is never written: the condition does not hold then.
            before = self._table.get([shipment_id], ["alerts", "alertsDropped"])
            item |= ledger.with_alerts(before.get(shipment_id, {}), save)
        gone = sorted(_OPTIONAL - item.keys())
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in item)
        if gone:
            change += " REMOVE " + ", ".join(f"#{name}" for name in gone)
        write: dict[str, Any] = {
            "Key": {"shipmentId": {"S": shipment_id}},
            "UpdateExpression": change,
            "ConditionExpression": "attribute_not_exists(shipmentId)",
            "ExpressionAttributeNames": {f"#{name}": name for name in (*item, *gone)},
            "ExpressionAttributeValues": {f":{name}": value for name, value in item.items()},
        }
        if save.version:
            write["ConditionExpression"] = "#version = :read"
            write["ExpressionAttributeValues"][":read"] = {"N": str(save.version)}
        return write

    # --- The ledger

    def alerts(
        self, shipment_id: str | None, after: str | None, limit: int
    ) -> list[dict[str, Any]]:
        """Return what is in the ledger by alert id, of one shipment or of all."""
        items = self._ledgers() if shipment_id is None else self._ledger(shipment_id)
        rows = (row for item in items for row in ledger.read(item))
        wanted = (row for row in rows if after is None or row["alertId"] > after)
        return heapq.nsmallest(limit, wanted, key=lambda row: row["alertId"])

    def _ledger(self, shipment_id: str) -> Iterable[Item]:
        return self._table.get([shipment_id], ["alerts"]).values()

    def _ledgers(self) -> Iterator[Item]:
        looked = 0
        for page in self._table.answers(
            "scan",
            FilterExpression="attribute_exists(alerts)",
            ProjectionExpression="alerts",
        ):
            yield from page["Items"]
            looked += page["ScannedCount"]
            if looked > self._read_limit:
                raise self._too_many("ask for the alerts of one shipment")

    # --- One shipment, and lists

    def shipment(self, shipment_id: str) -> dict[str, Any] | None:
        """Return the saved JSON of one shipment, None if there is none."""
        return next(self._read([shipment_id], "state"), None)

    def shipments(self, query: ShipmentQuery) -> list[dict[str, Any]]:
        """Return saved shipments by shipment id."""
        index = "listing" if query.condition is None else "open"
        found = self._read(self._ids(index, query.after), "state")
        return list(islice((s for s in found if _is_wanted(s, query)), query.limit))

    def incidents(self, query: IncidentQuery) -> list[dict[str, Any]]:
        """Return saved incidents by (shipment id, leg, condition)."""
        ids: Iterable[str]
        if query.shipment_id is not None:
            ids = [query.shipment_id]
        else:
            index = "open" if query.is_open else "listing"
            first = query.after[0] if query.after else None
            ids = chain([first] if first else [], self._ids(index, first))
        found = chain.from_iterable(self._read(ids, "incidents"))
        return list(islice((i for i in found if _is_asked(i, query)), query.limit))

    def open_incidents(self) -> tuple[Counter[str], bool]:
        """Return how many incidents are open, by condition, and whether those are all."""
        counts: Counter[str] = Counter()
        is_all = True
        for shard in range(SHARDS):
            page = self._table.call(
                "query",
                IndexName="open",
                KeyConditionExpression="openShard = :shard",
                ExpressionAttributeValues={":shard": {"S": str(shard)}},
            )
            for item in page["Items"]:
                counts.update(item.get("openIncidents", {"S": ""})["S"].split())
            is_all = is_all and "LastEvaluatedKey" not in page
        return counts, is_all

    def unmapped(self) -> list[dict[str, Any]]:
        """Return the codes that nobody has mapped, the most frequent first."""
        codes: dict[CodeKey, dict[str, Any]] = {}
        for shipment in self._read(self._ids("codes"), "state"):
            for use in shipment["codes"]:
                if use["status"] == Status.UNKNOWN:
                    key = code_key(use["carrier"], use["code"])
                    codes[key] = _add_use(codes.get(key), use, shipment["shipmentId"])
        return [code for _, code in sorted(codes.items(), key=lambda c: (-c[1]["count"], c[0]))]

    def with_codes(self, keys: Collection[CodeKey], after: str | None) -> Iterator[str]:
        """Return the shipments that have one of these codes, mapped or not, by shipment id."""
        for shipment in self._read(self._ids("codes", after), "state"):
            if any(code_key(use["carrier"], use["code"]) in keys for use in shipment["codes"]):
                yield shipment["shipmentId"]

    def due(self, now: int, limit: int) -> list[str]:
        """Return shipments whose ``due_at`` has come, the longest overdue first."""
        found: list[tuple[int, str]] = []
        for shard in range(SHARDS):
            items = self._table.pages(
                "query",
                IndexName="due",
                KeyConditionExpression="dueShard = :shard AND dueAt <= :now",
                ExpressionAttributeValues={":shard": {"S": str(shard)}, ":now": {"N": str(now)}},
                Limit=_PAGE,
            )
            found += ((int(i["dueAt"]["N"]), i["shipmentId"]["S"]) for i in islice(items, limit))
        return [shipment_id for _, shipment_id in sorted(found)[:limit]]

    def undecided(self, limit: int) -> list[str]:
        """Return shipments that were saved as undecided, by shipment id."""
        return list(islice(self._ids("undecided"), limit))

    def _ids(self, index: str, after: str | None = None) -> Iterator[str]:
        """Return the ids in an index that follow ``after``, in order."""
        return heapq.merge(*(self._shard(index, shard, after) for shard in range(SHARDS)))

    def _shard(self, index: str, shard: int, after: str | None) -> Iterator[str]:
        condition = f"{index}Shard = :shard"
        values = {":shard": {"S": str(shard)}}
        if after:
            condition += " AND shipmentId > :after"
            values[":after"] = {"S": after}
        for item in self._table.pages(
            "query",
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            Limit=_PAGE,
        ):
            yield item["shipmentId"]["S"]

    def _read(self, ids: Iterable[str], attribute: str) -> Iterator[Any]:
        """Return what an attribute holds as JSON, in the order of the ids.

        Raises:
            StoreUnusable: if there is no end to them.
        """
        rest = iter(ids)
        for _ in range(0, self._read_limit, BATCH):
            some = list(islice(rest, BATCH))
            if not some:
                return
            items = self._table.get(some, [attribute])
            yield from (unpack_json(items[i][attribute]) for i in some if i in items)
        if next(rest, None) is not None:
            raise self._too_many(
                "ask for fewer, for open incidents, or from a later shipment id on"
            )

    def _too_many(self, advice: str) -> StoreUnusable:
        return StoreUnusable(
            f"table {self._table.name} has more than {self._read_limit} shipments to look "
            f"through; {advice}"
        )


def _item(save: Save) -> Item:
    """Return what a save sets, but for the key and the ledger."""
    shipment = save.shipment
    shard = {"S": str(zlib.crc32(shipment.shipment_id.encode()) % SHARDS)}
    listed = incidents(shipment)
    item: Item = {
        "version": {"N": str(save.version + 1)},
        "conflicts": {"N": str(shipment.conflicts)},
        "state": pack_json(shipment_json(shipment)),
        "incidents": pack_json([incident_json(incident) for incident in listed]),
        "listingShard": shard,
    }
    if save.told:
        item["told"] = pack_json(sorted(save.told))
    if save.quiet:
        item["quiet"] = {"N": str(save.quiet)}
    if save.due_at is not None:
        item |= {"dueShard": shard, "dueAt": {"N": str(save.due_at)}}
    if shipment.conditions:
        item["openShard"] = shard
    if is_open := [incident.condition.value for incident in listed if incident.is_open]:
        item["openIncidents"] = {"S": " ".join(is_open)}
    if save.undecided:
        item["undecidedShard"] = shard
    if shipment.codes:
        item["codesShard"] = shard
    return item


def _read_told(item: Item) -> Told:
    if "told" not in item:
        return NOBODY_TOLD
    return frozenset(map(tuple, unpack_json(item["told"])))


def _is_wanted(shipment: dict[str, Any], query: ShipmentQuery) -> bool:
    return (
        query.progress in (None, shipment["progress"])
        and (query.condition is None or query.condition in shipment["conditions"])
        and (query.carrier is None or _is_carrier(shipment["carrier"], query.carrier))
        and (
            query.since is None or (shipment["lastEventTime"] or _EPOCH) >= format_time(query.since)
        )
    )


def _is_carrier(carrier: str | None, wanted: str) -> bool:
    return carrier is not None and code_key(carrier, "") == code_key(wanted, "")


def _is_asked(incident: dict[str, Any], query: IncidentQuery) -> bool:
    place = (incident["shipmentId"], incident["leg"], incident["condition"])
    return (
        query.condition in (None, incident["condition"])
        and query.is_open in (None, incident["state"] == "open")
        and (query.after is None or place > query.after)
    )


def _add_use(code: dict[str, Any] | None, use: dict[str, Any], shipment_id: str) -> dict[str, Any]:
    """Count a shipment's use of a code; shipments come by id, so the first is the example."""
    if code is None:
        return {
            "carrier": use["carrier"],
            "code": use["code"],
            "count": use["count"],
            "shipments": 1,
            "lastEventTime": use["lastEventTime"],
            "shipmentId": shipment_id,
        }
    carriers = [c for c in (code["carrier"], use["carrier"]) if c is not None]
    return {
        **code,
        "carrier": min(carriers, default=None),
        "code": min(code["code"], use["code"]),
        "count": code["count"] + use["count"],
        "shipments": code["shipments"] + 1,
        "lastEventTime": max(code["lastEventTime"], use["lastEventTime"]),
    }
