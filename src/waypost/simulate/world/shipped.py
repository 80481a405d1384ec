"""The numbers of the stack that ships: what the world models is what is deployed."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from waypost.stack.render import render

_RESOURCE: Final = re.compile(r"^ ([A-Za-z]\w*):", re.MULTILINE)
_REFERENCE: Final = re.compile(r"!Ref (\w+)")


@cache
def number(resource: str, name: str) -> int:
    """Return a number that the rendered template gives a resource.

    A reference to a parameter is its default.

    Args:
        resource: its logical name.
        name: of the property, which the resource has once.

    Raises:
        ValueError: there is no such resource, property or number.
    """
    found = re.search(rf"\b{name}: ([^,}}\n]+)", _block(resource))
    if found is None:
        message = f"{resource} has no {name}"
        raise ValueError(message)
    value = found[1].strip()
    reference = _REFERENCE.fullmatch(value)
    return number(reference[1], "Default") if reference else int(value)


@cache
def text(resource: str, name: str) -> str:
    """Return what the template says of a property of a resource, up to the end of the line.

    Raises:
        ValueError: there is no such resource or property.
    """
    found = re.search(rf"\b{name}: (.+)", _block(resource))
    if found is None:
        message = f"{resource} has no {name}"
        raise ValueError(message)
    return found[1]


def _block(resource: str) -> str:
    block = _blocks().get(resource)
    if block is None:
        message = f"the template has no {resource}"
        raise ValueError(message)
    return block


@cache
def _blocks() -> dict[str, str]:
    template = render(bucket="any-bucket").decode()
    starts = list(_RESOURCE.finditer(template))
    ends = [start.start() for start in starts[1:]] + [len(template)]
    return {m[1]: template[m.start() : end] for m, end in zip(starts, ends, strict=True)}
