"""One server under torture, its clients, the receiver of its alerts, and what must hold after."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from typer.testing import CliRunner

from tests.faults.torture.load import Load
from tests.faults.torture.probes import HealthProbe, ask, memory
from tests.support.environments import WEBHOOK_SECRET
from tests.support.processes import ServerProcess, waypost
from tests.support.servers import HookServer, reserved_port
from waypost.bootstrap import FILE
from waypost.cli.app import app
from waypost.cli.transfer import What
from waypost.core.times import DAY
from waypost.ports import AlertKind, DeliveryState
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.torture.load import Ref

PLANTED: Final = str(Path(__file__).with_name("planted.py"))
HEALTH_SECONDS: Final = 5.0
"""So long an answer of ``/healthz`` may take, whatever happens around it."""
STOP_SECONDS: Final = 15.0
"""So long a server may take to end when it is asked to."""
BUSY: Final = 6.0
"""So many times as long `make test` gives it, which may have to share the machine."""
SETTLE_SECONDS: Final = 90.0
"""So long it may take until all is followed and told: longer than the longest pause after errors."""
MEMORY_MIB: Final = 256.0
"""So much a server may hold in memory at any time, where a scenario allows no more."""
CRITICAL: Final = frozenset({"LOST", "DAMAGED", "EXCEPTION", "DELAYED"})
EVEN_IF_OVER: Final = frozenset({"LOST", "DAMAGED"})


class Broken(AssertionError):
    """Something that was promised did not hold."""


def hold(promise: object, message: str) -> None:
    """Raise `Broken` unless the promise holds."""
    if not promise:
        raise Broken(message)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the check at the end saw."""

    acknowledged: int
    unanswered: int
    incidents: int
    messages: int
    slowest_health: float
    peak_memory: float

    def __str__(self) -> str:
        return (
            f"{self.acknowledged:,} acknowledged updates there once, {self.unanswered:,} calls "
            f"unanswered; {self.incidents:,} incidents told in {self.messages:,} messages; "
            f"health within {self.slowest_health * 1_000:,.0f} ms; {self.peak_memory:,.0f} MiB"
        )


