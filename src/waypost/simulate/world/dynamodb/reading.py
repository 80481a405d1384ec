"""Pages of what a query or a scan finds.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.simulate.world.dynamodb.errors import invalid
from waypost.simulate.world.dynamodb.keys import key_of
from waypost.simulate.world.dynamodb.values import Item, item_size, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from waypost.simulate.world.dynamodb.expressions import Term
    from waypost.simulate.world.dynamodb.keys import Key
    from waypost.simulate.world.dynamodb.table import Row, Table, Unseen

PAGE_BYTES: Final = 1_024 * 1_024
"""So many bytes are read for one page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        items: whole ones of the table; of an index its keys, the table's, and what it projects.
        size: bytes that were read.
        last: the key of the last item, if the page is full, whether or not more follows.
    """

    items: list[Item]
    size: int
    last: Item | None

    def answer(self) -> dict[str, Any]:
        """Return it as the service does."""
        more = {} if self.last is None else {"LastEvaluatedKey": self.last}
        count = len(self.items)
        return {"Items": self.items, "Count": count, "ScannedCount": count, **more}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a table, or an index of it, as it appears at this moment."""

    operation: str
    table: Table
    index: str | None
    unseen: Unseen

    def query(self, terms: Sequence[Term], start: Item | None) -> Iterator[Key]:
        """Return the keys that a key condition finds, in order, from what follows ``start``.

        Raises:
            ClientError: if it is no condition on the keys.
        """
        shape = self.table.shape
        hash_key, range_key = (
            (shape.hash_key, shape.range_key) if self.index is None else shape.indexes[self.index]
        )
        first, *rest = terms
        if first[:2] != (hash_key, "=") or first.value is None:
            raise invalid(self.operation, f"Query condition missed key schema element: {hash_key}")
        if any(term.name != range_key for term in rest) or len(rest) > 1:
            raise invalid(self.operation, "Query key condition not supported")
        places = self.table.places(self.index, scalar(first.value), self.unseen)
        begin = 0
        if start is not None:
            key = key_of(self.operation, shape, start)
            sort = key[-1] if range_key is None else scalar(start[range_key])
            begin = bisect_right(places, (sort, key))
        for place in range(begin, len(places)):
            key = places[place][1]
            if all(term.holds(self._row(key).item) for term in rest):
                yield key

    def scan(self, start: Item | None) -> Iterator[Key]:
        """Return all keys from what follows ``start``."""
        after = None if start is None else key_of(self.operation, self.table.shape, start)
        return self.table.everything(self.unseen, after)

    def page(self, keys: Iterable[Key], limit: int) -> Page:
        """Return the first page: so many items, or as many as it takes to read 1 MB."""
        items: list[Item] = []
        size = 0
        for key in keys:
            row = self._row(key)
            item, read = (row.item, row.size) if self.index is None else self._projected(row.item)
            items.append(item)
            size += read
            if len(items) == limit or size > PAGE_BYTES:
                return Page(items, size, {name: item[name] for name in self._keys})
        return Page(items, size, None)

    @property
    def _keys(self) -> set[str]:
        shape = self.table.shape
        return {*shape.keys, *(shape.indexes[self.index] if self.index else ())}

    def _row(self, key: Key) -> Row:
        return self.unseen.get(key) or self.table.rows[key]

    def _projected(self, item: Item) -> tuple[Item, int]:
        shown = self.table.shape.projected.get(self.index or "", ())
        projected = {name: item[name] for name in (*self._keys, *shown) if name in item}
        return projected, item_size(projected)
