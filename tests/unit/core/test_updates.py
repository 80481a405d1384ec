from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.clocks import NOON
from waypost.core.statuses import Status
from waypost.core.times import DAY, EARLIEST, LATEST, format_time
from waypost.core.updates import Event, Place, ShipmentUpdate, fingerprint, parse

GOOD: dict[str, Any] = {"shipmentId": "SHIP-1", "status": "IN_TRANSIT"}
SCANNED_AT = "2026-03-01T08:30:00.250+01:00"
SCAN = {**GOOD, "occurredAt": SCANNED_AT}


def event(detail: object, time: int | None = NOON, event_id: str = "envelope-1") -> Event:
    return Event(
        id=event_id, source="logistics.shipments", time=time, detail=detail, raw=json.dumps(detail)
    )


def parsed(detail: object, time: int | None = NOON, event_id: str = "envelope-1") -> ShipmentUpdate:
    return parse(event(detail, time, event_id), now=NOON)


# --- what is said ------------------------------------------------------------------------------


def test_a_full_detail_is_kept_whole() -> None:
    detail = {
        "shipmentId": "SHIP 1/ü",
        "status": " delayed ",
        "eventId": "E 1",
        "occurredAt": SCANNED_AT,
        "eta": "2026-03-05T18:00:00Z",
        "statusCode": "SD",
        "reasonCode": "AJ",
        "description": "Line one\r\n\tline two",
        "carrier": "FastFreight",
        "location": {
            "name": "Hub",
            "unlocode": "DE HAM",
            "country": "DE",
            "postalCode": "20095",
            "latitude": 53,
            "longitude": -9.5,
            "floor": 3,
        },
        "references": {"po": "4711", "": "x"},
        "schemaVersion": 2,
        "temperature": {"unit": "C", "values": [1, None]},
    }
    assert parsed(detail) == ShipmentUpdate(
        shipment_id="SHIP 1/ü",
        sender="logistics.shipments",
        event_id="E 1",
        event_time=1_772_350_200_250,
        record_time=NOON,
        zone="+01:00",
        status=Status.DELAYED,
        status_word="delayed",
        status_code="SD",
        reason_code="AJ",
        carrier="FastFreight",
        location=Place(
            name="Hub",
            unlocode="DE HAM",
            country="DE",
            postal_code="20095",
            latitude=53.0,
            longitude=-9.5,
        ),
        eta=1_772_733_600_000,
        description="Line one\r\n\tline two",
        references=(("po", "4711"), ("", "x")),
        schema_version="2",
        raw_event=json.dumps(detail),
        fingerprint=parsed(detail).fingerprint,
    )


def test_blank_optional_members_count_as_absent() -> None:
    blank = {"carrier": "", "location": " ", "statusCode": "", "description": "", "references": []}
    update = parsed({**GOOD, **blank, "schemaVersion": ""})
    assert (update.carrier, update.location, update.status_code) == (None, None, None)
    assert (update.description, update.references, update.schema_version) == (None, (), None)
    assert parsed({**GOOD, "location": {"name": "", "colour": "red"}}).location is None


@pytest.mark.parametrize(
    ("version", "kept"),
    [("1.2-beta", "1.2-beta"), (1, "1"), (1.0, "1"), (1.5, "1.5"), (999_999, "999999")],
)
def test_a_schema_version_is_text_or_a_number(version: object, kept: str) -> None:
    assert parsed({**GOOD, "schemaVersion": version}).schema_version == kept


def test_references_may_be_a_list() -> None:
    assert parsed({**GOOD, "references": ["a", ""]}).references == (("", "a"), ("", ""))


@pytest.mark.parametrize("word", ["Arrived at hub", "ARRIVÉ", "stalled", "LATE"])
def test_an_unknown_status_is_kept_in_the_senders_word(word: str) -> None:
    update = parsed({**GOOD, "status": f" {word} "})
    assert (update.status, update.status_word, update.code) == (Status.UNKNOWN, word, word)


def test_what_is_mapped_is_the_code_and_else_the_word() -> None:
    assert parsed({**GOOD, "statusCode": "XB"}).code == "XB"
    assert parsed(GOOD).code == "IN_TRANSIT"


# --- when --------------------------------------------------------------------------------------


def test_the_time_is_the_senders_and_else_the_envelopes() -> None:
    assert (parsed(SCAN).event_time, parsed(SCAN).zone) == (1_772_350_200_250, "+01:00")
    assert (parsed(GOOD, NOON - 1).event_time, parsed(GOOD).zone) == (NOON - 1, "envelope")


def test_the_bounds_themselves_are_good() -> None:
    for instant in (EARLIEST, NOON + DAY):
        assert parsed({**GOOD, "occurredAt": format_time(instant)}).event_time == instant
        assert parsed(GOOD, instant).event_time == instant
    assert parsed({**GOOD, "eta": format_time(LATEST)}).eta == LATEST


