"""The client: the operations of DynamoDB's that our store calls, on tables in memory.

What each one does is said in the API reference, for PutItem in
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from waypost.simulate.world.dynamodb import writing
from waypost.simulate.world.dynamodb.errors import (
    NotModelled,
    cancelled,
    condition_failed,
    invalid,
    no_such_table,
)
from waypost.simulate.world.dynamodb.expressions import Expressions
from waypost.simulate.world.dynamodb.keys import key_of
from waypost.simulate.world.dynamodb.reading import Reader
from waypost.simulate.world.dynamodb.streams import stream_record
from waypost.simulate.world.dynamodb.table import Table
from waypost.simulate.world.dynamodb.values import read_units, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from waypost.simulate.world.dynamodb.keys import Key
    from waypost.simulate.world.dynamodb.shapes import TableShape
    from waypost.simulate.world.dynamodb.values import Attribute, Item
    from waypost.simulate.world.dynamodb.writing import Write

Answer = dict[str, Any]
Effect = Callable[[], Answer]
"""Lets a call take effect; returns its answer, or raises the service's error."""

BATCH: Final = 100
"""The most keys of a BatchGetItem, and the most actions of a TransactWriteItems."""
TRANSACTION_LIMIT: Final = 4 * 1_024 * 1_024
"""Bytes of all items of a transaction."""
_UNLIMITED: Final = 1_000_000_000


class Call(NamedTuple):
    """A call that is about to be made.

    Attributes:
        operation: as the client names it: ``put_item``.
        table: its name.
        subject: the hash key that it is about, of several the first; empty for a scan.
        late: the same call, on what was there a moment ago; None where it reads nothing, or reads
            consistently.
    """

    operation: str
    table: str
    subject: str
    late: Effect | None


@dataclass(slots=True)
class Usage:
    """What was asked of a table, or of one of its indexes.

    Attributes:
        calls: by operation, those included that the service refused.
        read_units: consumed by reads.
        write_units: consumed by writes, also by those whose condition did not hold.
    """

    calls: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0
    write_units: float = 0.0


class _Read(Protocol):
    def __call__(self, *, late: bool) -> Answer: ...


def _at_once(_: Call, effect: Effect) -> Answer:
    return effect()


