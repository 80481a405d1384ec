"""The sweep: silence and pending alerts, within the time that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.aws_lambda.conftest import Time
from tests.unit.aws_lambda.test_following import poison
from waypost.aws_lambda import sweep
from waypost.aws_lambda.sweep import SweepFailed
from waypost.core.errors import StoreUnavailable
from waypost.core.times import HOUR, format_time

if TYPE_CHECKING:
    from tests.unit.aws_lambda.conftest import World


def silent(world: World, *shipment_ids: str) -> None:
    """Let shipments be silent for far too long."""
    for shipment_id in shipment_ids:
        world.say(shipment_id, "IN_TRANSIT")
    world.following.follow(shipment_ids)
    world.clock.time += 200 * HOUR


def test_one_that_cannot_be_folded_fails_the_run_after_the_others_were_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(world, "BAD", "A")
    poison(monkeypatch, "BAD")
    with pytest.raises(SweepFailed, match="1 shipments failed"):
        world.sweep.handle({}, Time())
    assert world.told() == ["Logistics Alert: STALLED - A"]


def test_a_run_that_can_tell_nobody_fails_and_the_next_one_tells(world: World) -> None:
    silent(world, "A")
    world.channel.fail(permanent=True)
    with pytest.raises(SweepFailed, match="refused"):
        world.sweep.handle({}, Time())
    assert world.store.undecided(10) == ["A"]
    world.channel.recover()
    assert world.sweep.handle({}, Time()) == {"proposed": 1, "followed": 1}
    assert world.told() == ["Logistics Alert: STALLED - A"]


def opened(caplog: pytest.LogCaptureFixture) -> list[tuple[dict[str, int], bool]]:
    """Return what was logged of open incidents: the counts above 0, and whether there are more."""
    return [
        ({c: n for c, n in vars(line)["openIncidents"].items() if n}, vars(line)["atLeast"])
        for line in caplog.records
        if line.message == "open incidents"
    ]


def test_what_is_open_is_logged_where_the_run_fails_too(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    silent(world, "BAD", "A")
    poison(monkeypatch, "BAD")
    with pytest.raises(SweepFailed):
        world.sweep.handle({}, Time())
    assert opened(caplog) == [({"STALLED": 1}, False)]


def test_a_run_that_cannot_count_what_is_open_fails(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreUnavailable("throttled")

    silent(world, "A")
    monkeypatch.setattr(world.store, "open_incidents", fail)
    with pytest.raises(StoreUnavailable):
        world.sweep.handle({}, Time())
    assert world.told() == ["Logistics Alert: STALLED - A"]


def test_each_run_logs_one_line_of_what_is_open(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world.sweep.handle({}, Time())
    for shipment_id, status in (("A", "LOST"), ("B", "LOST"), ("C", "DELAYED"), ("D", "ON_HOLD")):
        world.say(shipment_id, status)
    world.following.follow("ABCD")
    world.sweep.handle({}, Time())
    assert opened(caplog) == [({}, False), ({"LOST": 2, "DELAYED": 1}, False)]


def test_a_line_of_some_of_what_is_open_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world.store.counted = 2
    for shipment_id in "ABC":
        world.say(shipment_id, "LOST")
    world.following.follow("ABC")
    world.sweep.handle({}, Time())
    assert opened(caplog) == [({"LOST": 2}, True)]


def test_when_half_of_the_time_is_gone_the_rest_waits_for_the_next_run(world: World) -> None:
    silent(world, "A", "B", "C")
    assert world.sweep.handle({}, Time(100, 51, 50)) == {"proposed": 3, "followed": 1}
    assert world.sweep.handle({}, Time()) == {"proposed": 2, "followed": 2}
    assert len(world.told()) == 2


def test_a_run_takes_no_more_than_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    silent(world, "A", "B", "C")
    monkeypatch.setattr(sweep, "LIMIT", 2)
    assert world.sweep.handle({}, Time()) == {"proposed": 2, "followed": 2}


def test_a_storm_of_silence_is_one_message(world: World) -> None:
    silent(world, *(f"S{number}" for number in range(60)))
    world.sweep.handle({}, Time())
    assert world.told() == ["Logistics Alert: 60 incidents - 60 STALLED"]


def test_a_passed_arrival_time_is_found(world: World) -> None:
    world.say("A", "IN_TRANSIT", eta=format_time(world.clock.now() + HOUR))
    world.following.follow(["A"])
    assert world.sweep.handle({}, Time()) == {"proposed": 0, "followed": 0}
    world.clock.time += 2 * HOUR
    world.sweep.handle({}, Time())
    assert world.told() == ["Logistics Alert: LATE - A"]


def test_what_the_index_proposes_too_late_is_read_anew_and_tells_nobody(world: World) -> None:
    silent(world, "A")
    world.say("A", "DELIVERED", 1)
    world.sweep.handle({}, Time())
    assert world.told() == []
