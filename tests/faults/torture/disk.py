"""A disk that loses its power: what of some files may be left, given what was written and synced.

What is on the disk for certain is what an fsync that has returned was asked for. Of everything
younger any part may be there, in any order, down to single sectors; names (of new, removed and
made files and folders) come in their order, and for certain with an fsync of their folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.faults.torture.trace import Call

_SYNCS: Final = frozenset({"fsync", "fdatasync"})
_NAMES: Final = frozenset({"openat", "mkdir", "unlink"})
_WRITES: Final = frozenset({"pwrite64", "write", "ftruncate"})
_FOLDER: Final = None


class Luck(Enum):
    """How much of what was not synced is left."""

    NOTHING = "nothing"
    SECTORS = "sectors of 512 bytes"
    PAGES = "blocks of 4,096 bytes"
    ALL = "all"

    @property
    def unit(self) -> int:
        """Return how many bytes are written as a whole."""
        return 512 if self is Luck.SECTORS else 4_096

    def keeps(self, rng: random.Random) -> bool:
        """Tell whether one more piece is left."""
        return self is Luck.ALL or (self is not Luck.NOTHING and rng.random() < 0.5)


@dataclass(slots=True)
class _File:
    """A file's content: for certain, and what was done to it since."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)

    def sync(self, call: Call) -> None:
        """Make certain what was done before the sync began."""
        for done in self.pending:
            if done.began < call.began:
                _write(self.synced, done, None, Luck.ALL)
        self.pending = [done for done in self.pending if done.began > call.began]

    def left(self, rng: random.Random, luck: Luck) -> bytes:
        content = bytearray(self.synced)
        for done in self.pending:
            _write(content, done, rng, luck)
        return bytes(content)


def _write(content: bytearray, call: Call, rng: random.Random | None, luck: Luck) -> None:
    for start, piece in _pieces(call, luck.unit):
        if rng is not None and not luck.keeps(rng):
            continue
        if call.name == "ftruncate":
            content[:] = content[: call.number].ljust(call.number, b"\0")
            continue
        if len(content) < start:
            content += bytes(start - len(content))
        content[start : start + len(piece)] = piece


def _pieces(call: Call, unit: int) -> Iterator[tuple[int, bytes]]:
    """Return what a write consists of, cut where the disk's units end."""
    if call.name == "ftruncate":
        yield call.number, b""
    start, end = call.number, call.number + len(call.data)
    while start < end:
        until = min((start // unit + 1) * unit, end)
        yield start, call.data[start - call.number : until - call.number]
        start = until


@dataclass(slots=True)
class Disk:
    """The files below a folder, which itself is there for certain."""

    root: str
    _now: dict[str, _File | None] = field(default_factory=dict)
    _certain: dict[str, _File | None] = field(default_factory=dict)
    _names: list[tuple[str, str, _File | None]] = field(default_factory=list)

    def replay(self, calls: Iterable[Call], moments: Iterable[int]) -> Iterator[int]:
        """Do what the calls did, and halt at each moment, in their order.

        A write counts from its beginning, a sync from its end.
        """
        steps = sorted(
            (call.ended if call.name in _SYNCS else call.began, number, call)
            for number, call in enumerate(calls)
            if call.path == self.root or call.path.startswith(f"{self.root}/")
        )
        done = 0
        for moment in sorted(moments):
            while done < len(steps) and steps[done][0] <= moment:
                self._do(steps[done][2])
                done += 1
            yield moment

    def leave(self, folder: Path, rng: random.Random, luck: Luck) -> None:
        """Write into ``folder`` what is left of the files now."""
        names = dict(self._certain)
        for kind, path, file in self._names:
            if not luck.keeps(rng):
                break
            _rename(names, kind, path, file)
        for path, file in names.items():
            here = folder / PurePath(path).relative_to(self.root)
            if file is not _FOLDER and _parents(path, self.root) <= names.keys():
                here.parent.mkdir(parents=True, exist_ok=True)
                here.write_bytes(file.left(rng, luck))

    def _do(self, call: Call) -> None:
        if call.name in _SYNCS:
            self._sync(call)
        elif call.name in _NAMES:
            self._name(call)
        elif call.name in _WRITES and (file := self._now.get(call.path)) is not None:
            file.pending.append(call)

    def _name(self, call: Call) -> None:
        if call.name == "openat" and (not call.number or call.path in self._now):
            return
        file = _File() if call.name == "openat" else _FOLDER
        _rename(self._now, call.name, call.path, file)
        self._names.append((call.name, call.path, file))

    def _sync(self, call: Call) -> None:
        file = self._now.get(call.path)
        if file is not None:
            file.sync(call)
            return
        inside = [name for name in self._names if _parent(name[1]) == call.path]
        for name in inside:
            _rename(self._certain, *name)
            self._names.remove(name)


def _rename(names: dict[str, _File | None], kind: str, path: str, file: _File | None) -> None:
    if kind == "unlink":
        names.pop(path, None)
    else:
        names[path] = file


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _parents(path: str, root: str) -> set[str]:
    """Return the folders between the root and a path, both left out."""
    found = set()
    while (path := _parent(path)) != root:
        found.add(path)
    return found
