"""The two homes whose worlds are run: the functions on AWS, and one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.simulate.world.drawing import draw
from waypost.simulate.world.machine.running import run_machine
from waypost.simulate.world.machine.scenario import MachineScenario, draw_machine
from waypost.simulate.world.running import run

if TYPE_CHECKING:
    from waypost.simulate.world.running import Outcome
    from waypost.simulate.world.scenario import Scenario

HOMES: Final = ("aws", "machine")
"""Each seed gives a world of each."""


def run_home(home: str, seed: int) -> Outcome:
    """Run the world that a seed gives one of `HOMES`."""
    return run_scenario(draw_machine(seed) if home == "machine" else draw(seed))


def run_scenario(scenario: Scenario) -> Outcome:
    """Let a scenario happen in the home that it is about."""
    return run_machine(scenario) if isinstance(scenario, MachineScenario) else run(scenario)
