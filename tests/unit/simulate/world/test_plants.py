from __future__ import annotations

from collections.abc import Callable
from itertools import count, islice
from typing import Final

import pytest

from tests.support.plants import PLANTS, Plant
from waypost.simulate.world.drawing import draw
from waypost.simulate.world.running import run

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run

WORLDS: Final = 250
"""So many are tried at most until a bug is caught."""


def test_at_least_twelve_bugs_are_planted() -> None:
    assert len({plant.name for plant in PLANTS}) == len(PLANTS) >= 12


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_bug_is_caught(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    plant.plant(monkeypatch)

    drawn = (draw(seed) for seed in count(1))
    fitting = (scenario for scenario in drawn if scenario.is_storm or not plant.in_storms)
    for worlds, scenario in enumerate(islice(fitting, WORLDS), start=1):
        if violations := run(scenario).violations:
            record_property("worlds", worlds)
            assert {violation.invariant for violation in violations} <= plant.breaks
            return
    pytest.fail(f"not caught in {WORLDS} worlds")
