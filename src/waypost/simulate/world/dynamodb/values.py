"""Items and their values: how they compare, how large they are, and what that consumes.

* Types and sizes:
  https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
* Units: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from waypost.simulate.world.dynamodb.errors import NotModelled

if TYPE_CHECKING:
    from collections.abc import Mapping

Attribute = dict[str, Any]
"""A value with its type, as the low-level client has it: ``{"S": "LOST"}``."""
Item = dict[str, Attribute]
Scalar = str | bytes | int | Decimal
"""What can be a key, or be less than another."""

WRITE_UNIT: Final = 1_024
"""Bytes that one write unit writes."""
READ_UNIT: Final = 4_096
"""Bytes that one read unit reads, consistently; half of it reads as much if not."""


def scalar(attribute: Mapping[str, Any]) -> Scalar:
    """Return the value of an attribute, which is ordered as DynamoDB orders it.

    Strings and bytes are ordered by their (UTF-8) bytes, which for strings is Python's order too;
    numbers by value, and equal ones are equal whichever type they come in.

    Raises:
        NotModelled: if it is neither S nor N nor B.
    """
    [(kind, value)] = attribute.items()
    if kind == "N":
        try:
            return int(value)
        except ValueError:
            return Decimal(value)
    if kind in {"S", "B"}:
        plain: str | bytes = value
        return plain
    raise NotModelled(f"a comparison of type {kind}")


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bytes of an item: of its names, and of their values."""
    return sum([_length(name) + _size(attribute) for name, attribute in item.items()])


def write_units(size: int) -> int:
    """Return the write units of one write of so many bytes; at least one."""
    return max(1, -(-size // WRITE_UNIT))


def read_units(size: int, *, consistent: bool) -> float:
    """Return the read units of one read of so many bytes; at least those of the smallest."""
    units = max(1, -(-size // READ_UNIT))
    return units if consistent else units / 2


def _size(attribute: Mapping[str, Any]) -> int:
    [(kind, value)] = attribute.items()
    match kind:
        case "S":
            return _length(value)
        case "B":
            return len(value)
        case "N":
            digits = value.lstrip("-0").replace(".", "").rstrip("0")
            return (len(digits) + 1) // 2 + 1
        case "M":
            return 3 + len(value) + item_size(value)
        case "L":
            return 3 + len(value) + sum(map(_size, value))
        case _:  # BOOL or NULL
            return 1


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
