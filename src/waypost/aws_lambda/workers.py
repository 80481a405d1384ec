"""Threads for the calls of a batch, which mostly wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Workers:
    """So many threads, kept from one invocation to the next: starting them anew costs CPU."""

    def __init__(self, count: int) -> None:
        """Start no thread yet; with a ``count`` of 1, never."""
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def each(self, function: Callable[[_In], _Out], values: Sequence[_In]) -> list[_Out]:
        """Return what a function gives for each value, called by all threads at once.

        The first error is raised once the calls under way have ended; no further ones begin. One
        value alone is the caller's own work.
        """
        if self._pool is None or len(values) == 1:
            return [function(value) for value in values]
        calls = [self._pool.submit(function, value) for value in values]
        try:
            return [call.result() for call in calls]
        finally:
            for call in calls:
                call.cancel()
            wait(calls)
