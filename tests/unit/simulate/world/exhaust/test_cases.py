"""Which small worlds there are: all of them, in the order and at the distance that they say."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import factorial
from typing import TYPE_CHECKING

import pytest

from waypost.simulate.world.exhaust.cases import (
    APART,
    CLOSE,
    Case,
    orders,
    repeated,
    struck,
    undisturbed,
)
from waypost.simulate.world.exhaust.updates import MOST, UPDATES, sets
from waypost.simulate.world.faults import FaultKind
from waypost.simulate.world.homes import HOMES, run_scenario

if TYPE_CHECKING:
    from waypost.simulate.world.running import Outcome

AWS_CHANGES = ("put_item", "publish", "update_item")
MACHINE_CHANGES = ("commit", "post", "send", "delivered")
MACHINE_READS = ("changes", "history", "saved", "pending", "deliveries")
THREE = ("lost", "moving", "lost again")


def kinds(case: Case, outcome: Outcome) -> dict[str, set[FaultKind]]:
    """Return what goes wrong at the calls of a world, by what was called."""
    operations = {made.place: made.operation.split()[0] for made in outcome.made}
    found: dict[str, set[FaultKind]] = {}
    for one in struck(case, outcome):
        place, kind = one.faults[-1]
        found.setdefault(operations[place], set()).add(kind)
    return found


def test_there_is_every_set_of_up_to_four_updates() -> None:
    assert MOST == 4
    assert len(UPDATES) == 6
    assert Counter(map(len, sets())) == {1: 6, 2: 15, 3: 20, 4: 15}
    assert len(set(map(frozenset, sets()))) == len(sets())


@pytest.mark.parametrize("home", HOMES)
def test_there_is_every_order_in_every_split_and_with_every_duplicate(home: str) -> None:
    for number in range(1, MOST + 1):
        updates = tuple(UPDATES)[:number]
        distances = 1 if number == 1 else 2
        twice = factorial(number + 1) // 2 * number
        for cases, count in (
            (undisturbed(home, updates), factorial(number) * 2 ** (number - 1)),
            (orders(home, updates), factorial(number) * distances),
            (repeated(home, updates), twice * 2),
        ):
            assert len(set(cases)) == count


@pytest.mark.parametrize("gap", [CLOSE, APART])
@pytest.mark.parametrize("home", HOMES)
def test_updates_come_in_the_order_and_at_the_distance_of_the_case(home: str, gap: int) -> None:
    case = Case(home, ("moving", "lost", "moving"), (gap, gap))
    outcome = run_scenario(case.scenario)

    verb = "append" if home == "machine" else "put_item"
    times = [made.at for made in outcome.made if made.operation.startswith(verb)]
    assert [round((b - a) / gap) for a, b in pairwise(times)] == [1, 1]
    sent = [line.what for line in outcome.lines if line.who == "producer"][:3]
    assert [what.split('"')[7] for what in sent] == ["e-moving", "e-lost", "e-moving"]


@pytest.mark.parametrize(("gap", "batches"), [(CLOSE, 1), (APART, 3)])
def test_on_aws_a_batch_of_the_stream_ends_between_what_is_apart(gap: int, batches: int) -> None:
    outcome = run_scenario(Case("aws", THREE, (gap, gap)).scenario)
    assert sum("hands over" in line.what for line in outcome.lines) == batches


def test_on_aws_what_a_queue_tries_again_comes_after_the_next_update() -> None:
    death = ((("processor", 0), FaultKind.CRASH_BEFORE),)
    outcome = run_scenario(Case("aws", ("lost", "moving"), (APART,), death).scenario)

    puts = [line.at for line in outcome.lines if line.what.startswith("put_item")]
    assert puts[1] - puts[0] > APART / 2


def test_on_one_machine_a_fault_is_over_before_the_next_update_comes() -> None:
    case = Case("machine", ("lost", "moving"), (APART,))
    first = Case("machine", ("lost",), ())
    for one in struck(first, run_scenario(first.scenario)):
        lines = run_scenario(replace(case, faults=one.faults).scenario).lines
        moves = next(line.at for line in lines if "e-moving" in line.what)
        before = [line for line in lines if line.at < moves]
        last = max(line.at for line in before if line.what in {"append", "commit", "delivered"})
        assert last < moves - CLOSE, one


@pytest.mark.parametrize("home", HOMES)
def test_at_every_change_there_is_death_an_error_and_a_lost_answer(home: str) -> None:
    case = Case(home, ("lost",), ())
    found = kinds(case, run_scenario(case.scenario))

    before, after = FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER
    lost, undone = FaultKind.ANSWER_LOST, FaultKind.UNACKNOWLEDGED
    if home == "aws":
        refused = FaultKind.THROTTLED
        assert found == {
            **{change: {before, after, lost, refused} for change in AWS_CHANGES},
            **{note: {undone} for note in ("delete", "note")},
            **{read: {refused} for read in ("query", "batch_get_item")},
        }
    else:
        refused = FaultKind.BROKEN
        assert found == {
            "append": {before, after, lost, refused},
            **{change: {before, lost, refused} for change in MACHINE_CHANGES},
            **{read: {refused} for read in MACHINE_READS},
            "hear": {lost},
        }


def test_a_second_fault_falls_on_a_call_after_the_first() -> None:
    case = Case("aws", ("lost",), ())
    first = next(
        one
        for one in struck(case, run_scenario(case.scenario))
        if one.faults[0][0][0] == "notifier"
    )
    outcome = run_scenario(first.scenario)
    seconds = list(struck(first, outcome))

    places = [made.place for made in outcome.made]
    assert seconds
    assert all(
        places.index(b) > places.index(a)
        for a, b in ((s.faults[0][0], s.faults[1][0]) for s in seconds)
    )


def test_a_case_can_be_given_to_another_process_and_says_what_it_is() -> None:
    fault = (("writer", 1), FaultKind.CRASH_AFTER)
    case = Case("machine", ("lost", "lost"), (CLOSE,), (fault,))

    assert pickle.loads(pickle.dumps(case)) == case  # noqa: S301 (our own bytes)
    assert str(case).startswith("machine: lost, lost 1 s later: writer at call 1 killed")
