"""The planted bugs that a small world shows: enumeration finds them without any luck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.machine_plants import BUGS
from tests.support.plants import PLANTS
from tests.support.small_plants import SMALL
from waypost.simulate.world.exhaust import attempts
from waypost.simulate.world.exhaust.attempts import FAULT, ORDERS, TWICE, Task, attempt

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run

PATCHES: Final = {
    "aws": {plant.name: plant.plant for plant in PLANTS},
    "machine": {name: bug.plant for name, bug in BUGS.items()},
}


def test_only_bugs_that_are_planted_are_named() -> None:
    for home, bugs in SMALL.items():
        assert bugs.keys() < PATCHES[home].keys()


@pytest.mark.parametrize(
    ("home", "bug"), [(home, bug) for home, bugs in SMALL.items() for bug in bugs]
)
def test_a_planted_bug_breaks_a_small_world(
    home: str, bug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "ENOUGH", 1)
    patch: Callable[[pytest.MonkeyPatch], None] = PATCHES[home][bug]
    patch(monkeypatch)

    covered = attempt(Task(home, SMALL[home][bug], layers=(ORDERS, TWICE, FAULT)))
    assert len(covered.broken) == 1
