"""The sweep: finds what became wrong by silence alone, and tells people what they were not told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

from waypost.aws_lambda.environment import flushing
from waypost.aws_lambda.wiring import wire
from waypost.core.errors import WaypostError
from waypost.core.statuses import CONDITIONS
from waypost.ports import Store

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from waypost.aws_lambda.environment import Context, Handler
    from waypost.aws_lambda.following import Following
    from waypost.ports import Clock

LIMIT: Final = 1_000
"""The most shipments of either kind that one run takes; the next run takes the rest."""

_log: Final = logging.getLogger(__name__)


class SweptStore(Store, Protocol):
    """A store that can say what is open without listing it."""

    def open_incidents(self) -> tuple[Counter[str], bool]:
        """Count the open incidents by condition, and tell whether those are all."""


def build(env: Mapping[str, str]) -> Handler:
    """Put the function together.

    Raises:
        InvalidSettings: with what the environment lacks.
    """
    parts = wire(env)
    return flushing(parts.metrics, Sweep(parts.store, parts.following, clock=parts.clock).handle)


class SweepFailed(WaypostError):
    """A run did what it could, and something was left undone; the log says of which shipments."""


class Sweep:
    """Re-folds what the indexes propose: shipments untold of, and those whose time has come."""

    def __init__(self, store: SweptStore, following: Following, *, clock: Clock) -> None:
        """Propose from ``store``; each shipment is then read consistently by ``following``."""
        self._store = store
        self._following = following
        self._clock = clock

    def handle(self, _: dict[str, Any], context: Context) -> dict[str, Any]:
        """Sweep once, send at most one message, and log how many incidents are open.

        Half of the time that is left goes into folding, the other half is for the rest.

        Returns:
            How many shipments were ``proposed`` and ``followed``.

        Raises:
            SweepFailed: a shipment could not be folded, or nobody could be told; after the rest
                was done. A later run tries again.
            StoreUnavailable: nothing was done, or all but the count of what is open.
        """
        half = context.get_remaining_time_in_millis() / 2
        proposed = self._store.undecided(LIMIT)
        proposed += self._store.due(self._clock.now(), LIMIT)
        outcome = self._following.follow(
            proposed, is_time_left=lambda: context.get_remaining_time_in_millis() > half
        )
        self._say_what_is_open()
        if outcome.failed or outcome.unsent:
            what = [f"{len(outcome.failed)} shipments failed"] if outcome.failed else []
            what += [str(outcome.unsent)] if outcome.unsent else []
            raise SweepFailed("; ".join(what))
        return {"proposed": len(set(proposed)), "followed": outcome.followed}

    def _say_what_is_open(self) -> None:
        """Log the open incidents by condition, those that are none as 0: the dashboard's line."""
        counts, is_all = self._store.open_incidents()
        by_condition = {c.value: counts[c.value] for c in CONDITIONS if c.critical}
        _log.info("open incidents", extra={"openIncidents": by_condition, "atLeast": not is_all})
