"""All small worlds of one set of updates, in one home: what they come to, compared."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

from waypost.simulate.world.exhaust.cases import orders, repeated, struck, undisturbed
from waypost.simulate.world.homes import run_scenario
from waypost.simulate.world.kernel import Chance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.simulate.world.exhaust.cases import Case
    from waypost.simulate.world.faults import Place
    from waypost.simulate.world.running import Outcome

ORDERS: Final = "every order, in every split into batches"
TWICE: Final = "every order, and one update comes twice"
FAULT: Final = "every order, and a fault at every call"
BOTH: Final = "one comes twice, and a fault at every call"
DEATHS: Final = "death at every call, and again at every later one"
LAYERS: Final = (ORDERS, TWICE, FAULT, BOTH, DEATHS)
"""What is enumerated, one after the other."""
TWO_UP_TO: Final = 2
"""`BOTH` and `DEATHS` are for so many different updates at most."""
_CHANCE: Final = Chance("a sample of small worlds")
_COMPARED: Final = 3
"""So many invariants are looked at by comparing worlds."""
ENOUGH: Final = 10
"""After so many broken worlds of one set no more of it are run."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one process does at a time.

    Attributes:
        home: whose worlds.
        updates: by name, a set of what comes in.
        one_in: of so many worlds in which something comes twice or goes wrong, one is run: a
            sample, always the same one.
        layers: what is enumerated.
    """

    home: str
    updates: tuple[str, ...]
    one_in: int = 1
    layers: tuple[str, ...] = LAYERS


@dataclass(slots=True)
class Covered:
    """What was covered.

    Attributes:
        task: of what.
        worlds: how many there were, by layer.
        orders: in how many different orders updates came in, duplicates and all.
        struck: at how many calls a fault struck: so many crash points were there.
        faults: how often each kind struck.
        checks: how many times an invariant was looked at.
        states: what every world came to in the end.
        broken: the worlds that broke an invariant, each with what was found; `ENOUGH` at most.
    """

    task: Task
    worlds: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    struck: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    states: dict[str, str] = field(default_factory=dict)
    broken: list[tuple[Case, list[str]]] = field(default_factory=list)


def attempt(task: Task) -> Covered:
    """Run all small worlds of a task."""
    return _Attempt(task).all()


class _Enough(Exception):
    """So much is broken that there is no need to look for more."""


class _Attempt:
    """The worlds of one task, as they are run.

    Whatever the order, the split, the duplicate or the fault, they must end in the same state
    (I1), and people must have been told what they are told in some order where nothing goes wrong.
    """

    def __init__(self, task: Task) -> None:
        self._covered = Covered(task)
        self._told: set[tuple[frozenset[str], frozenset[tuple[str, ...]]]] = set()
        self._orders: set[tuple[str, ...]] = set()
        self._points: set[tuple[object, Place]] = set()

    def all(self) -> Covered:
        with suppress(_Enough):
            self._run()
        self._covered.orders = len(self._orders)
        self._covered.struck = len(self._points)
        return self._covered

    def _run(self) -> None:
        home, updates = self._covered.task.home, self._covered.task.updates
        for case in undisturbed(home, updates):
            self._begin(case)
        further = {
            TWICE: repeated(home, updates),
            BOTH: chain.from_iterable(map(_struck, repeated(home, updates))),
        }
        for layer, cases in further.items():
            for case in cases if self._has(layer) else ():
                self._try(case, layer)
        for case in orders(home, updates) if self._has(FAULT) else ():
            self._strike(case)

    def _has(self, layer: str) -> bool:
        is_for_all = layer in {TWICE, FAULT} or len(self._covered.task.updates) <= TWO_UP_TO
        return is_for_all and layer in self._covered.task.layers

    def _begin(self, case: Case) -> None:
        """Run a world in which nothing goes wrong: what people are told there may be told."""
        outcome = run_scenario(case.scenario)
        self._covered.states = self._covered.states or outcome.states
        self._told.add((frozenset(outcome.keys), outcome.told))
        self._look(case, outcome, ORDERS)

    def _strike(self, case: Case) -> None:
        """Run a world with each fault; if that is a death, with each later one, too."""
        for first in _struck(case):
            outcome = self._try(first, FAULT)
            if outcome and first.is_deadly and self._has(DEATHS):
                for second in struck(first, outcome):
                    if second.is_deadly:
                        self._try(second, DEATHS)

    def _try(self, case: Case, layer: str) -> Outcome | None:
        """Run a world, unless the sample leaves it out."""
        if int(_CHANCE.unit(case) * self._covered.task.one_in):
            return None
        outcome = run_scenario(case.scenario)
        self._look(case, outcome, layer)
        return outcome

    def _look(self, case: Case, outcome: Outcome, layer: str) -> None:
        covered = self._covered
        covered.worlds[layer] += 1
        covered.checks += outcome.checks + _COMPARED
        covered.faults.update(kind.value for _, kind in case.faults)
        self._orders.add(case.order)
        self._points.update(
            ((case.order, case.gaps, case.faults[:number]), place)
            for number, (place, _) in enumerate(case.faults)
        )
        found = [f"{broken.invariant}: {broken.what}" for broken in outcome.violations]
        found += self._compared(case, outcome)
        if found:
            covered.broken.append((case, found))
        if len(covered.broken) == ENOUGH:
            raise _Enough

    def _compared(self, case: Case, outcome: Outcome) -> list[str]:
        """Return what is otherwise than in the other worlds of the set."""
        found = []
        if outcome.states != self._covered.states:
            found.append(f"order_does_not_matter: {outcome.states}, and not {self._covered.states}")
        if not self._is_told_in_some_order(case, outcome):
            keys = sorted(set(outcome.keys))
            found.append(f"told_as_in_some_order: {keys}, noted: {sorted(outcome.told)}")
        if not case.faults and outcome.repeats:
            found.append(f"told_once: {outcome.keys}, though nothing went wrong")
        return found

    def _is_told_in_some_order(self, case: Case, outcome: Outcome) -> bool:
        keys = frozenset(outcome.keys)
        if _is_in_doubt(case, outcome):
            return keys <= frozenset().union(*(keys for keys, _ in self._told))
        return (keys, outcome.told) in self._told


def _struck(case: Case) -> Iterator[Case]:
    return struck(case, run_scenario(case.scenario))


def _is_in_doubt(case: Case, outcome: Outcome) -> bool:
    """Tell whether people may have been told and nobody noted it: so they are told again.

    What is new by then may open the incident earlier, and so the alert may have another key. One
    machine decides and notes in one transaction: there is no such doubt.
    """
    if case.home == "machine":
        return False
    called = {made.place: made.operation for made in outcome.made}
    return any(called[place].startswith(_TELLING) for place, _ in case.faults)


_TELLING: Final = ("publish ", "update_item ")