class DynamoModel:
    """A DynamoDB client. Items are shared, not copied: nobody may change one. Not thread-safe.

    Attributes:
        usage: what was asked of each table (``name``) and of each index (``name/index``).
    """

    def __init__(
        self,
        shapes: Iterable[TableShape],
        *,
        now: Callable[[], int],
        around: Callable[[Call, Effect], Answer] = _at_once,
        lag: Callable[[], int] | None = None,
        on_change: Callable[[str, Answer], None] | None = None,
        page: int | None = None,
    ) -> None:
        """Create empty tables.

        Args:
            shapes: of the tables.
            now: the time, epoch milliseconds.
            around: makes each call: ``around(call, effect)`` returns ``effect()``, or raises what
                the client would, instead or afterwards. It may let a call take effect twice, as
                the SDK does where an answer is lost on the way.
            lag: by how many milliseconds a late read is late, asked for each item that changed in
                the last `LAG_LIMIT`. Without it no read is.
            on_change: gets the table and the stream record of each change, in their order and as
                part of the write. What is binary is bytes there, as GetRecords has it.
            page: the most items of one answer, as if so many took 1 MB (16 MB in a batch).
        """
        self.usage: Final[dict[str, Usage]] = defaultdict(Usage)
        self._tables: Final = {s.name: Table(s, journal=lag is not None) for s in shapes}
        self._now = now
        self._around = around
        self._lag = lag
        self._on_change = on_change
        self._page = page or _UNLIMITED
        self._changes = 0

    def items(self, table: str) -> list[Item]:
        """Return all items of a table as they are: no call, so nothing goes wrong or is counted."""
        return [row.item for row in self._tables[table].rows.values()]

    # --- Writes

    def put_item(
        self, *, TableName: str, ReturnValuesOnConditionCheckFailure: str = "NONE", **request: Any
    ) -> Answer:
        """Put an item, if its condition holds; `writing.put` has the other arguments."""

        def effect() -> Answer:
            write = writing.put("put_item", self._table("put_item", TableName), **request)
            return self._write("put_item", write, ReturnValuesOnConditionCheckFailure)

        return self._call("put_item", TableName, self._subject(TableName, request["Item"]), effect)

    def update_item(self, *, TableName: str, **request: Any) -> Answer:
        """Change an item, if its condition holds; `writing.update` has the other arguments."""

        def effect() -> Answer:
            write = writing.update("update_item", self._table("update_item", TableName), **request)
            return self._write("update_item", write, "NONE")

        subject = self._subject(TableName, request["Key"])
        return self._call("update_item", TableName, subject, effect)

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> Answer:
        """Update items, each on its condition, all or none.

        The SDK gives each request a token, so it does nothing where it takes effect again:
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
        """
        if any(action.keys() != {"Update"} for action in TransactItems):
            raise NotModelled("a transaction of anything but updates")
        updates = [action["Update"] for action in TransactItems]
        done: list[Answer] = []

        def effect() -> Answer:
            if not done:
                self._transact("transact_write_items", updates)
                done.append({})
            return done[0]

        name = updates[0]["TableName"]
        subject = self._subject(name, updates[0]["Key"])
        return self._call("transact_write_items", name, subject, effect)

    def _transact(self, operation: str, updates: Sequence[Mapping[str, Any]]) -> None:
        writes = [_part(operation, self._table(operation, u["TableName"]), u) for u in updates]
        if len(writes) > BATCH:
            raise invalid(operation, f"Member must have length less than or equal to {BATCH}")
        if len({(write.table.shape.name, write.key) for write in writes}) < len(writes):
            raise invalid(
                operation, "Transaction request cannot include multiple operations on one item"
            )
        if sum(write.new.size for write in writes) > TRANSACTION_LIMIT:
            raise invalid(operation, "Transaction request exceeds 4 MB")
        for write in writes:
            self.usage[write.table.shape.name].write_units += 2 * write.units
        if not all(write.holds for write in writes):
            raise cancelled(operation, [write.holds for write in writes])
        for write in writes:
            self._apply(write)

    def _write(self, operation: str, write: Write, wanted: str) -> Answer:
        self.usage[write.table.shape.name].write_units += write.units
        if not write.holds:
            item = write.old.item if write.old and wanted == "ALL_OLD" else None
            raise condition_failed(operation, item)
        self._apply(write)
        return {}

    def _apply(self, write: Write) -> None:
        shape, now = write.table.shape, self._now()
        for index, entries in write.table.put(write.key, write.new, now).items():
            self.usage[f"{shape.name}/{index}"].write_units += entries
        old = write.old.item if write.old else None
        if self._on_change and shape.stream and old != write.new.item:
            self._changes += 1
            record = stream_record(shape, self._changes, now, write.new.item, old)
            self._on_change(shape.name, record)

    # --- Reads

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Mapping[str, Attribute],
        IndexName: str | None = None,
        ConsistentRead: bool = False,
        Limit: int = _UNLIMITED,
        ExclusiveStartKey: Item | None = None,
    ) -> Answer:
        """Return a page of a partition, of the table or of an index, in the order of its keys."""

        def read(*, late: bool) -> Answer:
            expressions = Expressions("query", values=ExpressionAttributeValues)
            terms = expressions.condition(KeyConditionExpression)
            expressions.finish()
            if IndexName and ConsistentRead:
                raise invalid(
                    "query", "Consistent reads are not supported on global secondary indexes"
                )
            reader = self._reader("query", TableName, IndexName, late=late)
            keys = reader.query(terms, ExclusiveStartKey)
            return self._page_of(reader, keys, Limit, consistent=ConsistentRead)

        partition = next(iter(ExpressionAttributeValues.values()))
        return self._read(
            "query", TableName, str(scalar(partition)), read, may_be_late=not ConsistentRead
        )

    def scan(
        self,
        *,
        TableName: str,
        ProjectionExpression: str,
        FilterExpression: str | None = None,
        ExclusiveStartKey: Item | None = None,
    ) -> Answer:
        """Return a page of a table, in an order that means nothing, and not consistently."""

        def read(*, late: bool) -> Answer:
            expressions = Expressions("scan")
            names = expressions.projection(ProjectionExpression)
            terms = expressions.condition(FilterExpression) if FilterExpression else ()
            reader = self._reader("scan", TableName, None, late=late)
            keys = reader.scan(ExclusiveStartKey)
            answer = self._page_of(reader, keys, _UNLIMITED, consistent=False)
            left = [item for item in answer["Items"] if all(term.holds(item) for term in terms)]
            items = [_project(item, names) for item in left]
            return {**answer, "Items": items, "Count": len(items)}

        return self._read("scan", TableName, "", read, may_be_late=True)

    def batch_get_item(self, *, RequestItems: Mapping[str, Mapping[str, Any]]) -> Answer:
        """Return items of one table, in an order that means nothing, and the keys left out."""
        if len(RequestItems) != 1:
            raise NotModelled("a batch of several tables")
        [(name, request)] = RequestItems.items()

        def read(*, late: bool) -> Answer:
            items = self._batch("batch_get_item", name, late=late, **request)
            left = request["Keys"][self._page :]
            unprocessed = {name: {**request, "Keys": left}} if left else {}
            return {"Responses": {name: items}, "UnprocessedKeys": unprocessed}

        subject = self._subject(name, request["Keys"][0])
        may_be_late = not request.get("ConsistentRead", False)
        return self._read("batch_get_item", name, subject, read, may_be_late=may_be_late)

    def _batch(
        self,
        operation: str,
        name: str,
        *,
        late: bool,
        Keys: Sequence[Item],
        ConsistentRead: bool = False,
        ProjectionExpression: str | None = None,
        ExpressionAttributeNames: Mapping[str, str] | None = None,
    ) -> list[Item]:
        expressions = Expressions(operation, names=ExpressionAttributeNames)
        wanted = expressions.projection(ProjectionExpression) if ProjectionExpression else None
        expressions.finish()
        reader = self._reader(operation, name, None, late=late)
        keys = [key_of(operation, reader.table.shape, key) for key in Keys]
        if len(keys) > BATCH:
            raise invalid(operation, "Too many items requested for the BatchGetItem call")
        if len(set(keys)) < len(keys):
            raise invalid(operation, "Provided list of item keys contains duplicates")
        rows = [reader.table.row(key, reader.unseen) for key in reversed(keys[: self._page])]
        self.usage[name].read_units += sum(
            read_units(row.size if row else 0, consistent=ConsistentRead) for row in rows
        )
        return [row.item if wanted is None else _project(row.item, wanted) for row in rows if row]

    def _reader(self, operation: str, name: str, index: str | None, *, late: bool) -> Reader:
        table = self._table(operation, name)
        if index is not None and index not in table.shape.indexes:
            raise invalid(operation, f"The table does not have the specified index: {index}")
        unseen = table.unseen(self._lag, self._now()) if self._lag and late else {}
        return Reader(operation, table, index, unseen)

    def _page_of(
        self, reader: Reader, keys: Iterator[Key], limit: int, *, consistent: bool
    ) -> Answer:
        page = reader.page(keys, min(limit, self._page))
        name = reader.table.shape.name
        used = self.usage[name if reader.index is None else f"{name}/{reader.index}"]
        used.read_units += read_units(page.size, consistent=consistent)
        return page.answer()

    # --- Both

    def _call(
        self, operation: str, table: str, subject: str, effect: Effect, late: Effect | None = None
    ) -> Answer:
        self.usage[table].calls[operation] += 1
        return self._around(Call(operation, table, subject, late), effect)

    def _read(
        self, operation: str, table: str, subject: str, read: _Read, *, may_be_late: bool
    ) -> Answer:
        late = partial(read, late=True) if may_be_late else None
        return self._call(operation, table, subject, partial(read, late=False), late)

    def _subject(self, name: str, item: Item) -> str:
        table = self._tables.get(name)
        return item.get(table.shape.hash_key, {}).get("S", "") if table else ""

    def _table(self, operation: str, name: str) -> Table:
        if name not in self._tables:
            raise no_such_table(operation)
        return self._tables[name]


def _part(operation: str, table: Table, update: Mapping[str, Any]) -> Write:
    rest = {name: value for name, value in update.items() if name != "TableName"}
    return writing.update(operation, table, **rest)


def _project(item: Item, names: Iterable[str]) -> Item:
    return {name: item[name] for name in names if name in item}
