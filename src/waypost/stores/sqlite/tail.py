"""The newest entries of the log, kept in memory for the follower that is close behind."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from waypost.core.entries import Entry
from waypost.core.updates import ShipmentUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable

Logged = tuple[Entry, bool]
"""An entry, and whether it was appended quietly."""

ENTRIES: Final = 20_000
CHARACTERS: Final = 64 * 1024 * 1024
"""Of the events as they came in: the bound on memory where they are large."""


class Tail:
    """A run of the log without a gap, up to the last entry that this process appended.

    At the bound the oldest go: a follower that is farther behind reads the file until it has
    caught up.
    """

    def __init__(self, entries: int = ENTRIES, characters: int = CHARACTERS) -> None:
        self._lock = threading.Lock()
        self._logged: deque[Logged] = deque()
        self._last = 0
        self._room = entries
        self._free = characters

    def extend(self, before: int, logged: Iterable[Logged]) -> None:
        """Add what was appended after position ``before``.

        If that is not where the run ends, others wrote to the file, and the run begins anew.
        """
        with self._lock:
            if before != self._last:
                self._drop(len(self._logged))
                self._last = before
            for item in logged:
                self._logged.append(item)
                self._free -= size(item)
                self._last += 1
            while len(self._logged) > self._room or (self._free < 0 and self._logged):
                self._drop(1)

    def after(self, position: int, limit: int) -> list[Logged]:
        """Return at most ``limit`` of what follows a position; nothing where the run lacks it.

        What is up to that position is let go.
        """
        with self._lock:
            followed = position - (self._last - len(self._logged))
            if followed < 0:
                return []
            self._drop(min(followed, len(self._logged)))
            return list(islice(self._logged, limit))

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._free += size(self._logged.popleft())


def size(logged: Logged) -> int:
    """Return how many characters of an event as it came in are kept with an entry."""
    entry = logged[0]
    return len(entry.raw_event) if isinstance(entry, ShipmentUpdate) else 0
