"""Makes a world that breaks an invariant smaller, as long as it breaks the same one.

By delta debugging (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002)
on all that a scenario is made of: what is sent and done, and what goes wrong. A scenario says
itself what that is (`Scenario.parts`), so the worlds of both homes are made smaller alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from waypost.simulate.world.homes import run_scenario
from waypost.simulate.world.machine.scenario import Import, MachineScenario
from waypost.simulate.world.running import Outcome
from waypost.simulate.world.scenario import Scenario, Sending

_T = TypeVar("_T")

RUNS: Final = 600
"""So many worlds are run at most; what is smallest by then is small enough."""
_CALM: Final = (1, 20)


class _Spent(Exception):
    """The runs are used up."""


class Shrinker:
    """Looks for the smallest part of a scenario that still breaks an invariant.

    Attributes:
        smallest: the outcome of the smallest scenario so far.
    """

    def __init__(self, outcome: Outcome, runs: int = RUNS) -> None:
        """Begin with a world that broke an invariant; run at most so many others."""
        self.smallest = outcome
        self._invariant = outcome.violations[0].invariant
        self._runs = runs

    def shrink(self) -> Outcome:
        """Return the outcome of the smallest scenario found, with its faults written out."""
        try:
            self._breaks(self.smallest.replayed)
            before = None
            while before is not self.smallest:
                before = self.smallest
                self._pass()
        except _Spent:
            pass
        return self.smallest

    def _pass(self) -> None:
        def now() -> Scenario:
            return self.smallest.scenario

        self._reduce(now().plan.outages, lambda kept: _planned(now(), outages=tuple(kept)))
        self._reduce(
            list(now().plan.faults.items()), lambda kept: _planned(now(), faults=dict(kept))
        )
        for part in now().parts:
            self._reduce(getattr(now(), part), lambda kept, part=part: _with(now(), part, kept))  # type: ignore[misc]  # mypy knows no default of a lambda
        for place, file in enumerate(_files(now())):
            self._reduce(file.sendings, lambda kept, place=place: _in_file(now(), place, kept))  # type: ignore[misc]  # as above
        self._reduce(list(now().plan.skews.items()), lambda kept: _planned(now(), skews=dict(kept)))
        if now().latency != _CALM:
            self._breaks(replace(now(), latency=_CALM))

    def _reduce(self, parts: Sequence[_T], made: Callable[[Sequence[_T]], Scenario]) -> None:
        """Leave out as many parts as possible: all, halves, quarters, and so on down to one."""
        if not parts or self._breaks(made(())):
            return
        size = len(parts) // 2
        while size:
            start = 0
            while start < len(parts):
                kept = [*parts[:start], *parts[start + size :]]
                if self._breaks(made(kept)):
                    parts = kept
                else:
                    start += size
            size //= 2

    def _breaks(self, scenario: Scenario) -> bool:
        if self._runs == 0:
            raise _Spent
        self._runs -= 1
        outcome = run_scenario(scenario)
        if all(violation.invariant != self._invariant for violation in outcome.violations):
            return False
        self.smallest = outcome
        return True


def _with(scenario: Scenario, part: str, kept: Sequence[object]) -> Scenario:
    return replace(scenario, **{part: tuple(kept)})  # type: ignore[arg-type]  # `parts` names tuples


def _files(scenario: Scenario) -> tuple[Import, ...]:
    return scenario.imports if isinstance(scenario, MachineScenario) else ()


def _in_file(scenario: Scenario, place: int, kept: Sequence[Sending]) -> Scenario:
    files = list(_files(scenario))
    files[place] = replace(files[place], sendings=tuple(kept))
    return _with(scenario, "imports", files)


def _planned(scenario: Scenario, **changes: object) -> Scenario:
    return replace(scenario, plan=replace(scenario.plan, **changes))  # type: ignore[arg-type]  # each caller names one field of Plan, and its value
