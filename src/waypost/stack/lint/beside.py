"""Reads the Python code that a template names by its place: ``CodeUri: src/``, ``Code: ./app``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.stack.lint.code import SOURCES_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FILES_LIMIT: Final = 500
"""So many files of one place are read; a place with more is not read at all."""
_LOOKS: Final = 10_000
"""So many files are looked at for those that are Python's."""


def reader(template: Path) -> Callable[[str], Mapping[str, str] | None]:
    """Return what reads code beside a template: by path within its place, or None if it cannot.

    It follows no place out of the template's own folder, and gives up on one that holds too much.
    """
    folder = template.parent.resolve()

    def read(place: str) -> Mapping[str, str] | None:
        root = (folder / place).resolve()
        if not root.is_relative_to(folder) or not root.is_dir():
            return None
        return _sources(root)

    return read


def _sources(root: Path) -> Mapping[str, str] | None:
    found: dict[str, str] = {}
    size = 0
    for looked_at, path in enumerate(root.rglob("*")):
        if looked_at >= _LOOKS:
            return None
        if path.suffix != ".py" or path.is_symlink() or not path.is_file():
            continue
        size += path.stat().st_size
        if size > SOURCES_LIMIT or len(found) >= FILES_LIMIT:
            return None
        try:
            found[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
    return found or None
