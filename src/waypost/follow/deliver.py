"""Delivering messages: at least once each, with back-off, until sent or given up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from waypost.core.errors import NotifyFailed
from waypost.core.times import SECOND
from waypost.ports import LONGEST_PAUSE, Delivery, DeliveryState, Metric

if TYPE_CHECKING:
    from waypost.ports import Clock, LocalStore, Metrics, Notifier

FIRST_PAUSE: Final = 5 * SECOND
ATTEMPTS: Final = 30
"""With pauses that double up to an hour, a message is given up after some 20 hours."""
ROUND: Final = 100

_log: Final = logging.getLogger(__name__)


class Deliverer:
    """Delivers the messages of one notifier. One per notifier; not thread-safe."""

    def __init__(
        self, store: LocalStore, notifier: Notifier, *, clock: Clock, metrics: Metrics
    ) -> None:
        """Deliver with ``notifier`` what the outbox of ``store`` holds for it."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._metrics = metrics

    def deliver(self) -> bool:
        """Try the messages that may be tried now, oldest first.

        A message is noted as sent only after the other side took it; if the note is lost, it is
        sent again. After a failure that may pass, the rest waits too: the way is blocked.

        Returns:
            Whether one was sent or given up; if so there may be more.

        Raises:
            StoreUnavailable: the outbox could not be read or noted.
        """
        moved = False
        name = self._notifier.name
        for delivery in self._store.deliveries(name, self._clock.now(), ROUND):
            try:
                self._notifier.send(delivery.message)
            except NotifyFailed as error:
                if not self._failed(delivery, error):
                    return moved
            else:
                self._note(delivery, DeliveryState.SENT, "sent")
            moved = True
        return moved

    def _failed(self, delivery: Delivery, error: NotifyFailed) -> bool:
        """Note a failure; return whether it is over with this message."""
        attempts = delivery.attempts + 1
        if error.permanent or attempts >= ATTEMPTS:
            self._note(delivery, DeliveryState.DEAD, "dead", error=str(error))
            return True
        pause = min(FIRST_PAUSE << min(attempts - 1, 20), LONGEST_PAUSE)
        self._note(
            delivery,
            DeliveryState.WAITING,
            "failed",
            error=str(error),
            not_before=self._clock.now() + pause,
        )
        return False

    def _note(
        self,
        delivery: Delivery,
        state: DeliveryState,
        outcome: str,
        *,
        error: str | None = None,
        not_before: int = 0,
    ) -> None:
        name = self._notifier.name
        self._store.delivered(
            delivery.message.message_id, name, state, not_before=not_before, error=error
        )
        self._metrics.add(Metric.MESSAGES, 1, name, outcome)
        if error is not None:
            _log.warning(
                "message not delivered",
                extra={"fields": {"notifier": name, "outcome": outcome, "error": error}},
            )
