"""One machine, rolled back to an older version and forward again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.versions import older_version
from tests.unit.follow.conftest import World
from waypost.core.entries import mapping
from waypost.core.statuses import Status
from waypost.core.times import SECOND
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Machine(World):
    """A machine with a file: what is in memory never meets another version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(SqliteStore(path))

    def restart(self) -> None:
        self.store.close()
        self.store = SqliteStore(self._path)
        super().restart()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = Machine(tmp_path / "waypost.db")
    yield world
    world.store.close()


def work(world: World, minutes: int) -> None:
    for _ in range(minutes):
        world.turns()
        world.clock.time += 60 * SECOND


def test_an_entry_of_a_newer_version_stops_its_shipment_alone(world: World) -> None:
    world.say("A", "IN_TRANSIT", -1)
    world.say("A", "LOST")
    with older_version():
        world.restart()
        world.say("B", "DELAYED")
        work(world, 9)
        assert world.alerted() == ["DELAYED B"]
        assert world.store.behind() == 0
        assert world.store.shipment("A") is None
        [(shipment_id, why)] = world.store.unfoldable().items()
        assert shipment_id == "A"
        assert "has the status LOST, which a newer Waypost wrote" in why
    world.restart()
    work(world, 1)
    assert world.alerted() == ["DELAYED B", "LOST A"]
    assert world.store.unfoldable() == {}


def test_what_a_newer_version_saved_and_told_stays_as_it_was(world: World) -> None:
    world.say("A", "LOST", event_id="l")
    work(world, 1)
    saved = world.store.saved(["A"]), world.store.shipment("A")
    with older_version():
        world.restart()
        world.say("A", "IN_TRANSIT", 1)
        world.store.refold_all()
        work(world, 9)
        assert (world.store.saved(["A"]), world.store.shipment("A")) == saved
    world.restart()
    work(world, 1)
    shipment = world.store.shipment("A")
    assert shipment is not None
    assert (shipment["progress"], shipment["conditions"]) == ("IN_TRANSIT", [])
    assert world.alerted() == ["LOST A"]


def test_a_mapping_of_a_newer_version_stops_the_shipments_with_its_code_alone(
    world: World,
) -> None:
    world.say("A", "XA")
    world.say("B", "XB")
    work(world, 1)
    now = world.clock.now()
    means = mapping("ups", "XA", Status.LOST, event_id="m1", event_time=now, record_time=now)
    every = mapping(None, "XA", Status.LOST, event_id="m2", event_time=now, record_time=now)
    world.store.append([means, every])
    with older_version():
        world.restart()
        world.say("C", "XA")
        world.say("D", "XA", carrier="DHL")
        world.say("B", "DELAYED", 1)
        work(world, 9)
        assert world.alerted() == ["DELAYED B"]
        assert list(world.store.unfoldable()) == ["A", "C"]
        assert "the mapping of XA has the status LOST" in world.store.unfoldable()["A"]
    world.restart()
    work(world, 1)
    assert sorted(world.alerted()) == ["DELAYED B", "LOST A", "LOST C"]
