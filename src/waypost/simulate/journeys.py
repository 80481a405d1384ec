"""Journeys: what happens to a shipment, step by step, and what its carrier says about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

from waypost.core.statuses import Status
from waypost.core.times import HOUR, SECOND
from waypost.simulate.places import (
    AMERICA,
    EUROPE,
    PORTS_OF_DISCHARGE,
    PORTS_OF_LOADING,
    Carrier,
    City,
)

Detail = dict[str, Any]
"""The detail of an event, as a producer puts it on the bus."""
Span = tuple[float, float]
"""The least and the most hours that something takes."""

SLACK: Final = 12 * HOUR
"""How much later than planned a carrier promises to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens to a shipment.

    Attributes:
        at: when, epoch ms.
        status: what; UNKNOWN stands for the carrier's own unmapped status.
        city: where.
        text: in the carrier's words.
        carrier: who says so.
        reason: the carrier's code for why.
        eta: the arrival that it announces, epoch ms.
    """

    at: int
    status: Status
    city: City
    text: str
    carrier: str
    reason: str | None = None
    eta: int | None = None


@dataclass(slots=True)
class Plan:
    """A journey while it is made up.

    Attributes:
        rng: where chance comes from.
        carrier: who carries.
        steps: in order, no two at the same time.
        customs: where it enters a country, None if it never leaves one.
        ends: the progress that it comes to.
        open: what is wrong with it at its end.
    """

    rng: Random
    carrier: Carrier
    steps: list[Step]
    customs: City | None = None
    ends: Status = Status.DELIVERED
    open: set[Status] = field(default_factory=set)

    def add(self, hours: Span, status: Status, city: City, text: str) -> None:
        """Add a step some hours after the last one."""
        at = self.steps[-1].at + self.span(hours)
        self.steps.append(
            Step(at=at, status=status, city=city, text=text, carrier=self.carrier.name)
        )

    def insert(
        self,
        index: int,
        status: Status,
        text: str,
        *,
        after: Span,
        lasts: Span,
        reason: str | None = None,
    ) -> None:
        """Let something happen where step ``index`` was, and all that follows wait for it.

        Args:
            index: of the step after which it happens; it becomes step ``index + 1``.
            status: what happens.
            text: in words.
            after: so many hours after that step.
            lasts: so many hours pass before anything else happens.
            reason: why, as a code.
        """
        before = self.steps[index]
        wait = self.span(after)
        self.later(index + 1, wait + self.span(lasts))
        step = replace(
            before, at=before.at + wait, status=status, text=text, reason=reason, eta=None
        )
        self.steps.insert(index + 1, step)

    def later(self, index: int, by: int) -> None:
        """Move the steps from ``index`` on, by milliseconds."""
        self.steps[index:] = [replace(step, at=step.at + by) for step in self.steps[index:]]

    def on_the_way(self) -> int:
        """Return the index of any step on the way."""
        return self.rng.choice(
            [i for i, step in enumerate(self.steps) if step.status is Status.IN_TRANSIT]
        )

    def last(self, status: Status) -> int:
        """Return the index of the last step of a status.

        Raises:
            ValueError: if there is none.
        """
        return max(i for i, step in enumerate(self.steps) if step.status is status)

    def promise(self, index: int) -> None:
        """Let step ``index`` announce the arrival as it is planned now."""
        self.steps[index] = replace(self.steps[index], eta=self.steps[-1].at + SLACK)

    def span(self, hours: Span) -> int:
        """Return a time between two bounds in hours, in whole seconds as milliseconds."""
        low, high = hours
        return self.rng.randint(int(low * 3_600), int(high * 3_600)) * SECOND


def _begin(rng: Random, carrier: Carrier, at: int, origin: City, text: str) -> Plan:
    first = Step(at=at, status=Status.INFO_RECEIVED, city=origin, text=text, carrier=carrier.name)
    return Plan(rng, carrier, [first])


def parcel(rng: Random, carrier: Carrier, at: int, *, abroad: bool) -> Plan:
    """Plan a parcel's journey through its carrier's hubs, booked at ``at`` (epoch ms)."""
    sides = [(AMERICA, carrier.hubs[0]), (EUROPE, carrier.hubs[1])]
    rng.shuffle(sides)
    (origins, hub), (abroad_cities, abroad_hub) = sides
    origin = rng.choice(origins)
    target = rng.choice(abroad_cities if abroad else [c for c in origins if c is not origin])
    plan = _begin(rng, carrier, at, origin, "Label created")
    plan.add((2, 10), Status.PICKED_UP, origin, "Picked up")
    plan.add((1, 4), Status.IN_TRANSIT, origin, "Left the depot")
    plan.add((3, 8), Status.IN_TRANSIT, hub, "Arrived at the hub")
    plan.add((2, 5), Status.IN_TRANSIT, hub, "Left the hub")
    if abroad:
        plan.customs = abroad_hub
        plan.add((8, 12), Status.IN_TRANSIT, abroad_hub, "Arrived in the country of destination")
        plan.add((2, 6), Status.IN_TRANSIT, abroad_hub, "Left the hub")
    plan.add((4, 14), Status.IN_TRANSIT, target, "Arrived at the delivery depot")
    plan.add((2, 8), Status.OUT_FOR_DELIVERY, target, "Out for delivery")
    plan.add((1, 7), Status.DELIVERED, target, "Delivered")
    return plan


def ltl(rng: Random, carrier: Carrier, at: int) -> Plan:
    """Plan the journey of a few pallets from terminal to terminal, booked at ``at`` (epoch ms)."""
    origin, target = rng.sample(AMERICA, 2)
    plan = _begin(rng, carrier, at, origin, "Bill of lading received")
    plan.add((4, 24), Status.PICKED_UP, origin, "Freight picked up")
    plan.add((2, 8), Status.IN_TRANSIT, origin, "Departed origin terminal")
    for hub in rng.sample(carrier.hubs, rng.randint(1, len(carrier.hubs))):
        plan.add((8, 20), Status.IN_TRANSIT, hub, "Arrived at terminal")
        plan.add((3, 14), Status.IN_TRANSIT, hub, "Departed terminal")
    plan.add((8, 24), Status.IN_TRANSIT, target, "Arrived at destination terminal")
    plan.add((8, 20), Status.OUT_FOR_DELIVERY, target, "Loaded on delivery trailer")
    plan.add((1, 6), Status.DELIVERED, target, "Delivered, signed for")
    return plan


def container(rng: Random, carrier: Carrier, at: int) -> Plan:
    """Plan a container's journey from port to port, booked at ``at`` (epoch ms)."""
    loading, discharge = rng.choice(PORTS_OF_LOADING), rng.choice(PORTS_OF_DISCHARGE)
    [change] = carrier.hubs
    plan = _begin(rng, carrier, at, loading, "Booking confirmed")
    plan.customs = discharge
    plan.add((24, 72), Status.PICKED_UP, loading, "Gate in, full")
    plan.add((12, 60), Status.IN_TRANSIT, loading, "Loaded on vessel")
    plan.add((4, 20), Status.IN_TRANSIT, loading, "Vessel departed")
    plan.add((60, 100), Status.IN_TRANSIT, change, "Discharged for transshipment")
    plan.add((12, 72), Status.IN_TRANSIT, change, "Loaded on connecting vessel")
    for _ in range(rng.randint(4, 7)):
        plan.add((48, 80), Status.IN_TRANSIT, change, "Vessel position reported")
    plan.add((24, 60), Status.IN_TRANSIT, discharge, "Vessel arrived")
    plan.add((6, 24), Status.IN_TRANSIT, discharge, "Discharged from vessel")
    plan.add((12, 48), Status.AVAILABLE_FOR_PICKUP, discharge, "Available for pick-up")
    plan.add((6, 48), Status.OUT_FOR_DELIVERY, discharge, "Gate out, full")
    plan.add((3, 12), Status.DELIVERED, discharge, "Delivered, container emptied")
    return plan


