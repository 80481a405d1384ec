"""What is done to the server's process: kill -9 anywhere, SIGSTOP, SIGTERM, a second one."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

from tests.faults.torture.planted import POINTS
from tests.faults.torture.probes import in_checkpoint, index_is_built
from tests.faults.torture.rig import Rig, hold
from tests.faults.torture.scenario import Done, Scale
from tests.support.processes import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def killed_under_load(folder: Path, scale: Scale, kills: int = 40) -> Done:
    rng = random.Random(7)
    with scale.rig(folder) as rig:
        rig.load.start(rig.start())
        for _ in range(kills):
            time.sleep(0.2 + rng.random() * 0.6)
            rig.note_memory()
            rig.server.kill()
            rig.start()
        rig.load.wait_for(20)
        hold(rig.load.failures, "no kill fell under load")
        return Done.of(f"{kills} x kill -9 at random instants under load", rig.verdict())


def killed_in_checkpoint(folder: Path, scale: Scale) -> Done:
    """The WAL is moved into the database every 64 pages, and each kill waits for such a move."""
    kills = scale.of(20, 3)
    with scale.rig(folder, "checkpoint=64") as rig:
        rig.load.start(rig.start(), pause=scale.pause, padding=4_000)
        for _ in range(kills):
            rig.load.wait_for(20)
            _until(lambda: _stands_in_checkpoint(rig), 60, "no checkpoint within 60 s")
            rig.server.kill()
            hold(in_checkpoint(rig.shm), "it went on after SIGSTOP")
            rig.start()
        rig.load.wait_for(20)
        return Done.of(f"{kills} x kill -9 inside a checkpoint", rig.verdict())


def _stands_in_checkpoint(rig: Rig) -> bool:
    """Stop the server if it seems to be in a checkpoint; let it go on if it no longer is.

    This process may be slow to see it, and the checkpoint over by then.
    """
    if not in_checkpoint(rig.shm):
        return False
    process = rig.server.process
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if in_checkpoint(rig.shm):
        return True
    process.send_signal(signal.SIGCONT)
    return False


def killed_while_following(folder: Path, scale: Scale) -> Done:
    """The process dies where the follower, the digest or the delivery is between two steps."""
    rng = random.Random(11)
    points = scale.of([*POINTS] * 3, [*POINTS][::2])
    with scale.rig(folder) as rig:
        for number, point in enumerate(points):
            rig.plant(f"die={point}:{rng.randint(1, scale.of(9, 3))}")
            address = rig.start()
            if not number:
                rig.load.start(address, pause=scale.pause)
            code = rig.server.wait(60)
            hold(code == -signal.SIGKILL, f"at {point} it ended with {code}: {rig.server_log()}")
        rig.plant()
        rig.start()
        rig.load.wait_for(20)
        did = f"{len(points)} x dead in the follower: {', '.join(dict.fromkeys(points))}"
        return Done.of(did, rig.verdict())


def killed_at_start(folder: Path, scale: Scale) -> Done:
    """With a large WAL to recover, kill at any instant of the start, and within the recovery."""
    rng = random.Random(13)
    kills, inside = scale.of(30, 3), 0
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=0.005, padding=scale.of(200_000, 100_000))
        _until(lambda: rig.wal.stat().st_size > scale.of(50_000_000, 15_000_000), 60, "no WAL")
        rig.server.kill()
        size = rig.wal.stat().st_size
        for number in range(kills):
            rig.server.spawn()
            if number % 3 == 2:
                time.sleep(0.1 + rng.random())
                rig.server.kill()
                continue
            _until(lambda: _has_open(rig, rig.wal), 60, "it never opened the WAL")
            time.sleep(rng.random() * 0.02)
            rig.server.kill()
            inside += not index_is_built(rig.shm)
        rig.start()
        rig.load.wait_for(20)
        hold(inside or not scale.whole, "no kill fell into the recovery")
        did = (
            f"{kills} x kill -9 during the start with {size / 2**20:,.0f} MiB of WAL to recover, "
            f"{inside} of them while it was recovered"
        )
        return Done.of(did, rig.verdict())


def _has_open(rig: Rig, file: Path) -> bool:
    fds = f"/proc/{rig.server.process.pid}/fd"
    try:
        return any(os.readlink(f"{fds}/{fd}") == str(file) for fd in os.listdir(fds))  # noqa: PTH208, PTH115 (a race: the shorter the better)
    except OSError:  # one was closed meanwhile
        return False


def frozen(folder: Path, scale: Scale) -> Done:
    """The machine stands still for longer than clients wait: they send again what was taken."""
    times, seconds = scale.of((6, 5.0), (1, 2.4))
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=scale.pause, read_timeout=seconds / 3)
        for _ in range(times):
            rig.load.wait_for(50)
            rig.server.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            rig.server.process.send_signal(signal.SIGCONT)
        rig.load.wait_for(50)
        hold(rig.load.failures.get("ReadTimeoutError"), "no client timed out")
        did = (
            f"{times} x SIGSTOP for {seconds:g} s, clients wait {seconds / 3:.1f} s and send again"
        )
        return Done.of(did, rig.verdict())


def stopped_under_load(folder: Path, scale: Scale) -> Done:
    """Each stop has to end with exit code 0 in bounded time, see `Rig.stop`."""
    times = scale.of(10, 2)
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=scale.pause)
        slowest = 0.0
        for _ in range(times):
            rig.load.wait_for(50)
            slowest = max(slowest, rig.stop())
            hold(not rig.wal.exists(), "the WAL was left behind")
            rig.start()
        rig.load.wait_for(20)
        more = f"exit code 0 within {slowest:.1f} s"
        return Done.of(f"{times} x SIGTERM under load", rig.verdict(), more)


def second_server(folder: Path, scale: Scale) -> Done:
    """More servers want the folder of one that runs, and several an idle one at once."""
    others = scale.of(6, 2)
    with scale.rig(folder) as rig:
        idle = [ServerProcess(rig.data, rig.server.variables) for _ in range(others)]
        for server in idle:
            server.spawn()
        _until(lambda: sum(s.process.poll() is None for s in idle) == 1, 30, "not one has it")
        [winner] = [server for server in idle if server.process.poll() is None]
        winner.stop()
        for server in idle:
            hold(server is winner or server.wait(30) == 3, rig.server_log())
        rig.load.start(rig.start(), pause=scale.pause)
        rig.load.wait_for(20)
        with rig.watching():
            for _ in range(others):
                server = ServerProcess(rig.data, rig.server.variables)
                server.spawn()
                code = server.wait(30)
                hold(code == 3, f"a second server ended with {code}")
                hold("is in use by the server at" in rig.server_log(), rig.server_log())
        rig.load.wait_for(20)
        did = f"{others} servers at once on an idle folder, {others} on a busy one"
        return Done.of(did, rig.verdict(), "one serves, the others end with code 3 and say why")


def _until(condition: Callable[[], bool], seconds: float, message: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        hold(time.monotonic() < deadline, message)
        time.sleep(0.0001)
