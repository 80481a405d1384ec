from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from rich.console import Console

from tests.support.bus import Bus
from tests.support.clocks import FakeClock
from waypost.core.errors import InvalidUpdate
from waypost.core.shipments import Thresholds, fold
from waypost.core.statuses import Status
from waypost.core.times import SECOND
from waypost.core.updates import Event as Envelope
from waypost.core.updates import ShipmentUpdate, parse
from waypost.operate import SOURCE
from waypost.simulate import demo
from waypost.simulate.demo import run_demo
from waypost.simulate.sender import SendFailed


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_BEAT", 0)
    monkeypatch.setattr(demo, "_SOON", 0)


def console() -> Console:
    return Console(file=io.StringIO(), width=80)


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def run(bus: Bus, until: Callable[[], bool], seed: int = 1, time: int | None = None) -> Console:
    """Run the demo until something holds, and return what it told."""
    out, stop = console(), Event()
    clock = FakeClock() if time is None else FakeClock(time)
    thread = Thread(target=run_demo, args=(bus.url, out, stop, seed), kwargs={"clock": clock})
    thread.start()
    while not until() and thread.is_alive():
        stop.wait(0.01)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    return out


def read(details: list[dict[str, Any]], now: int) -> dict[str, list[ShipmentUpdate]]:
    shipments: dict[str, list[ShipmentUpdate]] = {}
    for detail in details:
        event = Envelope(id="e", source=SOURCE, time=now, detail=detail, raw="{}")
        try:
            update = parse(event, now=now)
        except InvalidUpdate:  # a few are broken on purpose
            continue
        shipments.setdefault(update.shipment_id, []).append(update)
    return shipments


def test_a_server_that_refuses_ends_it_with_an_error(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus.refuse = True
    monkeypatch.setattr(Event, "wait", lambda *_: False)

    with pytest.raises(SendFailed, match="InternalFailure: not now"):
        run_demo(bus.url, console(), Event(), 1, clock=FakeClock())


def test_a_server_that_goes_away_while_it_is_stopped_is_no_error(bus: Bus) -> None:
    bus.refuse = True
    stop = Event()
    stop.set()

    run_demo(bus.url, console(), stop, 1, clock=FakeClock())


def test_it_tells_what_it_recorded_and_what_to_try_next(bus: Bus) -> None:
    out = text(run(bus, lambda: len(bus.details) > 300))
    first = read(bus.details, FakeClock().now())

    told = re.search(r"(\d+) updates of (\d+) shipments recorded", out)
    assert told is not None
    recorded, shipments = int(told[1]), int(told[2])
    assert len({d["shipmentId"] for d in bus.details[:recorded]}) == shipments == 12
    damaged = bus.details[recorded]["shipmentId"]
    assert f"waypost track {damaged}" in out
    assert Status.DAMAGED in fold(damaged, first[damaged]).conditions
    assert "more updates sent" in out


def test_the_line_for_the_aws_cli_is_one_that_a_shell_understands(bus: Bus) -> None:
    out = text(run(bus, lambda: len(bus.details) > 200))
    [line] = [line for line in out.splitlines() if line.strip().startswith("aws ")]
    words = shlex.split(line)
    [entry] = json.loads(words[words.index("--entries") + 1])

    assert words[words.index("--endpoint-url") + 1] == bus.url
    assert (entry["Source"], entry["DetailType"]) == ("logistics.shipments", "Shipment Update")
    assert json.loads(entry["Detail"])["status"] == "LOST"


def test_a_second_run_adds_shipments(bus: Bus) -> None:
    run(bus, lambda: len(bus.details) > 150)
    first = {d["shipmentId"] for d in bus.details if "shipmentId" in d}
    bus.calls.clear()
    run(bus, lambda: len(bus.details) > 150, time=FakeClock().now() + 60 * SECOND)

    assert first.isdisjoint(d["shipmentId"] for d in bus.details if "shipmentId" in d)


@pytest.mark.parametrize("seed", range(3))
def test_after_no_call_has_a_shipment_been_silent_for_too_long(bus: Bus, seed: int) -> None:
    run(bus, lambda: len(bus.calls) > 600, seed=seed)
    now = FakeClock().now()
    known: dict[str, list[ShipmentUpdate]] = {}

    for call in bus.calls:
        for shipment_id, updates in read(call, now).items():
            known.setdefault(shipment_id, []).extend(updates)
            shipment = fold(shipment_id, known[shipment_id], thresholds=Thresholds(), as_of=now)
            assert Status.STALLED not in shipment.conditions


def test_nothing_is_wrong_before_the_parcel_is_damaged(bus: Bus) -> None:
    run(bus, lambda: len(bus.calls) > 40)
    now = FakeClock().now()
    known: dict[str, list[ShipmentUpdate]] = {}

    for call in bus.calls:
        for shipment_id, updates in read(call, now).items():
            known.setdefault(shipment_id, []).extend(updates)
            shipment = fold(shipment_id, known[shipment_id], thresholds=Thresholds(), as_of=now)
            if shipment.condition is Status.DAMAGED:
                return
            assert not any(condition.critical for condition in shipment.conditions)
    pytest.fail("no parcel was damaged")
