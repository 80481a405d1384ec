"""The fleet: journeys booked by the hour of the day, and what its senders put on the bus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from heapq import heappop, heappush
from itertools import count, islice
from random import Random
from typing import Any, Final

from waypost.core.statuses import Status
from waypost.core.times import DAY, HOUR, SECOND
from waypost.simulate import turns
from waypost.simulate.journeys import Detail, Journey, Plan, container, ltl, parcel
from waypost.simulate.mix import PLAIN, Mix
from waypost.simulate.places import (
    LTL_CARRIERS,
    OCEAN_CARRIERS,
    PARCEL_CARRIERS,
    Carrier,
    City,
)


class Sending(Enum):
    """What a sending is."""

    FIRST = "first"
    AGAIN = "again"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Sent:
    """A detail that a sender puts on the bus.

    Attributes:
        at: when it is sent, epoch ms; never before it occurred.
        detail: what is sent.
        sending: whether it is the first, the same again, or malformed.
    """

    at: int
    detail: Detail
    sending: Sending


BUSY: Final = (2, 2, 1, 1, 1, 2, 3, 5, 7, 8, 8, 8, 7, 8, 9, 9, 8, 7, 6, 5, 4, 4, 3, 2)
"""How busy each hour of the day is in UTC, relative to the others: two continents book by day."""

_STRIDE: Final = 7_919
_RETRY: Final = (SECOND, 2 * HOUR)
_OVERTAKEN: Final = (60 * SECOND, 600 * SECOND)
_LATE: Final = (2 * HOUR, 20 * HOUR)
_REUSE_AFTER: Final = (4, 10)


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet whose shipments are booked from a start time on, without end.

    The same arguments give the same journeys and the same sendings, each time it is iterated.

    Attributes:
        seed: of all chance.
        start_ms: when the first shipment may be booked, epoch ms; shipment numbers depend on it.
        mix: how often what happens.
        shipments_a_day: how many are booked, on average.
    """

    seed: int
    start_ms: int
    mix: Mix = field(default_factory=Mix)
    shipments_a_day: float = 150

    def __iter__(self) -> Iterator[Sent]:
        """Yield what is sent, in the order in which it is sent.

        In memory are the updates of the journeys under way: some weeks' worth.
        """
        rng = Random(f"{self.seed}:{self.start_ms}:sendings")
        tie = count()
        waiting: list[tuple[int, int, Sent]] = []
        for journey in self.journeys():
            while waiting and waiting[0][0] < journey.booked_at:
                yield heappop(waiting)[2]
            for sent in sendings(journey, rng, self.mix):
                heappush(waiting, (sent.at, next(tie), sent))

    def journeys(self) -> Iterator[Journey]:
        """Yield the journeys, in the order in which they are booked."""
        rng = Random(f"{self.seed}:{self.start_ms}")
        first = rng.randrange(10**8)
        serials = count(first, _STRIDE)
        weather = _Weather(self.seed, self.mix.storms)
        for start in count(self.start_ms, HOUR):
            expected = self.shipments_a_day * BUSY[start // HOUR % 24] / sum(BUSY)
            bookings = int(expected + rng.random())
            for second in sorted(rng.randrange(3_600) for _ in range(bookings)):
                yield _book(rng, self.mix, weather, start + second * SECOND, next(serials))


class _Weather:
    """Storms: at most one a day, over one hub for some hours."""

    def __init__(self, seed: int, rate: float) -> None:
        self._seed = seed
        self._rate = rate
        self._storms: dict[int, tuple[City, int, int] | None] = {}

    def is_stormy(self, city: City, at: int) -> bool:
        """Tell whether there is a storm over a city at an instant, epoch ms."""
        day = at // DAY
        if day not in self._storms:
            self._storms[day] = self._storm(day)
        storm = self._storms[day]
        return storm is not None and storm[0] is city and storm[1] <= at < storm[2]

    def _storm(self, day: int) -> tuple[City, int, int] | None:
        rng = Random(f"{self._seed}:{day}:storm")
        if rng.random() >= self._rate:
            return None
        begins = day * DAY + rng.randint(0, 12) * HOUR
        hub = rng.choice(rng.choice(PARCEL_CARRIERS).hubs)
        return hub, begins, begins + rng.randint(4, 12) * HOUR


def _book(rng: Random, mix: Mix, weather: _Weather, at: int, serial: int) -> Journey:
    carrier = _carrier(rng, mix)
    plan = _route(rng, mix, carrier, at)
    turns.take(plan, mix)
    storm = (i for i, step in enumerate(plan.steps) if weather.is_stormy(step.city, step.at))
    turns.sit_out(plan, mix, storm)
    journey = Journey(
        shipment_id=carrier.shipment_id(serial),
        carrier=carrier,
        steps=tuple(plan.steps),
        progress=plan.ends,
        conditions=frozenset(plan.open),
    )
    if plan.ends is not Status.DELIVERED or rng.random() >= mix.reused:
        return journey
    again = _route(rng, mix, carrier, plan.steps[-1].at + rng.randint(*_REUSE_AFTER) * DAY)
    return replace(journey, steps=(*plan.steps, *again.steps), leg=2)


def _carrier(rng: Random, mix: Mix) -> Carrier:
    mode = rng.random()
    if mode < mix.container:
        return rng.choice(OCEAN_CARRIERS)
    if mode < mix.container + mix.ltl:
        return rng.choice(LTL_CARRIERS)
    return rng.choice(PARCEL_CARRIERS)


def _route(rng: Random, mix: Mix, carrier: Carrier, at: int) -> Plan:
    if carrier in OCEAN_CARRIERS:
        plan = container(rng, carrier, at)
    elif carrier in LTL_CARRIERS:
        plan = ltl(rng, carrier, at)
    else:
        plan = parcel(rng, carrier, at, abroad=rng.random() < mix.abroad)
        if rng.random() < mix.handed_over:
            turns.hand_over(plan)
    plan.promise(1)
    return plan


def sendings(journey: Journey, rng: Random, mix: Mix) -> list[Sent]:
    """Return what a sender sends of a journey, in the order in which it is sent."""
    updates = list(journey.updates())
    sent: list[Sent] = []
    for index, (occurred, detail) in enumerate(updates):
        at = occurred + rng.randint(1, 59) * SECOND
        luck = rng.random()
        if luck < mix.late:
            at += rng.randint(*_LATE)
        elif luck < mix.late + mix.disordered and index + 1 < len(updates):
            at = updates[index + 1][0] + rng.randint(*_OVERTAKEN)
        if rng.random() < mix.malformed:
            sent.append(Sent(at, spoil(detail, rng), Sending.MALFORMED))
        sent.append(Sent(at, detail, Sending.FIRST))
        if rng.random() < mix.duplicated:
            sent.append(Sent(at + rng.randint(*_RETRY), detail, Sending.AGAIN))
    return sorted(sent, key=lambda s: s.at)


_MISSING: Final = object()
_FLAWS: Final[tuple[tuple[str, Any], ...]] = (
    ("status", _MISSING),
    ("status", 7),
    ("status", None),
    ("shipmentId", _MISSING),
    ("shipmentId", 794_658_120_033),
    ("shipmentId", "7" * 200),
    ("occurredAt", "2026-02-30T09:00:00Z"),
    ("occurredAt", "23/11/2026 09:00"),
    ("location", ["Memphis", "TN"]),
    ("location", {"name": "Memphis", "latitude": 351.5}),
    ("carrier", {"scac": "FDEG"}),
    ("eta", "tomorrow"),
)


def spoil(detail: Detail, rng: Random) -> Detail:
    """Return a copy of a detail that is wrong in one of the ways that real senders know."""
    name, value = rng.choice(_FLAWS)
    rest = {key: kept for key, kept in detail.items() if key != name}
    return rest if value is _MISSING else rest | {name: value}


_WARM_UP: Final = 14 * DAY
_UPDATES_A_SHIPMENT: Final = 8


def day(seed: int, updates: int = 1_500, start_ms: int = 0) -> list[Detail]:
    """Return one day of the load of a small forwarder: details in the order of their sending.

    All are well-formed, no two the same. The fleet has been under way for two weeks when the day
    begins, so most journeys began before it and many end after it.

    Args:
        seed: of all chance.
        updates: exactly so many, the first of the day; of fewer than some hundreds the last may
            fall on the day after.
        start_ms: when the day begins, epoch ms.
    """
    fleet = Fleet(seed, start_ms - _WARM_UP, PLAIN, updates / _UPDATES_A_SHIPMENT)
    today = (sent.detail for sent in fleet if sent.at >= start_ms)
    return list(islice(today, updates))


def shuffled(details: Sequence[Detail], seed: int, duplicates: float = 0.10) -> list[Detail]:
    """Return details in another order, a share of them twice.

    Args:
        details: which.
        seed: of the order and of the choice.
        duplicates: the share, from 0 to 1, that is there twice.
    """
    rng = Random(seed)
    mixed = [*details, *rng.sample(details, round(len(details) * duplicates))]
    rng.shuffle(mixed)
    return mixed
