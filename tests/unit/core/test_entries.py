from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.clocks import NOON
from tests.support.histories import at, do, means, operator_takes_back, take_back, update
from waypost.core.entries import (
    MAPPINGS,
    OPERATOR,
    Action,
    Entry,
    from_json,
    identity,
    location_json,
    to_json,
)
from waypost.core.errors import InvalidUpdate
from waypost.core.statuses import Status
from waypost.core.times import DAY, format_time
from waypost.core.updates import Event, Place, ShipmentUpdate, parse

UPDATE = to_json(update("IN_TRANSIT", 0, "e"))
RETRACTION = to_json(take_back("e"))
ACT = to_json(do(Action.ACK, Status.LOST, 0))
MAPPING = to_json(means("XB", Status.LOST))


def problems(value: object) -> list[str]:
    with pytest.raises(InvalidUpdate) as caught:
        from_json(value, now=NOON)
    return [str(problem) for problem in caught.value.problems]


# --- what is no entry --------------------------------------------------------------------------

AHEAD = format_time(NOON + DAY + 1)
STATUSES = ", ".join(s for s in Status if s not in {"STALLED", "LATE"})
ADVICE = "import it with the one that wrote it"
BAD: list[tuple[object, list[str]]] = [
    (None, ["must be a JSON object"]),
    ([UPDATE], ["must be a JSON object"]),
    (
        {},
        [
            "shipmentId: is missing",
            "eventTime: is missing",
            "recordTime: is missing",
            "sender: is missing",
            "eventId: is missing",
            "kind: must be update, retraction, act or mapping",
        ],
    ),
    ({**UPDATE, "kind": ["update"]}, ["kind: must be update, retraction, act or mapping"]),
    ({**UPDATE, "shipmentId": MAPPINGS}, ["shipmentId: must have printable characters only"]),
    ({**UPDATE, "sender": OPERATOR}, [f"sender: must not be {OPERATOR}, which sends no updates"]),
    ({**UPDATE, "eventTime": AHEAD}, ["eventTime: must not be more than a day ahead of now"]),
    ({**UPDATE, "recordTime": AHEAD}, ["recordTime: must not be more than a day ahead of now"]),
    (
        {"kind": "update", **{k: v for k, v in UPDATE.items() if k.startswith(("s", "e", "r"))}}
        | {"status": "in_transit", "statusWord": "", "zone": None, "rawEvent": 5, "eta": 5},
        [
            f"status: must be one of {STATUSES}",
            "statusWord: must not be blank",
            "eta: must be an RFC 3339 time with an offset, such as 2026-11-23T08:30:00+01:00",
            "rawEvent: must be text",
            "zone: must be text",
        ],
    ),
    ({**UPDATE, "status": None}, ["status: must be text"]),
    ({**UPDATE, "status": "LATE"}, [f"status: must be one of {STATUSES}"]),
    ({**UPDATE, "rawEvent": "\ud800"}, ["rawEvent: must be text"]),
    ({**UPDATE, "rawEvent": "\0"}, ["rawEvent: must be text"]),
    (
        {**RETRACTION, "eventId": "e", "reason": 1},
        ["eventId: must be retract: and the id that is retracted", "reason: must be text"],
    ),
    (
        {**RETRACTION, "retracts": ""},
        ["retracts: must not be blank", "eventId: must be retract: and the id that is retracted"],
    ),
    (
        {**ACT, "sender": "x", "action": "forget", "condition": "NOTE"},
        [
            f"sender: must be {OPERATOR}",
            "action: must be ack, resolve, mute, unmute",
            "condition: must be one of LOST, DAMAGED, EXCEPTION, DELAYED, ON_HOLD, STALLED, LATE",
        ],
    ),
    ({**ACT, "action": None}, ["action: must be text"]),
    (
        {**MAPPING, "shipmentId": "SHIP-1", "sender": "x", "code": 5, "carrier": 5},
        [
            "shipmentId: must be left out of a mapping",
            f"sender: must be {OPERATOR}",
            "carrier: must be text",
            "code: must be text",
        ],
    ),
    ({**MAPPING, "status": "STALLED"}, [f"status: must be one of {STATUSES}"]),
    (
        {**ACT, "until": "2026-12-24T00:00:00Z", "carrier": "UPS"},
        [f"{name}: is not known to this version: {ADVICE}" for name in ("carrier", "until")],
    ),
    (
        {**UPDATE, "location": {"name": "Hub", "dock": "7"}},
        [f"location.dock: is not known to this version: {ADVICE}"],
    ),
]


