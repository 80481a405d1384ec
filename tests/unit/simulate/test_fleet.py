from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from itertools import islice
from math import sqrt
from random import Random

import pytest

from waypost.core.errors import InvalidUpdate
from waypost.core.shipments import fold
from waypost.core.statuses import Status
from waypost.core.times import DAY, HOUR, parse_time
from waypost.core.updates import Event, Place, ShipmentUpdate, parse
from waypost.operate import SOURCE
from waypost.simulate.fleet import Fleet, Sending, Sent, day, shuffled, spoil
from waypost.simulate.journeys import Detail, Journey
from waypost.simulate.mix import PLAIN, Mix
from waypost.simulate.places import OCEAN_CARRIERS, PARCEL_CARRIERS

START = parse_time("2026-11-02T00:00:00Z")[0]
DEFAULT = Mix()
WILD = Mix(
    ltl=0.3,
    container=0.2,
    abroad=0.5,
    handed_over=0.4,
    held=0.5,
    delayed=0.4,
    failed=0.3,
    damaged=0.2,
    lost=0.1,
    attempted=0.3,
    returned=0.2,
    cancelled=0.1,
    corrected=0.2,
    reused=0.2,
    storms=0.8,
    unmapped=0.1,
)


def read(detail: Detail, now: int) -> ShipmentUpdate:
    raw = json.dumps(detail)
    return parse(Event(id="e", source=SOURCE, time=now, detail=json.loads(raw), raw=raw), now=now)


@cache
def sent(updates: int = 20_000) -> tuple[Sent, ...]:
    return tuple(islice(Fleet(7, START), updates))


@cache
def journeys(mix: Mix = DEFAULT, number: int = 2_000) -> tuple[Journey, ...]:
    return tuple(islice(Fleet(7, START, mix).journeys(), number))


def assert_share(hits: int, total: int, rate: float) -> None:
    """Five standard deviations: chance alone fails once in a million seeds, and ours is fixed."""
    assert abs(hits - total * rate) <= 5 * sqrt(total * rate * (1 - rate)), f"{hits} of {total}"


def test_every_malformed_detail_is_rejected() -> None:
    malformed = [s for s in sent() if s.sending is Sending.MALFORMED]

    assert len(malformed) > 40
    for s in malformed:
        with pytest.raises(InvalidUpdate):
            read(s.detail, s.at)


def test_every_way_to_spoil_a_detail_makes_it_malformed() -> None:
    _, detail = next(journeys()[0].updates())
    spoiled = {json.dumps(spoil(detail, Random(seed))) for seed in range(300)}

    assert len(spoiled) == 12
    for text in spoiled:
        with pytest.raises(InvalidUpdate):
            read(json.loads(text), START + DAY)


def test_every_other_detail_parses_when_it_is_sent() -> None:
    for s in sent():
        if s.sending is not Sending.MALFORMED:
            update = read(s.detail, s.at)
            assert update.event_id == s.detail["eventId"]
            assert update.event_time <= s.at


def test_sendings_come_in_order_and_event_ids_are_unique() -> None:
    times = [s.at for s in sent()]
    ids = Counter(s.detail["eventId"] for s in sent() if s.sending is Sending.FIRST)

    assert times == sorted(times)
    assert times[0] >= START
    assert set(ids.values()) == {1}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    def text(seed: int, start: int) -> str:
        return json.dumps([(s.at, s.detail) for s in islice(Fleet(seed, start), 500)])

    assert text(1, START) == text(1, START)
    assert text(1, START) != text(2, START)


def test_shipment_numbers_depend_on_the_start() -> None:
    def numbers(start: int) -> set[str]:
        return {j.shipment_id for j in islice(Fleet(1, start).journeys(), 500)}

    assert len(numbers(START)) == 500
    assert numbers(START).isdisjoint(numbers(START + 1))


@pytest.mark.parametrize("mix", [DEFAULT, WILD], ids=["default", "wild"])
def test_folding_a_journey_gives_the_end_that_it_intends(mix: Mix) -> None:
    for journey in journeys(mix)[:700]:
        updates = [read(detail, at) for at, detail in journey.updates()]
        shipment = fold(journey.shipment_id, updates)

        assert shipment.progress is journey.progress
        assert set(shipment.conditions) == journey.conditions
        assert shipment.leg == journey.leg
        assert shipment.updates == len(journey.steps)
        assert shipment.conflicts == 0


