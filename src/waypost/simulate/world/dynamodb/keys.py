"""Primary keys of requests, and of items the attributes that are keys of indexes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waypost.simulate.world.dynamodb.errors import invalid
from waypost.simulate.world.dynamodb.values import scalar

if TYPE_CHECKING:
    from waypost.simulate.world.dynamodb.shapes import TableShape
    from waypost.simulate.world.dynamodb.values import Item

Key = tuple[Any, ...]
"""The scalars of a primary key, of the same types in all keys of a table."""

HASH_LIMIT: Final = 2_048
"""Bytes of a partition key."""
RANGE_LIMIT: Final = 1_024
"""Bytes of a sort key."""
_INVALID: Final = "One or more parameter values were invalid"


def key_of(operation: str, shape: TableShape, item: Item) -> Key:
    """Return the primary key of an item.

    Raises:
        ClientError: if it has none that the table could have.
    """
    for name in shape.keys:
        if name not in item:
            raise invalid(operation, f"{_INVALID}: Missing the key {name} in the item")
        _check(operation, shape, name, item, RANGE_LIMIT if name == shape.range_key else HASH_LIMIT)
    return tuple([scalar(item[name]) for name in shape.keys])


def check_index_keys(operation: str, shape: TableShape, item: Item) -> None:
    """Check what of an item are keys of indexes; it may lack them.

    Raises:
        ClientError: if one has another type, is empty or too long.
    """
    for hash_key, range_key in shape.indexes.values():
        if hash_key in item:
            _check(operation, shape, hash_key, item, HASH_LIMIT)
        if range_key in item:
            _check(operation, shape, range_key, item, RANGE_LIMIT)


def _check(operation: str, shape: TableShape, name: str, item: Item, limit: int) -> None:
    [(kind, value)] = item[name].items()
    expected = "N" if name in shape.numbers else "S"
    if kind != expected:
        raise invalid(
            operation,
            f"{_INVALID}: Type mismatch for key {name} expected: {expected} actual: {kind}",
        )
    if not value:
        raise invalid(
            operation,
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            f"cannot contain an empty string value. Key: {name}",
        )
    if len(value) * 4 > limit and len(value.encode()) > limit:
        raise invalid(
            operation,
            f"{_INVALID}: Size of {name} has exceeded the maximum size limit of {limit} bytes",
        )