@pytest.mark.parametrize(("value", "expected"), BAD, ids=[f"entry {n}" for n in range(len(BAD))])
def test_what_is_no_entry_is_refused_with_all_its_problems(
    value: object, expected: list[str]
) -> None:
    assert problems(value) == expected


# --- out and in again --------------------------------------------------------------------------


def full_update() -> ShipmentUpdate:
    detail: dict[str, Any] = {
        "shipmentId": "SHIP 1/ü",
        "status": "Held at depot",
        "occurredAt": "2026-03-01T08:30:00.250+01:00",
        "eta": "2026-03-05T18:00:00Z",
        "statusCode": "SD",
        "reasonCode": "AJ",
        "description": "Line one\nline two",
        "carrier": "FastFreight",
        "location": {"name": "Hub", "unlocode": "DEHAM", "latitude": 53.5, "longitude": 0},
        "references": {"po": "4711"},
        "schemaVersion": 1,
        "extra": "\0\ud800",
    }
    raw = json.dumps(detail)
    event = Event(id="1", source="logistics.shipments", time=NOON, detail=detail, raw=raw)
    return parse(event, now=NOON)


ENTRIES: list[Entry] = [
    update("IN_TRANSIT", 0),
    full_update(),
    replace(full_update(), references=(("", "a"), ("", "b"))),
    update("DELIVERED", 0, location="Chicago"),
    take_back("e"),
    replace(take_back("e"), reason="entered twice"),
    operator_takes_back("x" * 256),
    *[do(action, Status.STALLED, 0) for action in Action],
    means("XB", Status.UNKNOWN),
    means("XB", Status.DELIVERED, carrier="UPS"),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=[f"entry {n}" for n in range(len(ENTRIES))])
def test_going_out_and_in_again_changes_nothing(entry: Entry) -> None:
    said = json.loads(json.dumps(to_json(entry)))
    assert said == to_json(entry)
    assert from_json(said, now=NOON) == entry


def test_the_json_of_an_update_leaves_out_what_is_absent() -> None:
    assert UPDATE == {
        "kind": "update",
        "shipmentId": "SHIP-1",
        "eventId": "e",
        "sender": "logistics.shipments",
        "eventTime": "2026-03-02T12:00:00.000Z",
        "recordTime": "2026-03-02T12:00:00.000Z",
        "zone": "Z",
        "status": "IN_TRANSIT",
        "statusWord": "IN_TRANSIT",
        "rawEvent": "{}",
    }


def test_a_mapping_may_leave_out_the_reserved_shipment_id() -> None:
    del (said := dict(MAPPING))["shipmentId"]
    assert from_json(said, now=NOON) == means("XB", Status.LOST)


def test_a_fingerprint_is_computed_and_never_read() -> None:
    forged = {**UPDATE, "fingerprint": "0" * 32}
    assert from_json(forged, now=NOON) == update("IN_TRANSIT", 0, "e")


# --- identity ----------------------------------------------------------------------------------


def test_what_makes_two_entries_the_same() -> None:
    entry = update("IN_TRANSIT", 0, "e")
    same = replace(entry, record_time=at(9), description="x", raw_event="x", zone="+01:00")
    assert identity(same) == identity(entry)
    others: list[Entry] = [
        replace(entry, shipment_id="SHIP-2"),
        replace(entry, sender="x"),
        replace(entry, event_id="f"),
        replace(entry, event_time=at(1)),
        replace(entry, fingerprint="x"),
        take_back("e"),
    ]
    assert len({identity(other) for other in (entry, *others)}) == len(others) + 1


def test_acts_and_mappings_of_other_content_are_others() -> None:
    prints = {
        do(Action.ACK, Status.LOST, 0).fingerprint,
        do(Action.MUTE, Status.LOST, 0).fingerprint,
        do(Action.ACK, Status.LATE, 0).fingerprint,
        means("XB", Status.LOST).fingerprint,
        means("XB", Status.LOST, carrier="").fingerprint,
        means("XC", Status.LOST).fingerprint,
        means("XB", Status.LATE).fingerprint,
        take_back("a").fingerprint,
        take_back("b").fingerprint,
    }
    assert len(prints) == 9


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (None, None),
        ("Chicago", "Chicago"),
        (Place(name="Hub", country="DE"), {"name": "Hub", "country": "DE"}),
        (Place(longitude=0.0), {"longitude": 0.0}),
    ],
)
def test_a_location_in_json(location: str | Place | None, expected: object) -> None:
    assert location_json(location) == expected
