"""One machine: the log by position, and the outbox, in the same store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from waypost.ports.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from waypost.core.entries import Entry
    from waypost.core.shipments import CodeKey, Ref
    from waypost.ports.outbox import AlertKind, Delivery, DeliveryState, Message, Pending
    from waypost.ports.store import Save


@dataclass(frozen=True, slots=True)
class Changes:
    """Entries and rejections that nobody has followed yet.

    Attributes:
        position: of the last of ``entries``; the follower's own position if there are none.
        entries: in the order of the log.
        quiet: those of them that were appended quietly: (shipment id, (sender, event id)).
        rejected_position: of the last of ``rejections``, likewise.
        rejections: the first problem of each, in words.
    """

    position: int
    entries: tuple[Entry, ...]
    quiet: frozenset[tuple[str, Ref]]
    rejected_position: int
    rejections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What one round of following came to: committed whole or not at all.

    Attributes:
        saves: the shipments that were folded.
        position: up to which the log is followed now; None: as before.
        rejected_position: up to which the quarantine is followed now; None: as before.
        rejected: how many were rejected, by the first problem of each; makes one alert.
        recode: codes whose meaning changed: every shipment that has one is to be re-folded.
        refolded: shipments that need no more re-folding.
        failed: shipments that could not be folded, and why; they go to the re-fold queue.
        now: epoch ms.
    """

    saves: tuple[Save, ...] = ()
    position: int | None = None
    rejected_position: int | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    recode: tuple[CodeKey, ...] = ()
    refolded: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    now: int


class LocalStore(Store, Protocol):
    """A store on one machine: the log has positions, and the outbox is in it."""

    def changes(self, limit: int) -> Changes:
        """Return at most ``limit`` entries and rejections that follow the follower's positions."""

    def behind(self) -> int:
        """Return how many entries the follower has not followed yet."""

    def refolds(self, now: int, limit: int) -> list[str]:
        """Return shipments that are to be re-folded and whose next try has come.

        So has one that is more than `LONGEST_PAUSE` ahead.
        """

    def refold_all(self) -> int:
        """Put every shipment of the log into the re-fold queue; return how many."""

    def unfoldable(self) -> dict[str, str]:
        """Return the shipments that were given up after 5 failed re-folds, and why."""

    def failing(self) -> dict[str, str]:
        """Return the shipments that could not be folded and were not since, and why: given up or not."""

    def retry_given_up(self) -> int:
        """Let the shipments that were given up be tried again, as often as at first.

        Returns:
            How many there were.
        """

    def commit(self, followed: Followed) -> None:
        """Save a round of following in one transaction.

        A shipment in ``failed`` is tried again with back-off (1 s, doubling), 5 times.

        Raises:
            StateConflict: as `save`.
        """

    def pending(self, kind: AlertKind, first: int) -> Pending | None:
        """Return what is in no message yet, with the JSON of the ``first`` ones; None if nothing."""

    def post(self, message: Message, last: int, notifiers: Sequence[str]) -> None:
        """Make a message of all pending alerts of its kind up to ``last``, for each notifier."""

    def deliveries(self, notifier: str, now: int, limit: int) -> list[Delivery]:
        """Return the deliveries of a notifier that are waiting and may be tried, oldest first.

        Those may whose next try is more than `LONGEST_PAUSE` ahead, too.
        """

    def delivered(
        self,
        message_id: str,
        notifier: str,
        state: DeliveryState,
        *,
        not_before: int = 0,
        error: str | None = None,
    ) -> None:
        """Note an attempt, and where the delivery stands after it.

        Raises:
            NotFound: if the message was not made for that notifier.
        """

    def alerts(
        self, state: DeliveryState | None = None, after: int = 0, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Return the ledger of alerts in the order in which they were decided.

        Each is the alert's JSON with ``alertId`` (its number), ``kind``, ``createdAt``,
        ``messageId`` (null while it is in none) and ``deliveries``
        (``notifier, state, attempts, error``). With ``state``, only alerts with such a delivery.
        """

    def resend(self, message_id: str) -> int:
        """Let the dead deliveries of a message be tried again, as often as at first.

        Returns:
            How many there were.

        Raises:
            NotFound: if there is no message of that id.
        """

    def check(self) -> None:
        """Raise if the store cannot be written to now."""

    def close(self) -> None:
        """Finish what is under way and let go of all files. Idempotent."""
