"""The expressions of DynamoDB that our store writes, and no others.

* condition: ``term AND term ...``, a term being ``name = :value`` (or ``<``, ``<=``, ``>``,
  ``>=``), ``attribute_exists(name)`` or ``attribute_not_exists(name)``;
* update: ``SET name = :value, ...``, then perhaps ``REMOVE name, ...``;
* projection: ``name, ...``.

A name may be a ``#placeholder``. The whole grammar is in
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
That a name may be a reserved word, and then needs a placeholder, is not modelled.
"""

from __future__ import annotations

import operator
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from waypost.simulate.world.dynamodb.errors import NotModelled, invalid
from waypost.simulate.world.dynamodb.values import Attribute, Item, scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EXISTS: Final = "attribute_exists"
MISSING: Final = "attribute_not_exists"

_NAME: Final = r"(#?[A-Za-z_]\w*|#\d+)"
_COMPARISON: Final = re.compile(rf"{_NAME} *(<=|>=|=|<|>) *(:\w+)")
_FUNCTION: Final = re.compile(rf"({EXISTS}|{MISSING}) *\( *{_NAME} *\)")
_ASSIGNMENT: Final = re.compile(rf"{_NAME} *= *(:\w+)")
_PATH: Final = re.compile(_NAME)
_Given = TypeVar("_Given")

_PARSED: Final = 256
"""So many expressions of each kind are kept parsed."""

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Term(NamedTuple):
    """One term of a condition.

    Attributes:
        name: of the attribute.
        operator: a comparison, or the function's name.
        value: what it is compared with; None for a function.
    """

    name: str
    operator: str
    value: Attribute | None

    def holds(self, item: Item) -> bool:
        """Tell whether it is true of an item; nothing is less than what has another type."""
        attribute = item.get(self.name)
        if self.value is None:
            return (attribute is not None) == (self.operator == EXISTS)
        if attribute is None or attribute.keys() != self.value.keys():
            return False
        return _COMPARE[self.operator](scalar(attribute), scalar(self.value))


class Expressions:
    """The expressions of one request. Each placeholder has to be given, and to be used.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeValues.html
    """

    def __init__(
        self,
        operation: str,
        *,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, Attribute] | None = None,
    ) -> None:
        """Begin with a request's ExpressionAttributeNames and ExpressionAttributeValues."""
        self._operation = operation
        self._names = names or {}
        self._values = values or {}
        self._unused = {*self._names, *self._values}

    def condition(self, text: str) -> list[Term]:
        """Return the terms of a condition, all of which have to hold."""
        return [
            Term(self._name(name), operation, value and self._value(value))
            for name, operation, value in _terms(text)
        ]

    def update(self, text: str) -> tuple[Item, list[str]]:
        """Return the attributes that an update sets, and the names of those that it removes."""
        sets, removes = _changes(text)
        set_to = {self._name(name): self._value(value) for name, value in sets}
        return set_to, [self._name(name) for name in removes]

    def projection(self, text: str) -> list[str]:
        """Return the names in a projection."""
        return [self._name(name) for name in _paths(text)]

    def finish(self) -> None:
        """Say that these were all expressions.

        Raises:
            ClientError: if a placeholder was given for nothing.
        """
        if self._unused:
            keys = ", ".join(sorted(self._unused))
            raise invalid(
                self._operation,
                f"Value provided in ExpressionAttributeValues unused in expressions: keys: {{{keys}}}",
            )

    def _name(self, name: str) -> str:
        return self._given(self._names, name) if name.startswith("#") else name

    def _value(self, placeholder: str) -> Attribute:
        return self._given(self._values, placeholder)

    def _given(self, given: Mapping[str, _Given], placeholder: str) -> _Given:
        self._unused.discard(placeholder)
        if placeholder not in given:
            raise invalid(
                self._operation,
                f"An expression attribute used in expression is not defined: {placeholder}",
            )
        return given[placeholder]


@lru_cache(_PARSED)
def _terms(text: str) -> tuple[tuple[str, str, Any], ...]:
    return tuple(_term(part.strip()) for part in text.split(" AND "))


def _term(text: str) -> tuple[str, str, str | None]:
    if compared := _COMPARISON.fullmatch(text):
        return compared[1], compared[2], compared[3]
    if asked := _FUNCTION.fullmatch(text):
        return asked[2], asked[1], None
    raise NotModelled(f"the condition {text!r}")


@lru_cache(_PARSED)
def _changes(text: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    verb, _, rest = text.partition(" ")
    sets, _, removes = rest.partition(" REMOVE ")
    found = [match for part in sets.split(",") if (match := _ASSIGNMENT.fullmatch(part.strip()))]
    if verb != "SET" or len(found) <= sets.count(","):
        raise NotModelled(f"the update {text!r}")
    return tuple((match[1], match[2]) for match in found), _paths(removes) if removes else ()


@lru_cache(_PARSED)
def _paths(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(_PATH.fullmatch(name) for name in names):
        raise NotModelled(f"the path in {text!r}")
    return names