def test_the_wild_mix_comes_to_every_end() -> None:
    ends = {(j.progress, j.conditions, j.leg) for j in journeys(WILD)}

    assert {progress for progress, _, _ in ends} == {
        Status.DELIVERED,
        Status.RETURNED,
        Status.CANCELLED,
        Status.IN_TRANSIT,
    }
    assert {frozenset({Status.DAMAGED}), frozenset({Status.LOST})} < {c for _, c, _ in ends}
    assert {leg for _, _, leg in ends} == {1, 2}


def test_every_status_that_is_sent_occurs() -> None:
    seen = {step.status for j in journeys(WILD) for step in j.steps}

    assert seen == {s for s in Status if Status.read(s) is s} - {
        Status.PENDING,
        Status.DISPOSED,
    }


def test_no_two_steps_of_a_journey_happen_at_once() -> None:
    for journey in journeys(WILD):
        times = [step.at for step in journey.steps]
        assert times == sorted(set(times))


def _has(status: Status) -> Callable[[Journey], bool]:
    return lambda journey: any(step.status is status for step in journey.steps)


@pytest.mark.parametrize(
    ("mix", "rate", "happens"),
    [
        (DEFAULT, DEFAULT.container, lambda j: j.carrier in OCEAN_CARRIERS),
        (DEFAULT, 1 - DEFAULT.container - DEFAULT.ltl, lambda j: j.carrier in PARCEL_CARRIERS),
        (DEFAULT, DEFAULT.cancelled, _has(Status.CANCELLED)),
        (Mix(cancelled=0), DEFAULT.lost, _has(Status.LOST)),
        (Mix(cancelled=0, lost=1, found=0.3), 0.7, lambda j: Status.LOST in j.conditions),
        (Mix(cancelled=0, lost=0), DEFAULT.damaged, _has(Status.DAMAGED)),
        (Mix(cancelled=0, lost=0), DEFAULT.failed, _has(Status.EXCEPTION)),
        (Mix(cancelled=0, lost=0), DEFAULT.returned, _has(Status.RETURNED)),
        (Mix(cancelled=0, lost=0, storms=0), DEFAULT.delayed, _has(Status.DELAYED)),
        (Mix(cancelled=0, lost=0, returned=0), DEFAULT.attempted, _has(Status.DELIVERY_ATTEMPTED)),
        (Mix(cancelled=0, lost=0, container=1), DEFAULT.held, _has(Status.ON_HOLD)),
        (Mix(cancelled=0, lost=0, returned=0), DEFAULT.reused, lambda j: j.leg == 2),
        (Mix(cancelled=0, lost=0, returned=0, reused=0, corrected=0.1), 0.1, lambda j: "Correction" in str(j.steps)),
        (Mix(container=0, ltl=0), DEFAULT.handed_over, lambda j: len({s.carrier for s in j.steps}) > 1),
        (Mix(storms=0, delayed=1, held=0, cancelled=0, lost=0, attempted=0, revised=0.4), 0.4, _has(Status.NOTE)),
    ],
)  # fmt: skip
def test_the_rates_of_shipments_are_met(
    mix: Mix, rate: float, happens: Callable[[Journey], bool]
) -> None:
    made = journeys(mix)

    assert_share(sum(happens(j) for j in made), len(made), rate)


def test_the_rates_of_updates_are_met() -> None:
    kinds = Counter(s.sending for s in sent())
    first = [s for s in sent() if s.sending is Sending.FIRST]
    late = sum(s.at - parse_time(s.detail["occurredAt"])[0] > 2 * HOUR for s in first)

    assert_share(kinds[Sending.AGAIN], len(first), DEFAULT.duplicated)
    assert_share(kinds[Sending.MALFORMED], len(first), DEFAULT.malformed)
    # A disordered update may wait as long for the one that overtakes it.
    assert late >= len(first) * DEFAULT.late * 0.8
    assert late <= len(first) * (DEFAULT.late + DEFAULT.disordered) * 1.2


