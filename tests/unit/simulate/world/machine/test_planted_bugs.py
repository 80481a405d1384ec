"""Bugs of one machine, planted one at a time: each breaks the law that is there for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.machine_plants import BUGS
from tests.support.machine_worlds import MOVED, QUIET, STORM, TIES, broken

if TYPE_CHECKING:
    from waypost.simulate.world.machine.scenario import MachineScenario

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = BUGS[name]
    bug.plant(monkeypatch)
    assert any(bug.law in broken(world) for world in bug.worlds)


@pytest.mark.parametrize(
    "world", [QUIET, TIES, MOVED, STORM], ids=["quiet", "ties", "moved", "storm"]
)
def test_without_a_bug_these_worlds_are_sound(world: MachineScenario) -> None:
    assert broken(world) == {}
