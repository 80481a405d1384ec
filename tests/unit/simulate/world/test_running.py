from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Final

import pytest

from waypost.simulate.world.drawing import draw
from waypost.simulate.world.faults import Fault, FaultKind, Plan
from waypost.simulate.world.running import run
from waypost.simulate.world.scenario import Scenario

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run

SAMPLE: Final = range(1, 101)


def test_a_sample_of_worlds_breaks_no_invariant() -> None:
    struck: Counter[FaultKind] = Counter()
    for seed in SAMPLE:
        outcome = run(draw(seed))
        assert outcome.violations == [], f"seed {seed}"
        struck.update(fault.kind for fault in outcome.struck.values())

    assert set(struck) == set(FaultKind) - {FaultKind.DISK_FULL}


def test_one_seed_is_one_world() -> None:
    assert [run(draw(seed)).digest for seed in (3, 4)] == [
        run(draw(seed)).digest for seed in (3, 4)
    ]
    assert run(draw(3)).digest != run(draw(4)).digest


def test_worlds_do_not_depend_on_the_hashes_of_their_process() -> None:
    program = (
        "import logging; logging.disable()\n"
        "from waypost.simulate.world.running import run\n"
        "from waypost.simulate.world.drawing import draw\n"
        "print(*(run(draw(seed)).digest for seed in range(1, 17)))"
    )

    def digests(hashes: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        return done.stdout.decode()

    assert digests("1") == digests("2")


def test_what_went_wrong_can_be_written_down_and_had_again() -> None:
    drawn = next(s for s in map(draw, SAMPLE) if s.rate and s.deeds)
    outcome = run(drawn)

    assert outcome.struck
    assert outcome.replayed.rate == 0
    assert run(outcome.replayed).digest == outcome.digest


def test_a_world_without_faults_loses_and_repeats_nothing() -> None:
    drawn = next(s for s in map(draw, SAMPLE) if not s.is_storm and len(s.sendings) > 5)
    calm = replace(drawn, plan=Plan(), rate=0.0)
    outcome = run(calm)

    assert outcome.violations == []
    assert outcome.struck == {}
    assert outcome.repeats == 0


def test_a_crash_between_sending_and_noting_sends_again_and_that_is_all() -> None:
    storm = next(s for s in map(draw, range(1, 500)) if s.is_storm)
    few = replace(storm, sendings=storm.sendings[:1], is_storm=False)
    assert run(few).alerts == 1

    def crashed(number: int) -> Scenario:
        fault = Fault(FaultKind.CRASH_AFTER)
        return replace(few, plan=Plan({("notifier", number): fault}))

    outcomes = [run(crashed(number)) for number in range(6)]
    assert [outcome.violations for outcome in outcomes] == [[]] * 6
    assert sorted({outcome.alerts for outcome in outcomes}) == [1, 2]
