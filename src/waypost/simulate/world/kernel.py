"""Virtual time, and processes that run one at a time.

A process is ordinary, synchronous code in a thread of its own. It runs until it sleeps, and every
call to the outside sleeps: there, and only there, another process may go on. So two workers
interleave at each of their side effects, and always in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from threading import Lock, Thread
from typing import Final, TypeVar

_T = TypeVar("_T")

STEPS: Final = 100_000
"""The most actions of a world; one that takes more is taken for stuck."""


class Killed(BaseException):
    """Ends a process where it stands, like SIGKILL: what it does while it unwinds has no effect."""


class Stuck(BaseException):
    """A world did not come to an end within its bound of steps."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    Attributes:
        at: when, epoch ms.
        who: the process, the service or the person.
        what: in words.
    """

    at: int
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        value: what it returned.
        error: what it raised; `Killed` if it was killed.
    """

    value: object = None
    error: BaseException | None = None

    @property
    def killed(self) -> bool:
        """Whether it was killed, and so has said nothing."""
        return isinstance(self.error, Killed)


class Chance:
    """Chance that depends on a seed and on what it is asked for, not on what was asked before.

    So a world that lacks one event is, for all others, the same world.
    """

    def __init__(self, seed: object) -> None:
        """Draw everything from ``seed``, of which the text counts."""
        self._seed: Final = str(seed).encode()

    def unit(self, *label: object) -> float:
        """Return a number from 0 on, below 1."""
        digest = hashlib.blake2b(repr(label).encode(), digest_size=8, key=self._seed[:64]).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2**53

    def between(self, low: int, high: int, *label: object) -> int:
        """Return a whole number between two bounds, both possible."""
        return low + int(self.unit(*label) * (high - low + 1))

    def choice(self, values: Sequence[_T], *label: object) -> _T:
        """Return one of some values."""
        return values[int(self.unit(*label) * len(values))]


