"""The append-only log: conditional puts, histories, and the whole of it in order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from waypost.core.errors import StoreUnusable
from waypost.core.keys import probes
from waypost.ports import Outcome
from waypost.stores.dynamodb.items import is_quiet, is_same, read_entry, to_item
from waypost.stores.dynamodb.table import KEY_LIMIT, Table, each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from waypost.core.entries import Entry
    from waypost.core.shipments import Ref

_HISTORIES: Final = 64
"""So many shipments' histories are in memory at once while the whole log is read."""


class Log:
    """The table of updates: hash key ``shipmentId``, range key ``timestamp``."""

    def __init__(self, client: Any, name: str, *, workers: int, read_limit: int) -> None:
        """Use the table ``name``; `DynamoStore` says what the bounds mean."""
        self._table = Table(client, name, "shipmentId")
        self._workers = workers
        self._read_limit = read_limit

    def append(self, entries: Sequence[Entry], *, quiet: bool) -> list[Outcome]:
        """Append entries: those of one shipment in their order, several shipments at once."""
        places: dict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(entries):
            places[entry.shipment_id].append(place)
        outcomes: dict[int, Outcome] = {}

        def append_some(of_one: list[int]) -> None:
            for place in of_one:
                outcomes[place] = self._append(entries[place], quiet=quiet)

        each(append_some, list(places.values()), workers=self._workers)
        return [outcomes[place] for place in range(len(entries))]

    def _append(self, entry: Entry, *, quiet: bool) -> Outcome:
        item = to_item(entry, quiet=quiet)
        for timestamp in probes(entry.event_time, entry.event_id):
            occupant = self._table.put_new({**item, "timestamp": {"N": str(timestamp)}})
            if occupant is None:
                return Outcome.APPENDED
            if is_same(occupant, entry):
                return Outcome.DUPLICATE
        return Outcome.KEY_FULL

    def history(self, shipment_id: str) -> tuple[list[Entry], frozenset[Ref]]:
        """Return all entries of a shipment, and which of them shall alert nobody."""
        entries: list[Entry] = []
        quiet: set[Ref] = set()
        if 0 < len(shipment_id.encode()) <= KEY_LIMIT:
            for item in self._table.pages(
                "query",
                KeyConditionExpression="shipmentId = :id",
                ExpressionAttributeValues={":id": {"S": shipment_id}},
                ConsistentRead=True,
            ):
                entry = read_entry(item)
                entries.append(entry)
                if is_quiet(item):
                    quiet.add((entry.sender, entry.event_id))
        return entries, frozenset(quiet)

    def entries(self) -> Iterator[Entry]:
        """Return the whole log in order: a scan for the ids, then history by history."""
        ids = self._ids()
        for start in range(0, len(ids), _HISTORIES):
            some = ids[start : start + _HISTORIES]
            for entries, _ in each(self.history, some, workers=self._workers):
                yield from sorted(entries, key=_order)

    def shipment_ids(self) -> Iterator[str]:
        """Return every hash key, in the order of a scan, which has the items of one together."""
        last = None
        for item in self._table.pages("scan", ProjectionExpression="shipmentId"):
            shipment_id: str = item["shipmentId"]["S"]
            if shipment_id != last:
                yield shipment_id
            last = shipment_id

    def _ids(self) -> list[str]:
        ids: set[str] = set()
        for shipment_id in self.shipment_ids():
            ids.add(shipment_id)
            if len(ids) > self._read_limit:
                raise StoreUnusable(
                    f"table {self._table.name} has more than {self._read_limit} shipments, too "
                    "many to put in order in memory; export the table with DynamoDB's own export"
                )
        return sorted(ids)


def _order(entry: Entry) -> tuple[int, str, str, str]:
    return entry.event_time, entry.event_id, entry.sender, entry.fingerprint
