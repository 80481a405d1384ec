"""What a value of a template comes to before anything is deployed.

A text that is only partly known is a text all the same: what is not known stands in it as
``${Name}``. Two such texts are equal if they are made alike, which is what most rules ask.
"""

from __future__ import annotations

import math
from typing import Any, Self


class Hole(str):
    """A text, all or part of which only a deployment knows."""

    __slots__ = ()


class Reference(Hole):
    """What a resource is to be referred to by: its ``Ref``, or one of its attributes.

    Attributes:
        resource: its logical id.
        attribute: such as ``Arn``; empty for ``Ref``.
    """

    __slots__ = ("attribute", "resource")

    resource: str
    attribute: str

    def __new__(cls, resource: str, attribute: str = "") -> Self:
        """Refer to a resource."""
        made = super().__new__(
            cls, f"${{{resource}.{attribute}}}" if attribute else f"${{{resource}}}"
        )
        made.resource = resource
        made.attribute = attribute
        return made


def is_known(value: object) -> bool:
    """Tell whether a scalar is what will be deployed."""
    return not isinstance(value, Hole)


def number(value: object) -> float | None:
    """Return a finite number, also one written as text; None if it is none, or not known."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not is_known(value):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def truth(value: object) -> bool:
    """Tell whether a value is CloudFormation's true, written as text or not."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def text(value: object) -> str:
    """Return a value that has to be a text; one that is none is not known."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else Hole("${...}")


def listed(value: Any) -> list[Any]:
    """Return a value that may be none, one or several as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def member(value: Any, *keys: str) -> Any:
    """Return what lies at the end of keys in mappings; None where there is no such."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
