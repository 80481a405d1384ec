"""The background work of one machine: threads that follow, digest and deliver until stopped."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from waypost.core.errors import StoreUnavailable, StoreUnusable
from waypost.core.times import SECOND
from waypost.follow.refold import ROUND
from waypost.ports import AlertKind, Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.follow.digest import Digester
    from waypost.follow.refold import Follower
    from waypost.ports import Clock, LocalStore, Metrics

IDLE: Final = 5.0
"""The longest that a worker sleeps without looking, in seconds."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
HOLD: Final = 5 * SECOND
"""An import holds alerts back until it ends, or until no batch came for so long."""
LONGEST_REST: Final = 0.2
"""In seconds. After a round the follower rests as long as it took, at most so long: what comes
meanwhile is folded in one round, and a shipment that it touches twice is saved once. While a full
round waits there is no rest."""
STUCK: Final = 3
"""After so many failures in a row a worker counts as unwell."""

_log: Final = logging.getLogger(__name__)


class Worker(threading.Thread):
    """Repeats one step: at once while there is more, else when woken or after a while.

    A step that fails is tried again with pauses that double; it never ends the thread.
    """

    def __init__(self, name: str, step: Callable[[], bool]) -> None:
        """Repeat ``step``, which returns whether there may be more to do at once."""
        super().__init__(name=name, daemon=True)
        self._step = step
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._failures = 0
        self._error = ""

    def wake(self) -> None:
        """Tell the worker that there may be something to do."""
        self._awake.set()

    def stop(self, timeout: float) -> bool:
        """Let the step that is under way end, for at most ``timeout`` s; tell whether it did."""
        self._stopping.set()
        self._awake.set()
        if self.is_alive():
            self.join(timeout)
        return not self.is_alive()

    def problem(self) -> str | None:
        """Return what is wrong with the worker, None if it is well."""
        if not self.is_alive():
            return f"{self.name} is not running"
        return f"{self.name}: {self._error}" if self._failures >= STUCK else None

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping.is_set():
            self._awake.clear()
            try:
                busy = self._step()
            except (StoreUnavailable, StoreUnusable) as error:
                self._failed(f"{type(error).__name__}: {error}")
            except Exception as error:  # noqa: BLE001 (a bug must not end the thread: reported, unwell, tried again)
                _log.exception("%s failed", self.name)
                self._failed(type(error).__name__)  # its message may quote what a sender wrote
            else:
                self._failures = 0
                if not busy:
                    self._awake.wait(IDLE)

    def _failed(self, error: str) -> None:
        self._failures += 1
        self._error = error
        pause = min(FIRST_PAUSE * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE)
        _log.error("%s failed", self.name, extra={"fields": {"error": error, "pause": pause}})
        self._stopping.wait(pause)


class Following:
    """One turn of following, sweeping and digesting, over and over."""

    def __init__(
        self,
        store: LocalStore,
        follower: Follower,
        digester: Digester,
        *,
        clock: Clock,
        metrics: Metrics,
        window: int,
        sweep_every: int,
        on_message: Callable[[], None] = lambda: None,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        """Sweep every ``sweep_every`` ms; decide alerts when a ``window`` (ms) drains.

        ``on_message`` is told of each message that was made, so that it is delivered at once;
        ``rest`` waits for so many seconds.
        """
        self._store = store
        self._follower = follower
        self._digester = digester
        self._clock = clock
        self._metrics = metrics
        self._window = window
        self._sweep_every = sweep_every
        self._on_message = on_message
        self._rest = rest
        self._swept_at: int | None = None
        self._busy_since: int | None = None
        self._held_at: int | None = None

    def hold(self) -> None:
        """Hold alerts back, for an import is under way: its middle is nobody's business."""
        self._held_at = self._clock.now()

    def turn(self) -> bool:
        """Follow one round, sweep if it is time, and make messages if the window allows.

        Returns:
            Whether there may be more to follow at once.
        """
        began = time.monotonic()
        busy = self._follower.follow()
        now = self._clock.now()
        if self._is_past(self._swept_at, self._sweep_every, now):
            while self._follower.sweep():
                pass
            self._swept_at = now
            self._metrics.set(Metric.UNFOLDABLE, len(self._store.unfoldable()))
        self._busy_since = (self._busy_since or now) if busy else None
        if not busy or self._is_past(self._busy_since, self._window, now):
            self._drain(now)
            self._busy_since = None
        behind = self._store.behind()
        self._metrics.set(Metric.BEHIND, behind)
        if busy and behind < ROUND:
            self._rest(min(time.monotonic() - began, LONGEST_REST))
        return busy

    def finish(self) -> None:
        """Follow all that there is, and decide: for work without a server, and at its end."""
        while self._follower.follow() or self._follower.sweep():
            pass
        while self._follower.decide():
            pass

    def _drain(self, now: int) -> None:
        if self._is_past(self._held_at, HOLD, now) and self._digester.may_post(AlertKind.INCIDENT):
            self._held_at = None
            while self._follower.decide():
                pass
            self._post(AlertKind.INCIDENT)
        self._post(AlertKind.REJECTED)

    def _post(self, kind: AlertKind) -> None:
        if self._digester.post(kind) is not None:
            self._on_message()

    @staticmethod
    def _is_past(since: int | None, span: int, now: int) -> bool:
        """Tell whether the span is over; a clock that was set back ends it too."""
        return since is None or not 0 <= now - since < span
