"""A clock that jumps by hours, by years, and back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tests.faults.torture.rig import Rig, hold
from tests.faults.torture.scenario import Done, Scale
from tests.support.processes import waypost
from waypost.core.times import DAY, HOUR
from waypost.ports import Fate

if TYPE_CHECKING:
    from pathlib import Path

JUMPS: Final = (20 * HOUR, -20 * HOUR, 400 * DAY, 0, -400 * DAY, 0)
"""How far the clock is off, one after the other. At -400 days updates come from the future."""


def jumping_clock(folder: Path, scale: Scale) -> Done:
    """The receiver of alerts is away at each jump, so that tries are planned by a wrong clock."""
    clock = folder / "clock"
    clock.write_text("0")
    with scale.rig(folder, f"clock={clock}", "pause=200") as rig:
        rig.load.start(rig.start(), pause=scale.of(0.02, 0.05))
        with rig.watching():
            for offset in JUMPS:
                rig.hook.status = 500
                _set(clock, offset)
                rig.load.wait_for(scale.of(200, 30))
                tries = len(rig.hook.answers)
                _wait_for_tries(rig, tries + 1)
                rig.hook.status = 204
        rig.load.stop()
        held = _replay(rig)
        did = "clock off by +20 h, -20 h, +400 d, 0, -400 d, 0, each while alerts cannot be sent"
        more = f"{held} updates from the future held in quarantine and replayed with the right time"
        return Done.of(did, rig.verdict(), more)


def _set(clock: Path, offset: int) -> None:
    part = clock.with_suffix(".part")
    part.write_text(str(offset))
    part.replace(clock)


def _wait_for_tries(rig: Rig, tries: int) -> None:
    deadline = time.monotonic() + 60
    while len(rig.hook.answers) < tries:
        hold(time.monotonic() < deadline, "no alert was tried within 60 s after the clock was set")
        time.sleep(0.02)


def _replay(rig: Rig) -> int:
    with rig.store() as store:
        held = len(store.rejected(Fate.OPEN, limit=100_000))
    hold(held, "no update came from the future")
    done = waypost(rig.data, "rejected", "replay", "--all")
    hold(done.returncode == 0, f"not all could be replayed: {done.stdout}{done.stderr}")
    return held