def test_an_impossible_envelope_does_not_matter_where_the_sender_says_when() -> None:
    assert parsed(SCAN, 0) == parsed(SCAN, None) == parsed(SCAN)


# --- identity ----------------------------------------------------------------------------------


def test_the_senders_id_comes_first() -> None:
    assert parsed({**GOOD, "eventId": "E1"}).event_id == "E1"
    assert parsed({**SCAN, "eventId": "E1"}).event_id == "E1"


def test_without_an_id_and_a_time_of_its_own_an_event_has_the_envelopes_id() -> None:
    assert parsed(GOOD, event_id="envelope-2").event_id == "envelope-2"


def test_without_an_id_the_content_is_the_identity_whatever_the_envelope() -> None:
    one, two = parsed(SCAN, NOON, "envelope-1"), parsed(SCAN, NOON - 5, "envelope-2")
    assert one.event_id == two.event_id
    assert one.event_id.startswith("content:")


@pytest.mark.parametrize(
    "other",
    [
        {"shipmentId": "SHIP-2"},
        {"status": "DELIVERED"},
        {"status": "no such word"},
        {"occurredAt": "2026-03-01T08:30:00.251+01:00"},
        {"statusCode": "X"},
        {"reasonCode": "X"},
        {"statusCode": "X", "reasonCode": "Y"},
        {"carrier": "UPS"},
        {"location": "Chicago"},
        {"location": {"name": "Chicago"}},
        {"location": {"unlocode": "USCHI"}},
        {"eta": "2026-03-05T18:00:00Z"},
        {"references": ["X"]},
        {"references": {"X": ""}},
    ],
)
def test_other_content_is_another_identity(other: dict[str, Any]) -> None:
    assert parsed({**SCAN, **other}).event_id != parsed(SCAN).event_id


def test_two_unknown_words_are_two_identities() -> None:
    assert parsed({**SCAN, "status": "a"}).event_id != parsed({**SCAN, "status": "b"}).event_id


def test_the_same_in_other_clothes_is_the_same_identity() -> None:
    same = {**SCAN, "status": " in_transit ", "occurredAt": "2026-03-01T07:30:00.250Z"}
    assert parsed(same).event_id == parsed(SCAN).event_id


@pytest.mark.parametrize(
    "personal",
    [
        {"description": "Left with Mrs Miller"},
        {"recipient": "Mrs Miller"},
        {"location": {"name": "Hub", "postalCode": "20095"}},
        {"location": {"name": "Hub", "latitude": 53.5, "longitude": 10.1}},
    ],
)
def test_personal_data_is_no_part_of_an_identity(personal: dict[str, Any]) -> None:
    without = {**SCAN, "location": {"name": "Hub"}}
    assert parsed({**without, **personal}).event_id == parsed(without).event_id


# --- the fingerprint ---------------------------------------------------------------------------


def test_the_fingerprint_covers_what_the_fold_reads_and_nothing_else() -> None:
    base = {**SCAN, "eventId": "E", "location": {"name": "Hub"}}
    read: list[dict[str, Any]] = [
        {"status": "DELIVERED"},
        {"carrier": "UPS"},
        {"location": "Hub"},
        {"location": {"name": "Hub", "postalCode": "20095"}},
        {"location": {"name": "Hub", "longitude": 1}},
        {"eta": "2026-03-05T18:00:00Z"},
        {"reasonCode": "X"},
        {"status": "XB"},
    ]
    unread: list[dict[str, Any]] = [
        {"eventId": "F"},
        {"occurredAt": "2026-03-01T00:00:00Z"},
        {"statusCode": "X"},
        {"description": "X"},
        {"references": ["X"]},
        {"schemaVersion": "X"},
        {"extra": "X"},
    ]
    prints = [parsed({**base, **other}).fingerprint for other in ({}, *read)]
    assert len(set(prints)) == len(prints)
    assert {parsed({**base, **other}).fingerprint for other in unread} == {prints[0]}


def test_of_an_unknown_status_the_code_is_read_too() -> None:
    words = [{"status": "XA"}, {"status": "XB"}, {"status": "XA", "statusCode": "C"}]
    prints = {parsed({**SCAN, **said}).fingerprint for said in words}
    assert len(prints) == 3


def test_fingerprints_are_kept_for_ever() -> None:
    assert (
        fingerprint(
            Status.UNKNOWN,
            code="XB",
            carrier="UPS",
            location=Place(name="Hub", latitude=1.0),
            eta=NOON,
            reason_code=None,
        )
        == "1a4afa555af1e522ce0ab21a39e6a5fd"
    )


# --- places in words ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(name="Hub", unlocode="DEHAM", country="DE", postal_code="20095"), "Hub, DE"),
        (Place(unlocode="DEHAM"), "DEHAM"),
        (Place(country="DE"), "DE"),
        (Place(postal_code="20095", latitude=53.5), "a place without a name"),
    ],
)
def test_a_place_in_words_names_no_address(place: Place, words: str) -> None:
    assert str(place) == words
