"""One machine: a process with its threads, and a file that outlives it.

The writer records what comes in, the follower folds and decides, the deliverer sends, all with the
real code. They share one process: if one is killed, all are, and what was in memory is gone. After
a while the process is started again, on the same file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from waypost.core.errors import WaypostError
from waypost.core.times import SECOND
from waypost.follow.deliver import Deliverer
from waypost.follow.digest import Digester
from waypost.follow.refold import Follower
from waypost.follow.work import Following
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import Operator
from waypost.ports import AlertKind, LocalStore
from waypost.record import record
from waypost.simulate.world.kernel import VirtualClock
from waypost.simulate.world.machine.calls import CalledStore, Mail
from waypost.simulate.world.machine.threads import WorldThread

if TYPE_CHECKING:
    from waypost.core.shipments import Thresholds
    from waypost.core.updates import Event
    from waypost.ports import Message
    from waypost.simulate.world.faults import Calls
    from waypost.simulate.world.kernel import Kernel

WINDOW: Final = 30 * SECOND
SWEEP: Final = 300 * SECOND
RESTART: Final = 5 * SECOND
"""So long after its death the process is started again."""
BATCH: Final = 50
"""The most events of one commit; the real writer takes more."""
_FAR: Final = 1 << 60

Answer = Callable[[Exception | None], None]
"""Is told what became of a call: None if it succeeded."""


class Gone(WaypostError):
    """The machine did not answer: it was down, or died while it was asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What one call wants done: events to record, or what an operator does."""

    events: tuple[Event, ...]
    task: Callable[[Operator], object] | None
    answer: Answer


class Life:
    """One life of the process: from its start to its death.

    Attributes:
        store: what it stores to, to look at.
        writer: the same, for the thread that writes: its calls may go wrong.
        metrics: what it counted.
        clock: its clock.
        jobs: what was asked of it and not begun.
        taken: what is being done.
        threads: by name.
        following: what the follower does.
    """

    def __init__(self, machine: Machine, store: LocalStore, number: int) -> None:
        """Put everything together, as `bootstrap.build` does."""
        kernel, calls = machine.kernel, machine.calls
        self.store: Final = store
        self.metrics: Final = MemoryMetrics()
        self.clock: Final = VirtualClock(kernel, f"machine {number}", machine.skew)
        self.jobs: Final[deque[Job]] = deque()
        self.taken: list[Job] = []
        self.threads: Final = {
            name: WorldThread(kernel, name, step, machine.die)
            for name, step in (
                ("writer", self._write),
                ("follower", self._follow),
                ("deliverer", self._deliver),
            )
        }
        writer, follower, deliverer = (
            cast("LocalStore", CalledStore(store, calls, name)) for name in self.threads
        )
        self.writer: Final = writer
        self._operator = Operator(
            store=writer, clock=self.clock, metrics=self.metrics, thresholds=machine.thresholds
        )
        self.following: Final = Following(
            follower,
            Follower(
                follower,
                clock=self.clock,
                metrics=self.metrics,
                thresholds=machine.thresholds,
            ),
            Digester(
                follower, clock=self.clock, notifiers=[Mail.name], window=WINDOW, environment="dev"
            ),
            clock=self.clock,
            metrics=self.metrics,
            window=WINDOW,
            sweep_every=SWEEP,
            on_message=self.threads["deliverer"].wake,
            rest=lambda _: None,
        )
        self._deliverer = Deliverer(
            deliverer, Mail(calls, machine.took), clock=self.clock, metrics=self.metrics
        )

    def _write(self) -> bool:
        """Do the next job, or record the events of several; answer those who asked."""
        while self.jobs and len(self.taken) < BATCH:
            if self.taken and (self.jobs[0].task or self.taken[0].task):
                break
            self.taken.append(self.jobs.popleft())
        if not self.taken:
            return False
        error: Exception | None = None
        try:
            self._do(self.taken)
        except WaypostError as refused:
            error = refused
        done, self.taken = self.taken, []
        self.threads["follower"].wake()
        for job in done:
            job.answer(error)
        return True

    def _do(self, jobs: list[Job]) -> None:
        task = jobs[0].task
        if task is not None:
            task(self._operator)
            return
        record(
            [event for job in jobs for event in job.events],
            store=self.writer,
            metrics=self.metrics,
            now=self.clock.now(),
        )

    def _follow(self) -> bool:
        return self.following.turn()

    def _deliver(self) -> bool:
        return self._deliverer.deliver()


class Machine:
    """One machine.

    Attributes:
        thresholds: when silence matters.
        skew: how many milliseconds its clock is ahead.
        lives: of its process, the present one last.
        is_up: whether its process runs.
    """

    def __init__(
        self,
        kernel: Kernel,
        calls: Calls,
        *,
        open_store: Callable[[], LocalStore],
        took: Callable[[Message], None],
        thresholds: Thresholds,
        skew: int = 0,
    ) -> None:
        """Start it.

        Args:
            kernel: of the world.
            calls: makes its calls.
            open_store: opens what outlives the process.
            took: is told of each message that people get.
            thresholds: when silence matters.
            skew: how many milliseconds its clock is ahead.
        """
        self.kernel: Final = kernel
        self.calls: Final = calls
        self.took: Final = took
        self.thresholds: Final = thresholds
        self.skew = skew
        self.lives: list[Life] = []
        self.is_up = False
        self._open_store = open_store
        self._start()

    @property
    def life(self) -> Life:
        """The present life of its process, or the last one."""
        return self.lives[-1]

    @property
    def store(self) -> LocalStore:
        """What the machine stores to, to look at."""
        return self.life.store

    def ask(self, job: Job) -> None:
        """Have a job done; who asks is told what became of it, whatever does."""
        if not self.is_up:
            job.answer(Gone())
            return
        self.life.jobs.append(job)
        self.life.threads["writer"].wake()

    def set_clock(self, skew: int) -> None:
        """Set its clock so many milliseconds ahead."""
        self.skew = self.life.clock.skew = skew

    def die(self) -> None:
        """Kill the process, like SIGKILL; it is started again."""
        if not self.is_up:
            return
        self.is_up = False
        self.kernel.note("machine", "is dead")
        for thread in self.life.threads.values():
            thread.end()
        for job in (*self.life.taken, *self.life.jobs):
            job.answer(Gone())
        self.life.store.close()
        self.kernel.after(RESTART, self._start)

    def _start(self) -> None:
        self.kernel.note("machine", "starts")
        self.lives.append(Life(self, self._open_store(), len(self.lives)))
        self.is_up = True
        for thread in self.life.threads.values():
            thread.wake()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and nothing waits for its time."""
        if not self.is_up or any(t.is_working for t in self.life.threads.values()):
            return False
        store, now = self.store, self.life.clock.now()
        return not (
            self.life.jobs
            or store.behind()
            or store.due(now, 1)
            or store.undecided(1)
            or store.refolds(_FAR, 1)
            or any(store.pending(kind, 1) for kind in AlertKind)
            or store.deliveries(Mail.name, _FAR, 1)
        )
