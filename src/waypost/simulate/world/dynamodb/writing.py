"""Writes: checked, and measured, before they take effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waypost.simulate.world.dynamodb.errors import invalid
from waypost.simulate.world.dynamodb.expressions import Expressions
from waypost.simulate.world.dynamodb.keys import check_index_keys, key_of
from waypost.simulate.world.dynamodb.table import Row
from waypost.simulate.world.dynamodb.values import item_size, write_units

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from waypost.simulate.world.dynamodb.expressions import Term
    from waypost.simulate.world.dynamodb.keys import Key
    from waypost.simulate.world.dynamodb.table import Table
    from waypost.simulate.world.dynamodb.values import Attribute, Item

ITEM_LIMIT: Final = 400 * 1_024
"""Bytes of an item:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


@dataclass(frozen=True, slots=True)
class Write:
    """An item that is to be put.

    Attributes:
        old: what it replaces.
        holds: whether its condition does.
        units: write units: those of the larger of both items, be it written or refused.
    """

    table: Table
    key: Key
    new: Row
    old: Row | None
    holds: bool
    units: int


def put(
    operation: str,
    table: Table,
    *,
    Item: Item,
    ConditionExpression: str | None = None,
    ExpressionAttributeValues: Mapping[str, Attribute] | None = None,
) -> Write:
    """Return what puts an item.

    Raises:
        ClientError: if it breaks a rule.
    """
    expressions = Expressions(operation, values=ExpressionAttributeValues)
    terms = expressions.condition(ConditionExpression) if ConditionExpression else ()
    expressions.finish()
    return _write(operation, table, Item, terms)


def update(
    operation: str,
    table: Table,
    *,
    Key: Item,
    UpdateExpression: str,
    ConditionExpression: str | None = None,
    ExpressionAttributeNames: Mapping[str, str] | None = None,
    ExpressionAttributeValues: Mapping[str, Attribute] | None = None,
) -> Write:
    """Return what changes attributes of an item, which it makes if it is not there.

    Raises:
        ClientError: if it breaks a rule.
    """
    expressions = Expressions(
        operation, names=ExpressionAttributeNames, values=ExpressionAttributeValues
    )
    sets, removes = expressions.update(UpdateExpression)
    terms = expressions.condition(ConditionExpression) if ConditionExpression else ()
    expressions.finish()
    if fixed := {*sets, *removes} & set(table.shape.keys):
        name = min(fixed)
        raise invalid(
            operation, f"Cannot update attribute {name}. This attribute is part of the key"
        )
    old = table.rows.get(key_of(operation, table.shape, Key))
    item = {**(old.item if old else Key), **sets}
    for name in removes:
        item.pop(name, None)
    return _write(operation, table, item, terms)


def _write(operation: str, table: Table, item: Item, terms: Sequence[Term]) -> Write:
    key = key_of(operation, table.shape, item)
    check_index_keys(operation, table.shape, item)
    new, old = Row(item, item_size(item)), table.rows.get(key)
    if new.size > ITEM_LIMIT:
        raise invalid(operation, "Item size has exceeded the maximum allowed size")
    before = old.item if old else {}
    holds = all(term.holds(before) for term in terms)
    units = write_units(max(new.size, old.size if old else 0))
    return Write(table, key, new, old, holds, units)
