"""One writer for the store, and group commit: calls that come together share one commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

from waypost.core.errors import StoreUnavailable, StoreUnusable, WaypostError
from waypost.record import record
from waypost.server.refusals import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from waypost.core.updates import Event
    from waypost.ports import Clock, Metrics, Store

MAX_BATCH: Final = 2_000
"""A commit takes no further call once it has so many events."""
MAX_WAITING: Final = 20_000
"""Beyond so many waiting events, a call is refused."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What one call wants done: events to record, or anything else that writes."""

    events: Sequence[Event]
    task: Callable[[], Any] | None
    future: asyncio.Future[Any]

    def settle(self, result: object, error: Exception | None) -> None:
        """Tell the waiting call, in its own event loop, what came of it."""
        loop = self.future.get_loop()
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(_resolve, self.future, result, error)


def _resolve(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():  # the call was given up meanwhile
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class Writer:
    """The one thread that writes to the store.

    While it commits, the next batch gathers, so that under load many calls share one commit and
    a lone call waits for nobody. Calls are served in the order in which they came.
    """

    def __init__(
        self, *, store: Store, clock: Clock, metrics: Metrics, wake: Callable[[], None]
    ) -> None:
        """Start the thread.

        Args:
            store: where to.
            clock: gives the time at which events are recorded.
            metrics: counts what was recorded.
            wake: called after each commit, in the writer's thread; must not wait or raise.
        """
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._wake = wake
        self._jobs: deque[_Job] = deque()
        self._waiting = 0
        self._closing = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def record(self, events: Sequence[Event]) -> None:
        """Record events, and return once they are durable (or quarantined durably).

        Raises:
            Refusal: THROTTLED if too many events are waiting; UNAVAILABLE if it is closing.
            StoreUnavailable: it is not known what was recorded; sending all again is safe.
            StoreUnusable: likewise, and a retry cannot help.
        """
        await self._submit(events, None)

    async def run(self, task: Callable[[], _T]) -> _T:
        """Run anything else that writes, in turn; return what it returns, raise what it raises.

        Raises:
            Refusal: UNAVAILABLE if the writer is closing.
        """
        result: _T = await self._submit((), task)
        return result

    def close(self) -> None:
        """Finish what is waiting, and end the thread. Idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _submit(
        self, events: Sequence[Event], task: Callable[[], Any] | None
    ) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        with self._changed:
            if self._closing:
                raise Refusal(Reason.UNAVAILABLE, "The server is shutting down.")
            if self._waiting + len(events) > MAX_WAITING:
                raise Refusal(Reason.THROTTLED, "Too many events are waiting. Try again.")
            self._jobs.append(_Job(events, task, future))
            self._waiting += len(events)
            self._changed.notify()
        return future

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                if batch[0].task is None:
                    self._commit(batch)
                else:
                    self._do(batch[0], batch[0].task)
        except Exception:  # noqa: BLE001 (logged here without its message, which may quote senders)
            _log.exception("the writer has ended")
        finally:
            # After a bug: better refused than left to wait for a thread that is gone.
            with self._changed:
                self._closing = True
            _settle(self._jobs, Refusal(Reason.UNAVAILABLE, "The writer has ended."))

    def _next_batch(self) -> list[_Job]:
        """Wait for work, and take it: one task, or calls up to a batch; nothing at the end."""
        with self._changed:
            while not self._jobs and not self._closing:
                self._changed.wait()
            batch: list[_Job] = []
            size = 0
            while self._jobs and size < MAX_BATCH:
                if batch and self._jobs[0].task is not None:
                    break
                batch.append(self._jobs.popleft())
                size += len(batch[-1].events)
                if batch[-1].task is not None:
                    break
            self._waiting -= size
            return batch

    def _commit(self, batch: Sequence[_Job]) -> None:
        events = [event for job in batch for event in job.events]
        try:
            record(events, store=self._store, metrics=self._metrics, now=self._clock.now())
        except (StoreUnavailable, StoreUnusable) as error:
            _log.error("commit failed", extra={"fields": _about(error, len(events))})
            _settle(batch, error)
        except Exception as error:  # noqa: BLE001 (a bug: logged, and given to who waits)
            _log.exception("commit failed", extra={"fields": {"events": len(events)}})
            if len(batch) == 1:
                _settle(batch, error)
                return
            # A bug that one call's events bring out must not fail its neighbours. What was
            # recorded already is a duplicate now, for the events keep their ids.
            for job in batch:
                self._commit([job])
        else:
            _settle(batch, None)
            self._wake()

    def _do(self, job: _Job, task: Callable[[], Any]) -> None:
        try:
            result = task()
        except Exception as error:  # noqa: BLE001 (the caller, who waits for it, gets it)
            job.settle(None, error)
        else:
            job.settle(result, None)
            self._wake()


def _about(error: WaypostError, events: int) -> dict[str, object]:
    return {"events": events, "error": type(error).__name__, "reason": str(error)}


def _settle(batch: Sequence[_Job], error: Exception | None) -> None:
    for job in batch:
        job.settle(None, error)