def test_disorder_is_met() -> None:
    mix = Mix(late=0, disordered=0.1, duplicated=0, malformed=0)
    newest: dict[str, str] = {}
    overtaken = 0
    first = list(islice(Fleet(7, START, mix), 20_000))
    for s in first:
        number, event = s.detail["shipmentId"], s.detail["eventId"]
        overtaken += event < newest.get(number, "")
        newest[number] = max(event, newest.get(number, ""))
    last = sum(j.steps[-1].at < first[-1].at for j in journeys())

    # The last update of a journey has none that could overtake it, and where both of two are
    # held back, neither overtakes the other.
    assert_share(overtaken, len(first) - last, 0.1 * 0.9)


def test_unmapped_codes_are_met() -> None:
    codes = [s.detail.get("statusCode") for s in sent() if s.sending is Sending.FIRST]

    assert len(codes) * 0.01 < sum(code is not None for code in codes) < len(codes) * 0.025


def test_duplicates_are_exact_and_come_after_their_original() -> None:
    seen: dict[str, Detail] = {}
    for s in sent():
        if s.sending is Sending.AGAIN:
            assert seen[s.detail["eventId"]] == s.detail
        elif s.sending is Sending.FIRST:
            seen[s.detail["eventId"]] = s.detail


def test_a_storm_delays_many_shipments_at_one_hub() -> None:
    mix = Mix(storms=1, delayed=0)
    hit = Counter(
        (step.city.name, step.at // DAY)
        for journey in journeys(mix)
        for step in journey.steps
        if step.status is Status.DELAYED
    )

    assert max(hit.values()) >= 10
    assert len({city for city, _ in hit}) > 1


def test_more_is_booked_by_day_than_by_night() -> None:
    hours = Counter(j.booked_at // HOUR % 24 for j in journeys())

    assert sum(hours[h] for h in (8, 9, 10, 15)) > 3 * sum(hours[h] for h in (1, 2, 3, 4))


def test_most_updates_say_where_and_by_whom_in_both_forms() -> None:
    updates = [read(s.detail, s.at) for s in sent() if s.sending is Sending.FIRST]
    forms = Counter(type(u.location) for u in updates)

    assert forms[str] > 0.3 * len(updates)
    assert forms[Place] > 0.3 * len(updates)
    assert sum(u.carrier is not None for u in updates) > 0.8 * len(updates)
    assert len({u.zone for u in updates}) >= 6


def test_a_journey_moves_as_a_whole() -> None:
    journey = next(j for j in journeys() if len(j.steps) > 5)
    moved = journey.ending(START)

    assert moved.steps[-1].at == START
    assert moved.booked_at - START == journey.booked_at - journey.steps[-1].at
    etas = [(a.eta, b.eta) for a, b in zip(journey.steps, moved.steps, strict=True) if a.eta]
    assert {b - a for a, b in etas if b} == {START - journey.steps[-1].at}


@pytest.mark.parametrize("seed", range(3))
def test_a_day_has_the_updates_asked_for_and_ends_with_it(seed: int) -> None:
    details = day(seed, 1_500, START)
    now = START + DAY
    ids = {(d["shipmentId"], d["eventId"]) for d in details}

    assert len(ids) == len(details) == 1_500
    assert all(START - 15 * DAY < read(d, now).event_time < now for d in details)
    assert details == day(seed, 1_500, START)


def test_shuffled_is_another_order_with_exact_duplicates() -> None:
    details = [detail for _, detail in journeys()[0].updates()] * 4
    details = [d | {"eventId": f"e{i}"} for i, d in enumerate(details)]
    mixed = shuffled(details, 3, duplicates=0.5)
    counts = Counter(d["eventId"] for d in mixed)

    assert len(mixed) == round(len(details) * 1.5)
    assert Counter(counts.values()) == {
        2: round(len(details) * 0.5),
        1: len(details) - round(len(details) * 0.5),
    }
    assert mixed == shuffled(details, 3, duplicates=0.5)
    assert mixed != shuffled(details, 4, duplicates=0.5)
    assert all(d in details for d in mixed)


def test_the_plain_mix_sends_everything_once() -> None:
    assert {s.sending for s in islice(Fleet(1, START, PLAIN), 2_000)} == {Sending.FIRST}
