"""Whose code is known: what stands in the template, or beside it."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.stack.lint.code import Code, read_code
from waypost.stack.lint.values import is_known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from waypost.stack.lint.template import Resource, View

_PYTHON: Final = "python"
_CACHED: Final = 256


def code_of(view: View, function: Resource) -> Code | str:
    """Return what a function's code says, or why that is not known."""
    if not str(function.get("Runtime") or "").startswith(_PYTHON):
        return "its code is not Python"
    inline = function.get("Code", "ZipFile")
    if isinstance(inline, str):
        if not inline:
            return "its code is put in when the template is rendered"
        return (
            _read((("index.py", str(inline)),)) if is_known(inline) else "its code is put together"
        )
    place = function.get("Code", "CodeUri") or function.get("Code")
    if isinstance(place, str) and is_known(place):
        sources: Mapping[str, str] = view.facts.read_code(place) or MappingProxyType({})
        if sources:
            return _read(tuple(sorted(sources.items())))
    return "its code is not here"


def is_inline(function: Resource) -> bool:
    """Tell whether a function's code stands in the template."""
    return isinstance(function.get("Code", "ZipFile"), str)


def handler_of(function: Resource) -> str:
    """Return a function's handler as module and name."""
    return str(function.get("Handler") or "").replace("/", ".")


@lru_cache(_CACHED)
def _read(sources: tuple[tuple[str, str], ...]) -> Code | str:
    return read_code(dict(sources))
