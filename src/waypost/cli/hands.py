"""The hands that change something: on a data folder, through the server that has it, or on a stack.

A data folder has one writer at a time. Commands do not care which way it is: `open_hands` does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from waypost.cli.options import settings as configured
from waypost.core.entries import Action
from waypost.core.errors import Problem, StoreUnavailable
from waypost.core.statuses import Status

if TYPE_CHECKING:
    from waypost.bootstrap import FolderLock
    from waypost.cli.home import Home
    from waypost.settings import Settings

PATIENCE: Final = 10.0
"""Seconds to wait for another process that has the data folder and is no server (yet)."""
_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of something that was to be recorded.

    Attributes:
        outcome: ``appended``, ``duplicate`` or ``rejected``.
        rejection_id: of the quarantined event, if it was rejected.
        problems: why, if it was rejected.
    """

    outcome: str
    rejection_id: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def is_rejected(self) -> bool:
        """Whether it went into quarantine."""
        return self.rejection_id is not None


@dataclass(slots=True)
class Tally:
    """What became of the lines of an import."""

    appended: int = 0
    duplicates: int = 0
    rejected: int = 0

    def add(self, other: Tally) -> None:
        """Add the counts of another part."""
        self.appended += other.appended
        self.duplicates += other.duplicates
        self.rejected += other.rejected


Watch = Callable[[int, int | None], None]
"""Told how many are done, now and then, and of how many, if that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rederived:
    """What became of a rederive.

    Attributes:
        shipments: how many.
        failed: how many of them could not be folded; None if others fold them, in the background.
    """

    shipments: int
    failed: int | None


class Hands(Protocol):
    """What can be changed. Errors are those of `Operator`, and of a server that does not answer."""

    def put(self, detail: object) -> Said:
        """Record one update as if it came over the bus now."""

    def take(self, lines: Sequence[str], *, quiet: bool) -> Tally:
        """Import some lines; alerts wait for the last."""

    def act(self, shipment_id: str, action: Action, condition: Status) -> Said:
        """Acknowledge, resolve, mute or unmute a condition of a shipment."""

    def map_code(self, carrier: str | None, code: str, status: Status) -> Said:
        """Say what a carrier's code means."""

    def retract(self, shipment_id: str, event_id: str, reason: str | None) -> Said:
        """Take back what a sender said."""

    def replay(self, rejection_id: str) -> Said:
        """Try a rejected event again."""

    def drop(self, rejection_id: str) -> None:
        """Settle a rejected event as not wanted."""

    def resend(self, message_id: str) -> int:
        """Let the dead deliveries of a message be tried again; return how many."""

    def rederive(self, watch: Watch) -> Rederived:
        """Fold every shipment anew, or have it folded."""

    def close(self) -> None:
        """Finish what was begun, and let go of what was opened."""


@contextmanager
def open_hands(home: Home) -> Iterator[Hands]:
    """Lend the hands for a data folder, or for a stack.

    Raises:
        InvalidSettings: with everything that is wrong.
        StoreUnavailable: another process has the folder, and is no server within `PATIENCE`.
        StoreUnusable: the file cannot be used, or there is no such stack.
        AwsFailed: AWS was not reached, or refused.
    """
    with ExitStack() as undo:
        hands = _take(home, undo)
        undo.callback(hands.close)
        yield hands


def _take(home: Home, undo: ExitStack) -> Hands:
    if home.stack is not None:
        from waypost.cli.on_stack import StackHands, opened

        return StackHands(undo.enter_context(opened(home.stack)))
    settings = configured(home.data)
    lock = take_folder(settings)
    if isinstance(lock, str):
        from waypost.cli.remote import RemoteHands

        return RemoteHands(lock, settings)
    from waypost.cli.direct import DirectHands

    return DirectHands(settings, lock)


def take_folder(settings: Settings, *, wait: bool = True) -> FolderLock | str:
    """Return the right to write to the data folder, or the address of the server that has it.

    Args:
        settings: name the folder.
        wait: whether to wait while whoever has it gives no address, for `PATIENCE` at the most.

    Raises:
        StoreUnavailable: it is in use by a process that is no server, or cannot be written to.
    """
    from waypost.bootstrap import FolderBusy, FolderLock

    deadline = time.monotonic() + (PATIENCE if wait else 0)
    while True:
        try:
            return FolderLock(settings.data)
        except FolderBusy as busy:
            if busy.address is not None:
                return busy.address
            if time.monotonic() >= deadline:
                raise StoreUnavailable(
                    f"{busy}, which is no server that could do it: wait until that has ended"
                ) from None
            threading.Event().wait(_PAUSE)
        except OSError as error:
            message = f"{settings.data} cannot be written to: {error.strerror}"
            raise StoreUnavailable(message) from error


def server_of(settings: Settings) -> str | None:
    """Return the address of the server that has the data folder, None if there is none."""
    if not settings.data.is_dir():
        return None
    try:
        lock = take_folder(settings, wait=False)
    except StoreUnavailable:
        return None
    if isinstance(lock, str):
        return lock
    lock.release()
    return None
