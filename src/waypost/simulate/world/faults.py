"""What goes wrong at a call to the outside, and the plan that says where.

Every side effect is a call of `Calls.make`: it is numbered within its actor, may meet a fault, and
gives the other processes a chance to go on before and after it takes effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from waypost.simulate.world.kernel import Chance, Kernel, Process

_T = TypeVar("_T")


class FaultKind(StrEnum):
    """What can happen to a call."""

    CRASH_BEFORE = "killed before the call"
    CRASH_AFTER = "killed after the call took effect, before its answer"
    TIMED_OUT = "timed out without effect"
    ANSWER_LOST = "took effect, and its answer was lost"
    LATE = "timed out, and takes effect later"
    TWICE = "took effect, its answer was lost, and the client sent it again"
    THROTTLED = "throttled"
    BROKEN = "answered with a server's error"
    STALE = "read what is no longer so"
    SLOW = "took long"
    ZOMBIE = "paused until others have taken over, then goes on"
    DISK_FULL = "found the disk full"
    DELAYED = "delivered hours late"
    DOUBLED = "delivered twice"
    UNACKNOWLEDGED = "done, and not known to be done"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one call.

    Attributes:
        kind: what happens.
        delay: for how long, ms, where it is LATE, SLOW, ZOMBIE, DELAYED or DOUBLED.
    """

    kind: FaultKind
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that refuses every call for a while.

    Attributes:
        service: which.
        start: from when on, epoch ms.
        end: until when, epoch ms; exclusive.
    """

    service: str
    start: int
    end: int


Place = tuple[str, int]
"""Where a fault strikes: the actor, and the number of its call from 0 on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that goes wrong in a world: plain data, so that a world can be had again and made smaller.

    Attributes:
        faults: by actor and number of its call.
        outages: of whole services.
        skews: how many milliseconds an actor's clock is ahead.
    """

    faults: Mapping[Place, Fault] = field(default_factory=lambda: MappingProxyType({}))
    outages: tuple[Outage, ...] = ()
    skews: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def without(self, places: set[Place]) -> Plan:
        """Return the plan without the faults of some calls."""
        return replace(self, faults={p: f for p, f in self.faults.items() if p not in places})


class Made(NamedTuple):
    """A call that was made.

    Attributes:
        place: where a fault may strike.
        operation: what was done, in words.
        at: when, epoch ms.
    """

    place: Place
    operation: str
    at: int


class Planner(Protocol):
    """Says what goes wrong at a call: a plan that is given, or one that chance draws."""

    def fault(self, actor: str, number: int, operation: str) -> Fault | None:
        """Return the fault of a call, None if it goes well."""


class Planned:
    """Lets happen what a plan says, and nothing else."""

    def __init__(self, plan: Plan) -> None:
        """Follow ``plan``."""
        self._plan = plan

    def fault(self, actor: str, number: int, _: str) -> Fault | None:
        """Return what the plan says."""
        return self._plan.faults.get((actor, number))


class Drawn:
    """Draws faults call by call, each with the same probability."""

    def __init__(
        self,
        chance: Chance,
        rate: float,
        kinds: Callable[[str, str], tuple[tuple[FaultKind, int], ...]],
    ) -> None:
        """Draw from ``chance``.

        Args:
            chance: where it comes from.
            rate: the probability that a call meets a fault.
            kinds: what can happen to a call, by actor and operation: each kind with the most
                milliseconds that it lasts.
        """
        self._chance = chance
        self._rate = rate
        self._kinds = kinds

    def fault(self, actor: str, number: int, operation: str) -> Fault | None:
        """Return what chance has for a call."""
        if self._chance.unit("fault", actor, number) >= self._rate:
            return None
        kinds = self._kinds(actor, operation)
        if not kinds:
            return None
        kind, longest = self._chance.choice(kinds, "kind", actor, number)
        return Fault(kind, self._chance.between(longest // 20, longest, "delay", actor, number))


Errors = Callable[[FaultKind], Exception]
"""What a client raises of a call that went wrong in this way: what the code under test sees."""


class Calls:
    """Makes the calls of all actors, and lets go wrong what is to go wrong.

    Attributes:
        kernel: the world's time.
        chance: the world's chance.
        made: the calls that might have gone wrong, in their order.
        struck: the faults that struck, by place.
    """

    def __init__(
        self,
        kernel: Kernel,
        planner: Planner,
        chance: Chance,
        *,
        outages: tuple[Outage, ...] = (),
        latency: tuple[int, int] = (1, 20),
    ) -> None:
        """Make calls in the time of ``kernel``.

        Args:
            kernel: of the world.
            planner: says what goes wrong.
            chance: decides how long a call takes.
            outages: services that refuse every call for a while.
            latency: the least and the most milliseconds to a service, and back again.
        """
        self.kernel = kernel
        self._planner = planner
        self.chance = chance
        self._outages = outages
        self._latency = latency
        self._numbers: Counter[str] = Counter()
        self._is_calm = False
        self.made: list[Made] = []
        self.struck: dict[Place, Fault] = {}

    def make(
        self,
        actor: str,
        service: str,
        operation: str,
        effect: Callable[[], _T],
        *,
        errors: Errors,
        stale: Callable[[], _T] | None = None,
    ) -> _T:
        """Make a call for the process that runs.

        Args:
            actor: whose calls it is counted among; the same for all processes of one function.
            service: what is called, for outages.
            operation: what is done, in words, for the story.
            effect: does it, at one instant.
            errors: what the client raises when it goes wrong.
            stale: does it on what was there some time ago; None where it reads nothing, or
                only what is so.

        Raises:
            Killed: the process was killed.
            Exception: one of ``errors``, or what ``effect`` raises.
        """
        number, fault = self._draw(actor, operation)
        self.kernel.sleep(self._delay(actor, number, 0))
        if self.is_down(service):
            self.kernel.note(actor, f"{operation}: the service is down")
            raise errors(FaultKind.BROKEN)
        if fault is not None and (fault.kind is not FaultKind.STALE or stale is not None):
            self._strike(actor, number, operation, fault)
            effect = self._go_wrong(fault, effect, errors, stale)
        answer = effect()
        self.kernel.note(actor, operation)
        self.kernel.sleep(self._delay(actor, number, 1))
        return answer

    def meet(self, actor: str, operation: str) -> Fault | None:
        """Return the fault, if any, of what a service does by itself, which is no process.

        Args:
            actor: the service; what it does is counted as its calls are.
            operation: as for `make`.
        """
        number, fault = self._draw(actor, operation)
        if fault is not None:
            self._strike(actor, number, operation, fault)
        return fault

    def calm(self) -> None:
        """Let nothing go wrong at a call from now on."""
        self._planner = Planned(Plan())
        self._is_calm = True

    def is_down(self, service: str) -> bool:
        """Tell whether a service refuses every call now."""
        now = self.kernel.now
        return any(o.service == service and o.start <= now < o.end for o in self._outages)

    def _draw(self, actor: str, operation: str) -> tuple[int, Fault | None]:
        number = self._numbers[actor]
        self._numbers[actor] += 1
        if not self._is_calm:
            self.made.append(Made((actor, number), operation, self.kernel.now))
        return number, self._planner.fault(actor, number, operation)

    def _strike(self, actor: str, number: int, operation: str, fault: Fault) -> None:
        self.struck[actor, number] = fault
        self.kernel.note(actor, f"call {number}, {operation}: FAULT, {fault.kind}")

    def _delay(self, actor: str, number: int, way: int) -> int:
        return self.chance.between(*self._latency, "latency", actor, number, way)

    def _go_wrong(
        self,
        fault: Fault,
        effect: Callable[[], _T],
        errors: Errors,
        stale: Callable[[], _T] | None,
    ) -> Callable[[], _T]:
        """Let a fault strike; return what the call still does, if it does anything."""
        match fault.kind:
            case FaultKind.CRASH_BEFORE | FaultKind.CRASH_AFTER:
                self._die(fault.kind, effect)
            case FaultKind.TWICE:
                _try(effect)
                self.kernel.sleep(1)
            case FaultKind.SLOW | FaultKind.ZOMBIE:
                self._linger(fault)
            case FaultKind.STALE:
                return stale or effect
            case FaultKind.ANSWER_LOST:
                _try(effect)
                raise errors(fault.kind)
            case FaultKind.LATE:
                self.kernel.after(fault.delay, lambda: _try(effect))
                raise errors(fault.kind)
            case (
                FaultKind.TIMED_OUT
                | FaultKind.THROTTLED
                | FaultKind.BROKEN
                | FaultKind.DISK_FULL
                | FaultKind.DELAYED
                | FaultKind.DOUBLED
                | FaultKind.UNACKNOWLEDGED
            ):
                raise errors(fault.kind)
        return effect

    def _linger(self, fault: Fault) -> None:
        process = self._process()
        process.is_zombie = fault.kind is FaultKind.ZOMBIE
        self.kernel.sleep(fault.delay)

    def _die(self, kind: FaultKind, effect: Callable[[], object]) -> None:
        if kind is FaultKind.CRASH_AFTER:
            _try(effect)
        self._process().die()

    def _process(self) -> Process:
        if self.kernel.current is None:
            raise RuntimeError("calls are made by processes")
        return self.kernel.current


def _try(effect: Callable[[], object]) -> None:
    """Let a call take effect whose answer nobody gets, be it a refusal."""
    with suppress(Exception):
        effect()
