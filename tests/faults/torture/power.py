"""Power loss: the real server under strace, and its files as each of many power cuts leaves them."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.faults.torture.disk import Disk, Luck
from tests.faults.torture.rig import CRITICAL, hold, ledger
from tests.faults.torture.scenario import Done, Scale, Skipped
from tests.faults.torture.trace import STRACE, cannot_trace, read
from waypost.bootstrap import FILE
from waypost.clock import SystemClock
from waypost.core.errors import WaypostError
from waypost.core.incidents import incidents
from waypost.core.shipments import Thresholds
from waypost.follow.refold import Follower
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import derive
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from tests.faults.torture.load import Ref
    from tests.faults.torture.trace import Call

_EVENT_ID: Final = re.compile(rb'"EventId":"([0-9a-f-]{36})"')


@dataclass(frozen=True)
class Recording:
    """What a server did, and what it promised.

    Attributes:
        root: the folder around its data folder.
        calls: what it wrote and synced.
        acknowledged: each update, and the moment at which its acknowledgement began to leave.
        sent: all updates that were ever sent.
    """

    root: Path
    calls: list[Call]
    acknowledged: dict[Ref, int]
    sent: set[Ref]

    @property
    def end(self) -> int:
        """Return the last moment."""
        return max(call.ended for call in self.calls)


def record(folder: Path, scale: Scale, *plants: str) -> Recording:
    """Run a server under load, kill it, run it again and stop it, and record all of that."""
    if why := cannot_trace():
        raise Skipped(why)
    calls: list[Call] = []
    with scale.rig(folder, "checkpoint=128", *plants) as rig:
        program = rig.server.program
        for run in range(2):
            trace = folder / f"trace-{run}"
            rig.server.program = (*STRACE, "-o", str(trace), *program)
            address = rig.start()
            if not run:
                rig.load.start(address, pause=0.01, padding=500)
            tracer = _tracer(rig.server.process.pid)
            rig.load.wait_for(scale.of(1_500, 250), 120)
            if run:
                rig.load.stop()
                rig.stop()
            else:
                rig.server.kill()
            _wait_for(tracer)
            offset = calls[-1].ended + 1 if calls else 0
            calls += [call.later(offset) for call in read(trace)]
        envelopes, sent = rig.load.envelopes, rig.load.sent
    acknowledged = {
        envelopes[found.decode()]: call.began
        for call in calls
        if call.path.startswith("socket:")
        for found in _EVENT_ID.findall(call.data)
        if found.decode() in envelopes
    }
    return Recording(folder, calls, acknowledged, sent)


def _tracer(pid: int) -> Path:
    """Return where the system tells of the process that traces one."""
    found = re.search(r"TracerPid:\t(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    assert found is not None
    return Path(f"/proc/{found[1]}/fd")


def _wait_for(tracer: Path) -> None:
    """Wait until strace, which outlives the program a little, has written all."""
    deadline = time.monotonic() + 60
    with suppress(OSError):  # it has ended
        while any(tracer.iterdir()):
            hold(time.monotonic() < deadline, "strace does not end")
            time.sleep(0.05)


def cut(recording: Recording, scratch: Path, cuts: int) -> tuple[Counter[Luck], list[str]]:
    """Cut the power at many moments; return how often, and all that was wrong then.

    Every second cut falls at an instant at which an acknowledgement leaves; each meets every
    kind of luck.
    """
    rng = random.Random(17)
    sharp = rng.choices([*recording.acknowledged.values()], k=cuts // 2)
    moments = [*sharp, *(rng.randint(0, recording.end) for _ in range(cuts - len(sharp)))]
    done: Counter[Luck] = Counter()
    wrong: list[str] = []
    disk = Disk(str(recording.root))
    for moment in disk.replay(recording.calls, moments):
        for luck in Luck:
            shutil.rmtree(scratch, ignore_errors=True)
            disk.leave(scratch, rng, luck)
            due = {ref for ref, at in recording.acknowledged.items() if at <= moment}
            done[luck] += 1
            try:
                problem = _problem(scratch / "data" / FILE, due, recording.sent)
            except (WaypostError, sqlite3.Error) as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                wrong.append(f"cut at {moment}, {luck.value} of the rest left: {problem}")
    return done, wrong


def _problem(path: Path, due: set[Ref], sent: set[Ref]) -> str | None:
    """Return what is wrong with a file that was left, None if nothing."""
    with closing(SqliteStore(path)) as store:
        entries = Counter((entry.shipment_id, entry.event_id) for entry in store.entries())
        if lost := due - entries.keys():
            return f"{len(lost)} of {len(due)} acknowledged updates are lost"
        if entries.keys() - sent or set(entries.values()) > {1}:
            return "updates are there that were not sent, or twice"
        if silent := _untold(store):
            return f"{silent} incidents would never be told"
    with closing(sqlite3.connect(path)) as connection:
        [verdict] = connection.execute("PRAGMA integrity_check").fetchone()
    return None if verdict == "ok" else f"the file is damaged: {verdict}"


def _untold(store: SqliteStore) -> int:
    """Let the follower go on where it was, and return how many open incidents it leaves untold."""
    follower = Follower(
        store, clock=SystemClock(), metrics=MemoryMetrics(), thresholds=Thresholds()
    )
    while follower.follow() or follower.decide():
        pass
    told = {(alert["shipmentId"], alert["condition"]) for alert in ledger(store)}
    due = {
        (incident.shipment_id, incident.condition.value)
        for shipment in derive(store, Thresholds(), None)
        for incident in incidents(shipment)
        if incident.is_open and incident.condition in CRITICAL
    }
    return len(due - told)


def lost_power(folder: Path, scale: Scale) -> Done:
    recording = record(folder, scale)
    done, wrong = cut(recording, folder / "scratch", scale.of(400, 24))
    hold(not wrong, f"{len(wrong)} of {done.total()} images are wrong, such as {wrong[:1]}")
    syncs = sum(call.name in {"fsync", "fdatasync"} for call in recording.calls)
    return Done(
        f"power cut at {done[Luck.ALL]} instants, and of what was not synced left: "
        + ", ".join(luck.value for luck in Luck),
        f"{done.total():,} images opened: none of {len(recording.acknowledged):,} acknowledged "
        f"updates lost, none invented, no incident untold, every file sound ({syncs:,} syncs)",
    )


def lost_power_without_sync(folder: Path, scale: Scale) -> Done:
    """The same with ``synchronous = OFF`` planted: here the check has to find losses."""
    recording = record(folder, scale, "sync=OFF")
    done, wrong = cut(recording, folder / "scratch", scale.of(40, 6))
    losses = sum("lost" in problem for problem in wrong)
    hold(losses, "commits waited for no disk, and the check saw no loss")
    return Done(
        "the same, with commits that do not wait for the disk: the check must fail",
        f"it does: {losses} of {done.total()} images have lost acknowledged updates, "
        f"{len(wrong) - losses} are wrong otherwise",
    )