class Rig:
    """``waypost serve`` on a new folder, with a webhook receiver, and clients when wanted."""

    def __init__(
        self,
        folder: Path,
        *plants: str,
        whole: bool = True,
        memory_mib: float = MEMORY_MIB,
        **variables: str,
    ) -> None:
        """Prepare, start nothing yet.

        Args:
            folder: for the data folder and the logs.
            plants: what to plant in the server, see `planted`.
            whole: at the end start once more, and export with the real command; else do without
                the start, and export with the command's function, which is cheaper.
            memory_mib: what the server may hold at most.
            variables: settings.
        """
        self.folder = folder
        self.data = folder / "data"
        self.load = Load()
        self.probe = HealthProbe()
        self.plants = plants
        self.hook = HookServer()
        self._whole = whole
        self._slack = 1.0 if whole else BUSY
        self._memory = memory_mib
        self._peak = 0.0
        self._undo = ExitStack()
        self.server = ServerProcess(
            self.data,
            {
                "WAYPOST_ALERT_WINDOW": "0.2",
                "WAYPOST_TERMINAL": "off",
                "WAYPOST_WEBHOOK_URL": f"http://127.0.0.1:{self.hook.port}/",
                "WAYPOST_WEBHOOK_SECRET": WEBHOOK_SECRET,
                **variables,
            },
        )
        self.plant(*plants)

    def __enter__(self) -> Self:
        self._undo.enter_context(self.hook)
        self.server.port = self._undo.enter_context(reserved_port())
        self._undo.callback(self._leave_nothing)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _leave_nothing(self) -> None:
        self.load.abandon()
        if hasattr(self.server, "process"):
            self.server.leave_nothing()

    # --- The server

    def plant(self, *plants: str) -> None:
        """Plant these from the next start on, and no others."""
        self.server.program = (sys.executable, "-m", "waypost")
        if plants:
            self.server.program = (sys.executable, PLANTED, *plants, "--")

    def start(self) -> str:
        """Start the server, on its own port; return its address."""
        return self.server.start()

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def shm(self) -> Path:
        return self.data / f"{FILE}-shm"

    @property
    def wal(self) -> Path:
        return self.data / f"{FILE}-wal"

    def stop(self) -> float:
        """End the server as an operator would; return how long it took."""
        self.note_memory()
        began = time.monotonic()
        self.server.stop()
        took = time.monotonic() - began
        code = self.server.process.returncode
        hold(code == 0, f"the server ended with exit code {code}: {self.server_log()}")
        hold(took <= STOP_SECONDS * self._slack, f"the server took {took:.1f} s to end")
        return took

    def server_log(self) -> str:
        """Return the end of what the server logged."""
        return (self.folder / "serve.log").read_text(encoding="utf-8")[-2_000:]

    def note_memory(self) -> float:
        """Look at the server's memory; return what it held at most, in MiB."""
        self._peak = max(self._peak, memory(self.server.process.pid)[1])
        return self._peak

    def healthy(self) -> None:
        """Raise unless the server answers in time."""
        status, took = ask(self.port, "/healthz", HEALTH_SECONDS * self._slack)
        hold(status == 200, f"/healthz answered {status}")
        self.probe.slowest = max(self.probe.slowest, took)

    def watching(self) -> AbstractContextManager[None]:
        """Ask again and again whether it is healthy, until the end of the block."""
        return self.probe.watching(self.port, HEALTH_SECONDS * self._slack)

    def ready(self, seconds: float = SETTLE_SECONDS) -> None:
        """Wait until the server says that it can record and follow."""
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            hold(time.monotonic() < deadline, f"not ready after {seconds:.0f} s")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            return ask(self.port, "/readyz", 20)[0] == 200
        except OSError:  # refused, for it has too many connections yet
            return False

    # --- What must hold

    def verdict(self) -> Seen:
        """Check everything that was promised; the server is stopped then.

        Raises:
            Broken: what did not hold.
        """
        self.load.stop()
        self.ready()
        self.settle()
        self.healthy()
        hold(not self.probe.failures, f"/healthz failed: {Counter(self.probe.failures)}")
        before = self._exports()
        self.stop()
        if self._whole:
            self.start()
            self.healthy()
            self.stop()
        hold(before == self._exports(), "a restart changed what is exported")
        updates, _, incidents = ([json.loads(line) for line in text] for text in before)
        self._check_log(updates)
        with self.store() as store:
            told = self._check_alerts(incidents, ledger(store))
        hold(
            self._peak <= self._memory, f"{self._peak:,.0f} MiB of {self._memory:,.0f} that it may"
        )
        return Seen(
            acknowledged=len(self.load.acknowledged),
            unanswered=sum(self.load.failures.values()),
            incidents=told,
            messages=len(self._arrived()),
            slowest_health=self.probe.slowest,
            peak_memory=self._peak,
        )

    def store(self) -> closing[SqliteStore]:
        """Open the data folder's file, to look at it until the end of the block."""
        return closing(SqliteStore(self.data / FILE, create=False))

    def settle(self) -> None:
        """Wait until everything is followed, decided and delivered."""
        deadline = time.monotonic() + SETTLE_SECONDS
        with self.store() as store:
            while waiting := unsettled(store):
                hold(time.monotonic() < deadline, f"not settled: {waiting}")
                time.sleep(0.1)

    def _exports(self) -> list[list[bytes]]:
        return [self._export(what) for what in What]

    def _export(self, what: What) -> list[bytes]:
        file = self.folder / f"{what}.jsonl"
        if self._whole:
            done = waypost(self.data, "export", what, "--output", str(file))
            hold(done.returncode == 0, f"waypost export {what}: {done.stderr}")
        else:
            words = ["export", what, "--output", str(file), "--data", str(self.data)]
            ran = CliRunner().invoke(app, words)
            hold(ran.exit_code == 0, f"waypost export {what}: {ran.output}")
        return file.read_bytes().splitlines()

    def _arrived(self) -> set[str]:
        return {r.headers["webhook-id"] for r in self.hook.requests if 200 <= r.answer < 300}

    def _check_log(self, updates: list[dict[str, Any]]) -> None:
        recorded = Counter((update["shipmentId"], update["eventId"]) for update in updates)
        lost = [ref for ref in self.load.acknowledged if ref not in recorded]
        hold(not lost, f"{len(lost)} acknowledged updates are lost, such as {lost[:1]}")
        doubled = [ref for ref, times in recorded.items() if times > 1]
        hold(not doubled, f"{len(doubled)} updates are there twice, such as {doubled[:1]}")
        invented = recorded.keys() - self.load.sent
        hold(not invented, f"{len(invented)} updates were never sent, such as {[*invented][:1]}")

    def _check_alerts(self, incidents: list[dict[str, Any]], alerts: list[dict[str, Any]]) -> int:
        told: set[Ref] = {
            (alert["shipmentId"], alert["condition"]) for alert in alerts if "shipmentId" in alert
        }
        due = [
            (incident["shipmentId"], incident["condition"])
            for incident in incidents
            if incident["condition"] in CRITICAL
            and (incident["state"] == "open" or incident["condition"] in EVEN_IF_OVER)
        ]
        silent = [ref for ref in due if ref not in told]
        hold(not silent, f"{len(silent)} incidents were not alerted, such as {silent[:1]}")
        missing = {alert["messageId"] for alert in alerts} - self._arrived()
        hold(not missing, f"{len(missing)} messages did not arrive")
        return len(due)


def unsettled(store: SqliteStore) -> str | None:
    """Return what still waits to be done, None if nothing."""
    later = time.time_ns() // 1_000_000 + 400 * DAY
    waiting = {
        "entries to follow": store.behind(),
        "shipments to fold": len(store.refolds(later, 1)),
        "shipments to decide on": len(store.undecided(1)),
        "alerts in no message": sum(store.pending(kind, 0) is not None for kind in AlertKind),
        "alerts not delivered": len(store.alerts(DeliveryState.WAITING, limit=1)),
    }
    return next((f"{count} {what}" for what, count in waiting.items() if count), None)


def ledger(store: SqliteStore) -> list[dict[str, Any]]:
    """Return all alerts that were ever decided."""
    return [*_pages(store)]


def _pages(store: SqliteStore) -> Iterator[dict[str, Any]]:
    after = 0
    while page := store.alerts(after=after, limit=1_000):
        yield from page
        after = page[-1]["alertId"]
