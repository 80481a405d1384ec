"""Samples of what `make exhaust` runs whole, and that it sees what is wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from waypost.core.incidents import NOBODY_TOLD
from waypost.simulate.world.exhaust import attempts
from waypost.simulate.world.exhaust.attempts import (
    BOTH,
    DEATHS,
    ENOUGH,
    FAULT,
    LAYERS,
    ORDERS,
    TWICE,
    Task,
    attempt,
)
from waypost.simulate.world.exhaust.updates import UPDATES
from waypost.simulate.world.homes import run_scenario
from waypost.stores.dynamodb import state

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.simulate.world.running import Outcome
    from waypost.simulate.world.scenario import Scenario

PAIRS = list(combinations(UPDATES, 2))


@pytest.mark.no_cover  # runs again, often, what other tests run
@pytest.mark.parametrize("updates", PAIRS, ids=" and ".join)
def test_two_updates_on_aws_in_every_order_with_a_fault_at_every_call(
    updates: tuple[str, ...],
) -> None:
    covered = attempt(Task("aws", updates, layers=(ORDERS, FAULT)))

    assert covered.broken == []
    assert covered.worlds[ORDERS] == 4
    assert covered.worlds[FAULT] > covered.struck >= 30


@pytest.mark.no_cover  # runs again, often, what other tests run
@pytest.mark.parametrize("updates", PAIRS, ids=" and ".join)
def test_two_updates_on_one_machine_in_every_order_with_some_faults(
    updates: tuple[str, ...],
) -> None:
    covered = attempt(Task("machine", updates, one_in=12, layers=(ORDERS, FAULT)))

    assert covered.broken == []
    assert covered.worlds[ORDERS] == 4
    assert covered.worlds[FAULT] > 0


@pytest.mark.parametrize(
    "task",
    [
        Task("aws", tuple(UPDATES)[:4], one_in=60),
        Task("machine", tuple(UPDATES)[:3], one_in=40),
        Task("machine", tuple(UPDATES)[:1], one_in=20),
    ],
    ids=["four on AWS", "three on one machine", "one on one machine"],
)
def test_a_sample_of_the_whole(task: Task) -> None:
    assert attempt(task).broken == []


def test_every_layer_is_run_of_what_is_small() -> None:
    covered = attempt(Task("aws", ("lost",), one_in=2))

    assert set(covered.worlds) == set(LAYERS) == {ORDERS, TWICE, FAULT, BOTH, DEATHS}
    assert covered.orders == 2
    assert covered.checks > covered.worlds.total() * 20


def test_a_sample_is_always_the_same_one() -> None:
    task = Task("aws", ("lost",), one_in=10, layers=(FAULT,))
    assert attempt(task).faults == attempt(task).faults


# ----------------------------------------------------------------------------- that it sees


def patched(monkeypatch: pytest.MonkeyPatch, change: Callable[[Outcome], None]) -> None:
    """Let something be otherwise in every world in which something comes twice."""

    def run(scenario: Scenario) -> Outcome:
        outcome = run_scenario(scenario)
        if len(scenario.sendings) == 2:
            change(outcome)
        return outcome

    monkeypatch.setattr(attempts, "run_scenario", run)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda o: o.states.clear(), "order_does_not_matter"),
        (lambda o: o.keys.clear(), "told_as_in_some_order"),
        (lambda o: setattr(o, "told", frozenset()), "told_as_in_some_order"),
        (lambda o: o.keys.extend(o.keys), "told_once"),
    ],
    ids=["state", "told", "noted", "repeated"],
)
def test_a_world_that_is_otherwise_than_the_others_is_seen(
    change: Callable[[Outcome], None], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patched(monkeypatch, change)
    [(case, what)] = attempt(Task("aws", ("lost",), layers=(TWICE,))).broken[:1]

    assert case.order == ("lost", "lost")
    assert [one.partition(":")[0] for one in what] == [found]


def test_after_enough_broken_worlds_no_more_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    real = state.State.saved

    def saved(self: Any, shipment_ids: Any) -> Any:
        return {i: replace(one, told=NOBODY_TOLD) for i, one in real(self, shipment_ids).items()}

    monkeypatch.setattr(state.State, "saved", saved)
    covered = attempt(Task("aws", ("lost", "lost again")))

    assert len(covered.broken) == ENOUGH == covered.worlds.total()
