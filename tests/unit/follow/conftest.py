"""One machine in memory: a store, a clock that is set, and the parts that follow."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.clocks import FakeClock
from waypost.core.shipments import Thresholds
from waypost.core.times import HOUR, format_time
from waypost.core.updates import Event
from waypost.follow.digest import Digester
from waypost.follow.refold import Follower
from waypost.follow.work import Following
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import SOURCE
from waypost.ports import AlertKind
from waypost.record import record
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from waypost.ports import LocalStore

NOW = 1_795_400_000_000
WINDOW = 30_000


@dataclass
class World:
    store: LocalStore
    metrics: MemoryMetrics = field(default_factory=MemoryMetrics)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.clock.time = NOW
        self.restart()

    def restart(self) -> None:
        """Lose everything that is in memory, as a crash would."""
        self.follower = Follower(
            self.store, clock=self.clock, metrics=self.metrics, thresholds=Thresholds()
        )
        self.digester = Digester(
            self.store, clock=self.clock, notifiers=["memory"], window=WINDOW, environment="dev"
        )
        self.following = Following(
            self.store,
            self.follower,
            self.digester,
            clock=self.clock,
            metrics=self.metrics,
            window=WINDOW,
            sweep_every=60_000,
        )

    def say(
        self,
        shipment_id: str,
        status: str,
        hours: float = 0,
        *,
        event_id: str | None = None,
        quiet: bool = False,
        **members: object,
    ) -> None:
        """Record an update that happened so many hours from `NOW`."""
        if event_id is not None:
            members["eventId"] = event_id
        self._record([self._event(shipment_id, status, hours, members)], quiet=quiet)

    def say_all(self, said: list[tuple[str, str, float]]) -> None:
        """Record many updates in one commit."""
        self._record([self._event(*update, {}) for update in said])

    def _event(
        self, shipment_id: str, status: str, hours: float, members: dict[str, object]
    ) -> Event:
        detail = {
            "shipmentId": shipment_id,
            "status": status,
            "occurredAt": format_time(NOW + int(hours * HOUR)),
            **members,
        }
        raw = json.dumps(detail)
        return Event(id=self.clock.new_id(), source=SOURCE, time=NOW, detail=detail, raw=raw)

    def _record(self, events: list[Event], *, quiet: bool = False) -> None:
        now = self.clock.now()
        record(events, store=self.store, metrics=self.metrics, now=now, quiet=quiet)

    def turns(self) -> None:
        """Work until there is nothing more to do at once."""
        while self.following.turn():
            pass

    def alerted(self) -> list[str]:
        """Return the alerts in the ledger, in words."""
        rows = self.store.alerts(limit=10_000)
        return [
            f"{r['condition']} {r['shipmentId']}"
            for r in rows
            if r["kind"] == AlertKind.INCIDENT.value
        ]

    def messages(self) -> list[str]:
        """Return the subjects of the messages made so far."""
        due = self.store.deliveries("memory", self.clock.now(), 1_000)
        return [delivery.message.subject for delivery in due]


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "waypost.db")
    yield World(store)
    store.close()
