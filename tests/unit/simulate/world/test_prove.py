from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.support.machine_plants import BUGS
from tests.support.plants import PLANTS
from waypost.simulate.world.__main__ import main
from waypost.simulate.world.drawing import draw
from waypost.simulate.world.homes import HOMES, run_home
from waypost.simulate.world.machine.scenario import MachineScenario
from waypost.simulate.world.prove import Tally, prove, try_seed
from waypost.simulate.world.running import run
from waypost.simulate.world.shrink import Shrinker
from waypost.simulate.world.story import tell

if TYPE_CHECKING:
    from waypost.simulate.world.running import Outcome


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def broken_world() -> Outcome:
    """Return the first world on AWS that breaks an invariant."""
    return next(o for o in (run(draw(seed)) for seed in range(1, 200)) if o.violations)


def test_a_seed_is_tried_in_both_homes() -> None:
    tally = try_seed(7)

    assert tally.worlds == len(HOMES)
    assert tally.events == sum(run_home(home, 7).events for home in HOMES)
    assert tally.broken == {}


def test_what_worlds_came_to_is_summed_up(console: Console) -> None:
    tally = prove(1, 4, console)

    last = printed(console).splitlines()[-1]
    assert tally.worlds == 8
    assert last.startswith(f"8 worlds, {tally.events:,} events, {tally.faults.total():,} faults")
    assert f"{tally.checks:,} invariants checked, 0 violated" in last


def test_a_broken_world_ends_in_1_and_says_how_to_have_it_again(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        PLANTS[0].plant(patch)
        seed = broken_world().scenario.seed
        broken = Tally(worlds=1, broken={("aws", seed): ["it"]})
        patch.setattr("waypost.simulate.world.__main__.prove", lambda *_: broken)
        assert main([], console) == 1

    assert f"--home aws --seed {seed}" in printed(console)


def test_a_broken_world_shrinks_to_one_that_breaks_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        PLANTS[0].plant(patch)
        found = broken_world()
        small = Shrinker(found, runs=80).shrink()

    assert small.violations[0].invariant == found.violations[0].invariant
    assert len(small.scenario.sendings) < len(found.scenario.sendings)


def test_a_world_of_one_machine_shrinks_too_down_to_the_events_of_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        BUGS["position before the rest"].plant(patch)
        worlds = (run_home("machine", seed) for seed in range(1, 41))
        found = next(o for o in worlds if o.violations and len(o.scenario.events) > 10)
        small = Shrinker(found, runs=60).shrink()

    assert isinstance(small.scenario, MachineScenario)
    assert small.violations[0].invariant == found.violations[0].invariant
    assert len(small.scenario.events) <= 2
    assert len(small.struck) <= 2


def test_a_story_leaves_out_what_was_only_looked_at() -> None:
    outcome = run_home("machine", 7)
    told = [line.plain.split()[-1] for line in tell(outcome)]

    assert "changes" in {line.what for line in outcome.lines}
    assert "changes" not in told
    assert "append" in told


def test_a_world_tells_its_story(console: Console) -> None:
    assert main(["--seed", "7"], console) == 0
    assert main(["--seed", "7", "--home", "machine"], console) == 0

    assert printed(console).count("none violated") == 2
    assert list(tell(run(draw(7))))
