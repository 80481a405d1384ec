from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from waypost.simulate.world.__main__ import main
from waypost.simulate.world.exhaust import report
from waypost.simulate.world.exhaust.attempts import ORDERS, Covered, Task
from waypost.simulate.world.exhaust.cases import Case
from waypost.simulate.world.exhaust.report import exhaust
from waypost.simulate.world.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


@pytest.fixture
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run tasks here, and start no processes."""

    def attempted(
        _: str, tasks: Sequence[Task], attempt: Callable[[Task], Covered], __: Console
    ) -> Iterator[Covered]:
        return map(attempt, tasks)

    monkeypatch.setattr(report, "on_all_cores", attempted)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def sound(task: Task) -> Covered:
    return Covered(task, states={"SMALL-1": "[]"})


def broken(task: Task) -> Covered:
    covered = sound(task)
    case = Case(task.home, task.updates, ())
    struck = Case(task.home, task.updates, (), ((("notifier", 2), FaultKind.CRASH_AFTER),))
    covered.broken += [(struck, ["nothing_is_in_flight: it is"]), (case, ["told_once: it was not"])]
    return covered


def at_odds(task: Task) -> Covered:
    return Covered(task, states={"SMALL-1": task.home})


@pytest.mark.usefixtures("one_core")
def test_a_broken_world_is_named_and_the_smallest_one_told(console: Console) -> None:
    assert not exhaust(console, most=1, attempt=broken)

    text = printed(console)
    assert "24 violated" in text
    assert text.count("told_once") == 10
    assert "nothing_is_in_flight" not in text
    assert "and 14 more" in text
    assert "The first of them:" in text
    assert "Seed 1: " in text


@pytest.mark.usefixtures("one_core")
def test_homes_that_come_to_something_else_are_a_violation(console: Console) -> None:
    assert not exhaust(console, most=1, attempt=at_odds)
    assert "The homes do not agree on: lost\n" in printed(console)
    assert "6 violated" in printed(console)


@pytest.mark.usefixtures("one_core")
def test_what_was_covered_is_summed_up(console: Console) -> None:
    assert exhaust(console, most=1, one_in=500)

    text = printed(console)
    assert f"{ORDERS}" in text
    last = text.splitlines()[-1]
    assert "worlds of 6 sets of updates" in last
    assert "0 violated" in last


@pytest.mark.parametrize(("held", "status"), [(True, 0), (False, 1)])
def test_the_program_ends_in_1_if_anything_is_violated(
    held: bool, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def run(_: Console, most: int) -> bool:
        asked.append(most)
        return held

    monkeypatch.setattr("waypost.simulate.world.__main__.exhaust", run)
    assert main(["--exhaust", "--most", "3"]) == main(["--exhaust"]) == status
    assert asked == [3, 4]
