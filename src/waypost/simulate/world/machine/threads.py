"""Threads in virtual time: they do what `follow.work.Worker` does in real time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.core.errors import StoreUnavailable, StoreUnusable
from waypost.core.times import HOUR, SECOND
from waypost.follow.work import FIRST_PAUSE, IDLE, LONGEST_PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.simulate.world.kernel import Ended, Kernel, Process

LONGEST_NAP: Final = HOUR
"""A thread that finds nothing to do naps for `IDLE`, then twice as long each time, up to this. The
real one looks every five seconds, which in a long outage is all that a world would do."""


class WorldThread:
    """Repeats a step: at once while there is more, else when woken or after a nap.

    A step that fails is tried again with pauses that double.

    Attributes:
        bugs: what steps raised that is no error of a store.
    """

    def __init__(
        self, kernel: Kernel, name: str, step: Callable[[], bool], killed: Callable[[], None]
    ) -> None:
        """Repeat ``step``, which returns whether there may be more to do at once.

        Args:
            kernel: of the world.
            name: of the thread.
            step: what it does.
            killed: called if the thread was killed by a fault.
        """
        self.bugs: list[Exception] = []
        self._kernel = kernel
        self._name = name
        self._step = step
        self._killed = killed
        self._process: Process | None = None
        self._is_awake = False
        self._is_over = False
        self._naps = 0
        self._turns = 0

    @property
    def is_working(self) -> bool:
        """Whether it is in a step, or pauses after one that failed."""
        return self._process is not None

    def wake(self) -> None:
        """Tell it that there may be something to do."""
        self._is_awake = True
        self._naps = 0
        self._start()

    def end(self) -> None:
        """End it where it stands."""
        self._is_over = True
        if self._process is not None:
            self._process.kill()

    def _start(self) -> None:
        if self._process is None and not self._is_over:
            self._turns += 1
            self._process = self._kernel.start(self._name, self._work, self._ended)

    def _work(self) -> None:
        failures = 0
        while True:
            self._is_awake = False
            try:
                busy = self._step()
            except Exception as error:  # noqa: BLE001 (as `Worker` does: noted, and tried again)
                self._note(error)
                pause = min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
                failures += 1
                self._kernel.sleep(int(pause * SECOND))
            else:
                failures = 0
                if not (busy or self._is_awake):
                    return

    def _note(self, error: Exception) -> None:
        self._kernel.note(self._name, f"failed: {type(error).__name__}: {error}")
        if not isinstance(error, StoreUnavailable | StoreUnusable):
            self.bugs.append(error)

    def _ended(self, ended: Ended) -> None:
        self._process = None
        if self._is_over:
            return
        if ended.killed:
            self._killed()
        elif ended.error is not None:
            raise ended.error
        elif self._is_awake:
            self._start()
        else:
            nap = min(int(IDLE * SECOND) << self._naps, LONGEST_NAP)
            self._naps += 1
            turn = self._turns
            self._kernel.after(nap, lambda: self._start() if self._turns == turn else None)
