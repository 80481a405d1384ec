"""A clock that stands still until a test moves it."""

from __future__ import annotations

from itertools import count
from typing import Final

from waypost.core.times import parse_time

NOON: Final = parse_time("2026-03-02T12:00:00Z")[0]
"""A Monday."""


class FakeClock:
    """Implements `waypost.ports.Clock`; ids count up in the form of a UUID."""

    def __init__(self, time: int = NOON) -> None:
        self.time = time
        self._ids = count(1)

    def now(self) -> int:
        return self.time

    def new_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._ids):012d}"
