"""A real server on a free port, in a thread of the test's own process."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Signal
from threading import Thread
from typing import TYPE_CHECKING, Any

from tests.support.clocks import FakeClock
from waypost.core.shipments import Thresholds
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import DETAIL_TYPE, SOURCE, Operator
from waypost.server import App, Server, Services
from waypost.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from waypost.ports import Clock, LocalStore
    from waypost.server import Bounds


@dataclass(frozen=True, kw_only=True)
class Site:
    """A running server and what it works with."""

    server: Server
    port: int
    services: Services
    metrics: MemoryMetrics

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def make_services(
    store: LocalStore,
    *,
    clock: Clock | None = None,
    metrics: MemoryMetrics | None = None,
    access_keys: Mapping[str, str] | None = None,
    wake: Callable[[], None] = lambda: None,
    health: Callable[[], list[str]] = list,
) -> Services:
    clock = clock or FakeClock()
    metrics = metrics or MemoryMetrics()
    return Services(
        store=store,
        clock=clock,
        metrics=metrics,
        operator=Operator(store=store, clock=clock, metrics=metrics, thresholds=Thresholds()),
        render_metrics=lambda: b"waypost_entries_behind 0\n",
        access_keys={key: Secret(text) for key, text in (access_keys or {}).items()},
        wake=wake,
        health=health,
    )


@contextmanager
def serving(
    store: LocalStore,
    *,
    clock: Clock | None = None,
    access_keys: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Site]:
    """Serve ``store`` until the end of the block; the server's thread has ended then."""
    metrics = MemoryMetrics()
    services = make_services(store, clock=clock, metrics=metrics, access_keys=access_keys)
    ports: list[int] = []
    ready = Signal()

    def on_ready(_host: str, port: int) -> None:
        ports.append(port)
        ready.set()

    server = Server(App(services), host, 0, on_ready=on_ready, bounds=bounds)
    thread = Thread(target=server.run)
    thread.start()
    assert ready.wait(60)
    try:
        yield Site(server=server, port=ports[0], services=services, metrics=metrics)
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


def entry(
    shipment_id: str = "SHIP-1", status: str = "IN_TRANSIT", **members: Any
) -> dict[str, Any]:
    """Return an entry of PutEvents that the rule matches; ``members`` are the detail's."""
    detail = {"shipmentId": shipment_id, "status": status, **members}
    return {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
