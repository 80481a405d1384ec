"""The items of one table, in the order of its key and of each index, now and a moment ago."""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from waypost.simulate.world.dynamodb.keys import Key
from waypost.simulate.world.dynamodb.values import Item, Scalar, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from waypost.simulate.world.dynamodb.shapes import TableShape

Place = tuple[Any, Key]
"""Where an item stands in a partition: its sort key there, then its primary key."""

LAG_LIMIT: Final = 60_000
"""Milliseconds: what was written longer ago is seen by every read."""


class Row(NamedTuple):
    """An item and its bytes."""

    item: Item
    size: int


Unseen = dict[Key, Row | None]
"""Items of which a read sees not the newest version but this one; None is none at all."""


class Table:
    """One table; `DynamoModel` keeps its rules."""

    def __init__(self, shape: TableShape, *, journal: bool) -> None:
        """Begin empty; only with a ``journal`` can it tell what it held a moment ago."""
        self.shape: Final = shape
        self.rows: Final[dict[Key, Row]] = {}
        self._journal: deque[tuple[int, Key, Row | None]] | None = deque() if journal else None
        self._table: Final[dict[Scalar, list[Place]]] = defaultdict(list)
        self._indexes: Final[dict[str, dict[Scalar, list[Place]]]] = {
            name: defaultdict(list) for name in shape.indexes
        }

    def put(self, key: Key, row: Row, now: int) -> dict[str, int]:
        """Put an item; return how many entries that wrote or removed in each index it changed.

        An item that lacks an index's hash or range key is not in the index:
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-general-sparse-indexes.html
        """
        old = self.rows.get(key)
        self._remember(now, key, old)
        self.rows[key] = row
        if old is None:
            insort(self._table[key[0]], (key[-1], key))
        changes: dict[str, int] = {}
        for name, partitions in self._indexes.items():
            before = None if old is None else self._entry(name, key, old.item)
            after = self._entry(name, key, row.item)
            if before == after:
                if old and after and self._shown(name, old.item) != self._shown(name, row.item):
                    changes[name] = 1
                continue
            if before is not None:
                places = partitions[before[0]]
                del places[bisect_left(places, before[1])]
            if after is not None:
                insort(partitions[after[0]], after[1])
            changes[name] = (before is not None) + (after is not None)
        return changes

    def _shown(self, index: str, item: Item) -> list[Any]:
        return [item.get(name) for name in self.shape.projected.get(index, ())]

    def _entry(self, index: str, key: Key, item: Item) -> tuple[Scalar, Place] | None:
        hash_key, range_key = self.shape.indexes[index]
        if hash_key not in item or range_key not in item:
            return None
        return scalar(item[hash_key]), (scalar(item[range_key]), key)

    # --- What a read sees

    def unseen(self, lag: Callable[[], int], now: int) -> Unseen:
        """Return what a read sees that is late, by ``lag()`` milliseconds for each item."""
        seen: Unseen = {}
        lags: dict[Key, int] = {}
        self._forget(now)
        for time, key, before in self._journal or ():
            if key not in lags:
                lags[key] = lag()
            if key not in seen and time > now - lags[key]:
                seen[key] = before
        return seen

    def row(self, key: Key, unseen: Unseen) -> Row | None:
        """Return an item as a read sees it."""
        return unseen[key] if key in unseen else self.rows.get(key)

    def places(self, index: str | None, partition: Scalar, unseen: Unseen) -> list[Place]:
        """Return a partition of an index, or of the table, in order, as a read sees it."""
        partitions = self._table if index is None else self._indexes[index]
        places = partitions.get(partition, [])
        if not unseen:
            return places
        late = [place for place in places if place[1] not in unseen]
        for key, row in unseen.items():
            if row is not None:
                entry = self._entry_in(index, key, row.item)
                if entry is not None and entry[0] == partition:
                    insort(late, entry[1])
        return late

    def _entry_in(self, index: str | None, key: Key, item: Item) -> tuple[Scalar, Place] | None:
        return (key[0], (key[-1], key)) if index is None else self._entry(index, key, item)

    def everything(self, unseen: Unseen, after: Key | None) -> Iterator[Key]:
        """Return all keys a read sees that follow ``after``, by a hash as in the service."""
        keys = {*self.rows, *unseen} - {key for key, row in unseen.items() if row is None}
        ordered = sorted((zlib.crc32(str(key[0]).encode()), key) for key in keys)
        if after is not None:
            place = (zlib.crc32(str(after[0]).encode()), after)
            ordered = ordered[bisect_right(ordered, place) :]
        return (key for _, key in ordered)

    # --- The journal

    def _remember(self, now: int, key: Key, old: Row | None) -> None:
        if self._journal is not None:
            self._forget(now)
            self._journal.append((now, key, old))

    def _forget(self, now: int) -> None:
        while self._journal and self._journal[0][0] < now - LAG_LIMIT:
            self._journal.popleft()