_AT_SEA: Final = frozenset({"Vessel position reported"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A journey, and what should become of its shipment.

    Attributes:
        shipment_id: the shipment's number.
        carrier: who carries.
        steps: in the order in which they happen, no two at the same time.
        progress: the progress of the shipment after all of them.
        conditions: what is wrong with it then.
        leg: on which leg it is then: 2 where the number was used anew.
    """

    shipment_id: str
    carrier: Carrier
    steps: tuple[Step, ...]
    progress: Status
    conditions: frozenset[Status]
    leg: int = 1

    @property
    def booked_at(self) -> int:
        """When the first step happens, epoch ms."""
        return self.steps[0].at

    def ending(self, at: int) -> Journey:
        """Return the same journey at another time: its last step happens at ``at``, epoch ms."""
        by = at - self.steps[-1].at
        return replace(
            self,
            steps=tuple(
                replace(s, at=s.at + by, eta=None if s.eta is None else s.eta + by)
                for s in self.steps
            ),
        )

    def updates(self) -> Iterator[tuple[int, Detail]]:
        """Yield what its carrier says, step by step: when it happened (epoch ms), and the detail.

        Each detail is fresh, has an event id of its own, and says when it occurred with the offset
        of the place; the location is text with some carriers, an object with others, and
        missing where nobody saw the shipment; the carrier is missing before the first scan.
        """
        for number, step in enumerate(self.steps, start=1):
            yield step.at, self._detail(number, step)

    def _detail(self, number: int, step: Step) -> Detail:
        word, code = step.status.value, None
        if step.status is Status.UNKNOWN:
            word, code = self.carrier.unmapped
        announced = step.status is Status.INFO_RECEIVED
        members: Detail = {
            "shipmentId": self.shipment_id,
            "eventId": f"{self.shipment_id}-{number:03d}",
            "status": word.lower() if self.carrier.lower_case else word,
            "statusCode": code,
            "reasonCode": step.reason,
            "occurredAt": local_time(step.at, step.city),
            "carrier": None if announced else step.carrier,
            "location": None if announced or step.text in _AT_SEA else self._place(step.city),
            "eta": None if step.eta is None else local_time(step.eta, step.city),
            "description": step.text,
        }
        return {name: value for name, value in members.items() if value is not None}

    def _place(self, city: City) -> str | dict[str, str | float]:
        if self.carrier.plain_places:
            return f"{city.name}, {city.country}"
        return {
            "name": city.name,
            "unlocode": city.unlocode,
            "country": city.country,
            "latitude": city.latitude,
            "longitude": city.longitude,
        }


def local_time(millis: int, city: City) -> str:
    """Return an instant, epoch ms, as RFC 3339 text in the standard time of a city."""
    zone = timezone(timedelta(hours=city.offset))
    return datetime.fromtimestamp(millis // SECOND, UTC).astimezone(zone).isoformat()
