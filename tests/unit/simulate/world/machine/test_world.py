"""The world of one machine: sound, always the same, and with something going on in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

import pytest

from tests.support.machine_worlds import QUIET, SMALL, broken, deaths
from waypost.operate import SOURCE
from waypost.simulate.world.faults import Outage, Plan
from waypost.simulate.world.machine.calls import DISK, MAIL
from waypost.simulate.world.machine.running import MachineWorld, machine_world, run_machine
from waypost.simulate.world.machine.scenario import MachineScenario, draw_machine
from waypost.simulate.world.scenario import MINUTE, START

WORLDS: Final = range(1, 41)


@pytest.mark.parametrize("seed", WORLDS)
def test_a_world_is_sound(seed: int) -> None:
    assert broken(draw_machine(seed)) == {}


def test_the_same_seed_is_the_same_world() -> None:
    assert run_machine(draw_machine(7)).digest == run_machine(draw_machine(7)).digest


def test_what_was_drawn_can_be_written_out_and_is_the_same_world() -> None:
    outcome = next(o for o in map(run_machine, map(draw_machine, WORLDS)) if o.struck)
    written_out = outcome.replayed
    assert isinstance(written_out, MachineScenario)
    again = run_machine(written_out)
    assert again.struck == outcome.struck


def told_of(world: MachineWorld) -> set[str]:
    """Return what people were told of."""
    return {condition for message in world.messages for condition in message.counts}


@pytest.mark.parametrize("thread", ["writer", "deliverer", "follower"])
def test_to_die_at_any_call_breaks_nothing(thread: str) -> None:
    for scenario in deaths(thread):
        assert broken(scenario) == {}, scenario.plan


@pytest.mark.parametrize("service", [DISK, MAIL])
def test_an_outage_delays_and_loses_nothing(service: str) -> None:
    outage = Outage(service, START + 5_000, START + 20 * MINUTE)
    assert broken(replace(SMALL, plan=Plan(outages=(outage,)))) == {}


def test_a_message_that_was_given_up_is_sent_when_an_operator_says_so() -> None:
    outage = Outage(MAIL, START, START + 30 * 60 * MINUTE)
    scenario = replace(SMALL, plan=Plan(outages=(outage,)))
    with machine_world(scenario) as world:
        world.live()
        assert "LOST" not in told_of(world)
        world.mend()
        assert "LOST" in told_of(world)
    assert broken(scenario) == {}


def test_a_quiet_import_is_recorded_and_alerts_nobody() -> None:
    with machine_world(QUIET) as world:
        world.live()
        assert len(world.log) == 3
        assert told_of(world) >= {"DAMAGED"}
        assert "LOST" not in told_of(world)
        assert world.quiet["A"] == {(SOURCE, "e0"), (SOURCE, "e1")}


def test_what_was_in_memory_is_gone_with_the_process() -> None:
    scenario = replace(SMALL, deaths=(START + 15_000,))
    with machine_world(scenario) as world:
        world.live()
        first, second = world.machine.lives
        assert first.metrics is not second.metrics
        assert first.following is not second.following
        assert len(world.log) == 3


def test_who_asks_a_dead_machine_asks_again() -> None:
    scenario = replace(SMALL, deaths=tuple(s.at - 1 for s in SMALL.sendings))
    with machine_world(scenario) as world:
        world.live()
        tries = Counter(s.event["id"].partition("~")[0] for s in world.tried)
        assert max(tries.values()) > 2
        assert {s.event["id"].partition("~")[0] for s in world.accepted} == tries.keys()
