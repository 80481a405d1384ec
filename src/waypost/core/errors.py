"""The errors. Two questions decide the type: will a retry help, and whose fault is it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        path: where, in dots from the root (``location.latitude``); empty for the whole.
        message: what is wrong and what would be right. It never repeats the offending value,
            so it may be shown in alerts and counted by.
    """

    path: str
    message: str

    def __str__(self) -> str:
        """Return the path and the message as one line."""
        return f"{self.path}: {self.message}" if self.path else self.message


class WaypostError(Exception):
    """What every error of Waypost's own derives from."""


class _Problems(WaypostError):
    """An error that carries every problem found, not the first one only."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


class InvalidUpdate(_Problems):
    """The sender's fault, and a retry cannot help: quarantine it with all its problems."""


class InvalidSettings(_Problems):
    """The operator's fault: the configuration cannot be used; every problem is listed."""


class StoreUnavailable(WaypostError):
    """The store could not do it now (full disk, lock, throttle, time-out): nothing was changed.

    A retry may help. Where the outcome is unknown, retrying is safe, for a repeat is a duplicate.
    """


class StoreUnusable(WaypostError):
    """The store cannot be used at all (corrupt, not ours, written by newer code).

    A retry cannot help; the message says what to do.
    """


class NewerEntry(WaypostError):
    """What was asked rests on an entry that only a newer Waypost can read.

    A retry cannot help. Nothing is lost: that version, or a later one, reads the log.
    """

    def __init__(self, where: str, word: str) -> None:
        super().__init__(
            f"{where} has the {word}, which a newer Waypost wrote: install that version or a later "
            "one; until then nothing is concluded from it"
        )


class StateConflict(WaypostError):
    """Somebody else saved the shipment since it was read: read it again and fold again."""


class NotFound(WaypostError):
    """What was asked for does not exist."""


class NotifyFailed(WaypostError):
    """A message was not delivered.

    Attributes:
        permanent: True when the same message to the same place can never succeed (refused
            address, 4xx); False when a later try may (time-out, refused connection, 5xx).
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        self.permanent = permanent
        super().__init__(message)