class Kernel:
    """Virtual time: actions happen in the order of their time, and of their making where that ties.

    Attributes:
        now: epoch ms; nothing else moves it.
        current: the process that runs, None while an action of the world does.
        lines: what happened so far, in order.
    """

    def __init__(self, start: int, *, steps: int = STEPS) -> None:
        """Begin at ``start``, epoch ms, and take at most so many steps."""
        self.now = start
        self.current: Process | None = None
        self.lines: list[Line] = []
        self._steps = steps
        self._until: int | None = None
        self._heap: list[tuple[int, int, Callable[[], object]]] = []
        self._sequence = count()
        self._alive: dict[Process, None] = {}
        self._back = Lock()
        self._back.acquire()
        self._idle: list[_Runner] = []

    def at(self, time: int, action: Callable[[], object]) -> None:
        """Do something at a time, epoch ms; what is past is done as soon as possible."""
        heappush(self._heap, (max(time, self.now), next(self._sequence), action))

    def after(self, delay: int, action: Callable[[], object]) -> None:
        """Do something after so many milliseconds."""
        self.at(self.now + delay, action)

    def note(self, who: str, what: str) -> None:
        """Add a line to what happened."""
        self.lines.append(Line(self.now, who, what))

    def digest(self) -> str:
        """Return a hash of all that happened: equal worlds have equal ones."""
        text = "\n".join(f"{line.at} {line.who} {line.what}" for line in self.lines)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is to happen any more."""
        return not self._heap

    def run(self, until: int | None = None) -> None:
        """Let everything happen up to a time, epoch ms, or until nothing is to happen any more.

        Raises:
            Stuck: if that takes too many steps.
        """
        self._until = until
        while self._heap and (until is None or self._heap[0][0] <= until):
            self._step()
            self.now, _, action = heappop(self._heap)
            action()
        if until is not None:
            self.now = max(self.now, until)

    def start(
        self, name: str, work: Callable[[], object], done: Callable[[Ended], None]
    ) -> Process:
        """Start a process now; it runs once the present action is over.

        Args:
            name: who it is, for the lines.
            work: what it does, in a thread of its own.
            done: called by the kernel, not in that thread, when it has ended.
        """
        process = Process(self, name, work, done)
        self._alive[process] = None
        self.after(0, process.go_on)
        return process

    def sleep(self, delay: int) -> None:
        """Let the process that runs wait for so many milliseconds, while the others go on.

        Raises:
            Killed: if it was killed meanwhile.
        """
        process = self.current
        if process is None:
            raise RuntimeError("only a process can sleep")
        wake = self.now + delay
        if self._is_next(wake):
            self._step()
            self.now = wake
            process.check()
            return
        self.at(wake, process.go_on)
        process.wait()

    def _is_next(self, time: int) -> bool:
        """Tell whether nothing else happens before a time, or with it: no need to hand over."""
        free = not self._heap or self._heap[0][0] > time
        return free and (self._until is None or time <= self._until)

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise Stuck("the world did not come to an end")

    def stop(self) -> None:
        """End the world: kill what runs, and give the threads back."""
        for process in list(self._alive):
            process.kill()
        for runner in self._idle:
            runner.end()
        self._idle.clear()
        self._heap.clear()

    def switch(self, process: Process) -> None:
        """Let a process run until it sleeps or ends. For `Process`."""
        if process.runner is None:
            process.runner = self._idle.pop() if self._idle else _Runner(self._back)
        self.current = process
        process.runner.go(process.run)
        self._back.acquire()
        self.current = None
        if process.ended is not None:
            del self._alive[process]
            self._idle.append(process.runner)
            process.runner = None
            process.done(process.ended)


class Process:
    """Synchronous code that runs in virtual time.

    Attributes:
        name: who it is.
        ended: how it ended; None while it lives.
        doomed: whether it was killed, and can no longer have any effect.
        is_zombie: whether it shall outlive its time-out, which has been taken for its end.
    """

    def __init__(
        self,
        kernel: Kernel,
        name: str,
        work: Callable[[], object],
        done: Callable[[Ended], None],
    ) -> None:
        """Made by `Kernel.start`."""
        self.name: Final = name
        self.ended: Ended | None = None
        self.doomed = False
        self.is_zombie = False
        self.runner: _Runner | None = None
        self.done: Final = done
        self._kernel = kernel
        self._work = work

    def run(self) -> None:
        """Do the work; in the process's own thread."""
        try:
            self.check()
            ended = Ended(self._work())
        except BaseException as error:  # noqa: BLE001 (whatever it is: `done` is told)
            ended = Ended(error=error)
        self.ended = Ended(error=Killed()) if self.doomed else ended

    def go_on(self) -> None:
        """Go on from where it sleeps, until it sleeps again; nothing if it has ended."""
        if self.ended is None:
            self._kernel.switch(self)

    def wait(self) -> None:
        """Hand over, until the kernel hands back; in the process's own thread.

        Raises:
            Killed: if it was killed meanwhile.
        """
        self.check()
        if self.runner is None:
            raise RuntimeError("a process waits in its own thread")
        self.runner.hand_back()
        self.check()

    def die(self) -> None:
        """Kill itself, here.

        Raises:
            Killed: always.
        """
        self.doomed = True
        self.check()

    def kill(self) -> None:
        """Kill it where it sleeps. Called by an action, not by itself."""
        if self.ended is None:
            self.doomed = True
            self._kernel.switch(self)

    def check(self) -> None:
        """Go on if it is alive.

        Raises:
            Killed: if it is not.
        """
        if self.doomed:
            raise Killed


class _Runner:
    """A thread that runs one process after another; at most one of them all runs at a time."""

    def __init__(self, back: Lock) -> None:
        self._back = back
        self._turn = Lock()
        self._turn.acquire()
        self._work: Callable[[], None] | None = None
        self._busy = False
        self._thread = Thread(target=self._loop, daemon=True)
        self._thread.start()

    def go(self, work: Callable[[], None]) -> None:
        """Begin the work, or go on with it."""
        if not self._busy:
            self._busy, self._work = True, work
        self._turn.release()

    def hand_back(self) -> None:
        """Let the kernel run until it is this thread's turn again."""
        self._back.release()
        self._turn.acquire()

    def end(self) -> None:
        """End the thread; it is idle."""
        self._work = None
        self._turn.release()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            self._turn.acquire()
            if self._work is None:
                return
            self._work()
            self._busy, self._work = False, None
            self._back.release()


class VirtualClock:
    """A worker's clock: the world's time, and ids that count up. Implements `ports.Clock`.

    Attributes:
        skew: how many milliseconds it is ahead of the world; it may be moved.
    """

    def __init__(self, kernel: Kernel, name: str, skew: int = 0) -> None:
        """Make ids that are different for each ``name``."""
        self.skew = skew
        self._kernel = kernel
        self._name = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
        self._ids = count(1)

    def now(self) -> int:
        """Return the present as this worker has it, epoch ms."""
        return self._kernel.now + self.skew

    def new_id(self) -> str:
        """Return an id in the form of a UUID."""
        number = f"{next(self._ids):012x}"
        return f"{number[:8]}-{number[8:]}-4000-a000-{self._name}"
