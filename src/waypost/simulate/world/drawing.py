"""Draws scenarios: one seed, one scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from random import Random
from types import MappingProxyType
from typing import Any, Final

from waypost.core.entries import MAPPINGS, OPERATOR, Action, Entry, act, mapping, retraction
from waypost.core.statuses import CONDITIONS, Kind, Status
from waypost.core.times import DAY, HOUR, SECOND, format_time, parse_time
from waypost.simulate.fleet import Fleet, spoil
from waypost.simulate.journeys import Detail, Journey
from waypost.simulate.mix import Mix
from waypost.simulate.world.bus import INGEST
from waypost.simulate.world.faults import Outage, Plan
from waypost.simulate.world.scenario import (
    FUNCTIONS,
    MINUTE,
    START,
    Deed,
    Ending,
    Scenario,
    Sending,
    sending,
)

_MIX: Final = Mix(
    ltl=0.1,
    container=0.05,
    held=0.3,
    delayed=0.4,
    failed=0.2,
    damaged=0.2,
    lost=0.2,
    attempted=0.2,
    returned=0.1,
    corrected=0.1,
    reused=0.15,
    unmapped=0.1,
    duplicated=0,
    malformed=0,
)
"""A fleet that has a terrible month."""


_RATES: Final = (0.0, 0.02, 0.05, 0.15)
_SPANS: Final = (2 * MINUTE, 20 * MINUTE, 3 * HOUR)
_OUTAGES: Final = (
    ("dynamodb", 40 * MINUTE),
    ("sns", HOUR),
    ("sns", 2 * HOUR),
    ("sqs", 2 * HOUR),
    (INGEST, 3 * HOUR),
    (INGEST, 26 * HOUR),
    ("processor", HOUR),
    ("notifier", HOUR),
    ("notifier", 26 * HOUR),
    ("sweep", 2 * HOUR),
)
"""What is gone, and for how long at the most."""
_STORMS: Final = 40
"""One world in so many is a storm."""


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    rng = Random(f"world {seed}")
    if rng.randrange(_STORMS) == 0:
        return _storm(seed, rng)
    span = rng.choice(_SPANS)
    journeys = [_part(rng, journey) for journey in _journeys(rng, seed)]
    plain, strange = journeys[::2], _strange(rng, journeys[1::2])
    details = [detail for journey in plain for _, detail in journey.updates()] + strange
    about = strange or details
    deeds = [_deed(rng, i, about, span) for i in range(rng.choice((0, 0, 1, 2, 4)))]
    deeds += _mapped_in_the_end(rng, about, START + 3 * span)
    return Scenario(
        seed=seed,
        sendings=tuple(_send(rng, seed, details, span)),
        deeds=tuple(deeds),
        refolds=tuple(START + rng.randrange(2 * span) for _ in range(rng.choice((0, 0, 1, 4, 10)))),
        latency=(1, rng.choice((20, 20, 1_500, 1_500))),
        endings=MappingProxyType(dict(map(_ending, plain)) if strange else {}),
        plan=Plan(outages=tuple(_outages(rng, span)), skews=MappingProxyType(_skews(rng))),
        rate=rng.choice(_RATES),
    )


def _journeys(rng: Random, seed: int) -> Iterator[Journey]:
    fleet = Fleet(seed, START - 60 * DAY, _MIX, shipments_a_day=24)
    for journey in islice(fleet.journeys(), rng.randint(1, 5)):
        yield journey.ending(START - rng.randint(0, 40) * HOUR)


def _part(rng: Random, journey: Journey) -> Journey:
    """Return a journey up to some step; no step says what an operator might map."""
    known = [step for step in journey.steps if step.status is not Status.UNKNOWN]
    return replace(journey, steps=tuple(known[: rng.randint(1, len(known))]))


def _ending(journey: Journey) -> tuple[str, Ending]:
    """Return how far a journey has come: what was last seen counts, and not what was announced."""
    scans = [s.status for s in journey.steps if s.status.level >= Status.PICKED_UP.level]
    ends = [status.kind is Kind.TERMINAL for status in scans]
    begun = [i for i, status in enumerate(scans) if status is Status.PICKED_UP and any(ends[:i])]
    return journey.shipment_id, (scans[-1] if scans else Status.INFO_RECEIVED, 1 + len(begun))


def _strange(rng: Random, journeys: list[Journey]) -> list[Detail]:
    """Return what some shipments have to say, some of it strange, in the order in which it occurred."""
    details: list[Detail] = []
    for journey in journeys:
        said = [detail for _, detail in journey.updates()]
        first = rng.randrange(len(said))
        details += said[first : first + rng.randint(1, 7)]
    for detail in details:
        rng.choice(_TWISTS)(rng, detail)
    if details and rng.random() < _CONFLICTING:
        status = rng.choice(("DAMAGED", "LOST", "NOTE"))
        details.append({**rng.choice(details), "status": status})
    urgent = [d for d in details if d["status"].upper() in _URGENT and "occurredAt" in d]
    return details + [_earlier(rng, d) for d in urgent if rng.random() < _ECHOED]


def _earlier(rng: Random, detail: Detail) -> Detail:
    """Return what somebody else saw of the same, a little before."""
    at = parse_time(detail["occurredAt"])[0] - rng.randint(0, 90) * MINUTE
    event_id = f"{detail.get('eventId', 'some')}-{rng.randrange(100)}"
    return {**detail, "eventId": event_id, "occurredAt": format_time(at)}


_CONFLICTING: Final = 0.4
_ECHOED: Final = 0.4
_URGENT: Final = ("DELAYED", "LOST", "DAMAGED", "EXCEPTION")


def _as_it_is(_: Random, __: Detail) -> None:
    """Most of what is said is in order."""


def _without_id(_: Random, detail: Detail) -> None:
    detail.pop("eventId")


def _date_only(_: Random, detail: Detail) -> None:
    """Many systems know the day and not the hour: ties."""
    detail["occurredAt"] = detail["occurredAt"][:10] + "T12:00:00Z"


def _without_time(_: Random, detail: Detail) -> None:
    detail.pop("occurredAt")


def _urgent(rng: Random, detail: Detail) -> None:
    detail["status"] = rng.choice(_URGENT)


def _unknown(rng: Random, detail: Detail) -> None:
    detail["status"] = rng.choice(("GATE 7", "Ümgeladen"))


_TWISTS: Final[tuple[Callable[[Random, Detail], None], ...]] = (
    *[_as_it_is] * 4,
    _without_id,
    *[_date_only] * 4,
    _without_time,
    *[_urgent] * 3,
    *[_unknown] * 2,
)


def _send(rng: Random, seed: int, details: list[Detail], span: int) -> Iterator[Sending]:
    """Yield sendings: mostly in order, some twice, some spoilt, some hostile, some for others."""
    for place, detail in enumerate(details):
        due = START + span * place // len(details)
        at = rng.randrange(START, START + span) if rng.random() < _DISORDERED else due
        yield sending(at, f"{seed}-{place}", detail)
        if rng.random() < _REPEATED:
            yield sending(rng.randrange(START, START + 2 * span), f"{seed}-{place}-again", detail)
        if rng.random() < _BAD:
            yield sending(due, f"{seed}-{place}-bad", spoil(detail, rng))
    for place, hostile in enumerate(rng.sample(_HOSTILE, rng.choice((0, 0, 1, 2)))):
        yield sending(rng.randrange(START, START + span), f"{seed}-hostile-{place}", hostile)
    if rng.random() < _BAD:
        other = sending(START, f"{seed}-other", details[0])
        yield replace(other, event={**other.event, "detail-type": "Invoice"})


_DISORDERED: Final = 0.3
_REPEATED: Final = 0.15
_BAD: Final = 0.06
_HOSTILE: Final[tuple[Any, ...]] = (
    None,
    ["a", "list"],
    {"shipmentId": MAPPINGS, "status": "DELIVERED"},
    {"shipmentId": "SHIP-\n1", "status": "LOST"},
    {"shipmentId": "SHIP-1", "status": "LOST", "occurredAt": "2031-01-01T00:00:00Z"},
    {"shipmentId": "SHIP-1", "status": "LOST", "eventId": "x" * 3_000},
    {"shipmentId": "SHIP-1", "status": "LOST", "description": "y" * 60_000},
    {"shipmentId": "SHIP-2", "status": "DELAYED", "location": "\u202eelsewhere"},
    {"shipmentId": "SHIP/%2F'; --", "status": "DAMAGED", "carrier": "=cmd()"},
    {"shipmentId": "SHIP-3", "status": "IN_TRANSIT", "note": "z" * 20_000},
)


def _deed(rng: Random, place: int, details: list[Detail], span: int) -> Deed:
    at = START + rng.randrange(span * 2)
    about = rng.choice(details)
    kind = rng.random()
    if kind < 0.5:  # noqa: PLR2004 (a share)
        entry: Entry = act(
            about["shipmentId"],
            rng.choice(tuple(Action)),
            rng.choice([c for c in CONDITIONS if c.critical]),
            event_id=f"act-{place}",
            event_time=at,
            record_time=at,
        )
    elif kind < 0.75:  # noqa: PLR2004 (a share)
        entry = _mapping(rng, about, f"mapping-{place}", at)
    else:
        entry = retraction(
            about["shipmentId"],
            str(about.get("eventId", "none")),
            sender=OPERATOR,
            event_time=at,
            record_time=at,
        )
    return Deed(at, entry)


def _mapping(rng: Random, detail: Detail, event_id: str, at: int) -> Entry:
    """Return what an operator says that the code of a detail means."""
    return mapping(
        detail.get("carrier"),
        str(detail.get("statusCode") or detail["status"]),
        rng.choice((Status.EXCEPTION, Status.IN_TRANSIT, Status.LOST, Status.UNKNOWN)),
        event_id=event_id,
        event_time=at,
        record_time=at,
    )


def _mapped_in_the_end(rng: Random, details: list[Detail], at: int) -> Iterator[Deed]:
    """Yield the mapping of an unknown code, if there is one, when nobody says anything any more."""
    unknown = [d for d in details if Status.read(d["status"]) is Status.UNKNOWN]
    if unknown and rng.random() < _MAPPED:
        yield Deed(at, _mapping(rng, rng.choice(unknown), "mapping-last", at))


_MAPPED: Final = 0.5


def _outages(rng: Random, span: int) -> Iterator[Outage]:
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        service, longest = rng.choice(_OUTAGES)
        start = START + rng.randrange(span)
        yield Outage(service, start, start + rng.randint(longest // 10, longest))


def _skews(rng: Random) -> dict[str, int]:
    if rng.random() < 0.7:  # noqa: PLR2004 (a share)
        return {}
    skews = {name: rng.randint(-3 * MINUTE, 3 * MINUTE) for name in sorted(FUNCTIONS)}
    if rng.random() < 0.1:  # noqa: PLR2004 (a share)
        skews["processor"] = rng.choice((-2, 2)) * DAY
    return skews


def _storm(seed: int, rng: Random) -> Scenario:
    """Return a storm: each of many shipments is DELAYED, within minutes, and nothing goes wrong."""
    span = rng.randint(10, 200) * SECOND
    details = [
        {
            "shipmentId": f"STORM-{number}",
            "eventId": f"storm-{number}",
            "status": "DELAYED",
            "occurredAt": format_time(START - rng.randrange(HOUR)),
        }
        for number in range(rng.randint(90, 200))
    ]
    sendings = tuple(
        sending(START + rng.randrange(span), f"{seed}-{place}", detail)
        for place, detail in enumerate(details)
    )
    return Scenario(seed=seed, sendings=sendings, is_storm=True)
