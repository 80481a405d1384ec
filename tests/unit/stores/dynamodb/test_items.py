"""What stands in an item: readable where it is short, compressed where it is long."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest

from tests.support.clocks import NOON
from tests.support.stores import update
from waypost.core.entries import MAPPINGS
from waypost.core.errors import StoreUnusable
from waypost.core.updates import (
    CODE_LIMIT,
    DESCRIPTION_LIMIT,
    EVENT_ID_LIMIT,
    ID_LIMIT,
    PLACE_LIMIT,
    REFERENCES_LIMIT,
    Place,
)
from waypost.stores.dynamodb.items import is_quiet, read_entry, to_item
from waypost.stores.dynamodb.texts import KEPT, PACKED_LIMIT, TEXT_LIMIT, raw_attributes, unpack

ITEM_LIMIT = 400 * 1024


def noise(size: int) -> str:
    """Return a text that does not compress well."""
    return random.Random(1).randbytes(size // 2 + 1).hex()[:size]


def kept(**fields: Any) -> dict[str, Any]:
    return to_item(update(**fields), quiet=False) | {"timestamp": {"N": str(NOON)}}


def size(item: dict[str, Any]) -> int:
    """Return how many bytes DynamoDB counts, about."""
    values = (value for attribute in item.values() for value in attribute.values())
    return sum(len(v) if isinstance(v, bytes) else len(str(v).encode()) for v in values) + sum(
        len(name) for name in item
    )


def test_the_attributes_that_were_always_there_still_are() -> None:
    item = kept(location="Memphis, TN", carrier="FedEx", raw_event='{"a": 1}')
    assert item["shipmentId"] == {"S": "SHIP-1"}
    assert item["status"] == {"S": "IN_TRANSIT"}
    assert item["location"] == {"S": "Memphis, TN"}
    assert item["carrier"] == {"S": "FedEx"}
    assert item["eventTime"] == {"S": "2026-03-02T12:00:00.000Z"}
    assert item["rawEvent"] == {"S": '{"a": 1}'}


def test_no_number_is_a_float() -> None:
    place = Place(name="Hub", latitude=5e-324, longitude=-179.99999999999997)
    item = kept(location=place)
    numbers = [a["N"] for a in item.values() if "N" in a]
    assert numbers == [str(NOON)]
    assert item["location"]["M"]["latitude"] == {"S": "5e-324"}
    assert read_entry(item) == update(location=place)


@pytest.mark.parametrize("length", [0, 1, TEXT_LIMIT - 1, TEXT_LIMIT])
def test_a_short_raw_event_is_text(length: int) -> None:
    raw = noise(length)
    assert raw_attributes(raw) == {"rawEvent": {"S": raw}}


@pytest.mark.parametrize("raw", [noise(TEXT_LIMIT + 1), "é" * TEXT_LIMIT, '{"a": 1}' * 120_000])
def test_a_long_raw_event_is_compressed_and_comes_back_whole(raw: str) -> None:
    item = kept(raw_event=raw)
    assert list(item["rawEvent"]) == ["B"]
    assert "rawBytes" not in item
    assert read_entry(item) == update(raw_event=raw)


def test_a_raw_event_that_is_too_long_keeps_its_head_its_size_and_its_hash_and_says_so() -> None:
    raw = "é" + noise(1_000_000)
    found = raw_attributes(raw)
    sha256 = hashlib.sha256(raw.encode()).hexdigest()
    assert found["rawBytes"] == {"N": "1000002"}
    assert found["rawSha256"] == {"S": sha256}
    text = unpack(found["rawEvent"])
    assert text.encode()[:KEPT] == raw.encode()[:KEPT]
    assert text.endswith(f"\n[cut here: 1000002 bytes in all, SHA-256 {sha256}]")
    assert len(text) < KEPT + 200


def test_a_raw_event_is_never_cut_within_a_character() -> None:
    raw = "a" + "".join(random.Random(2).choices("éßøåæ", k=1_500_000))
    assert "\ufffd" not in unpack(raw_attributes(raw)["rawEvent"])


def test_the_largest_update_fits_into_an_item() -> None:
    chance = random.Random(3)

    def wide(length: int) -> str:
        return "".join(chr(chance.randrange(0x20000, 0x2A6D0)) for _ in range(length))

    largest = kept(
        shipment_id=wide(ID_LIMIT),
        event_id=wide(EVENT_ID_LIMIT),
        sender=wide(EVENT_ID_LIMIT),
        status_word=wide(ID_LIMIT),
        carrier=wide(ID_LIMIT),
        description=wide(DESCRIPTION_LIMIT),
        location=Place(name=wide(PLACE_LIMIT), latitude=1.0),
        references=tuple((wide(CODE_LIMIT), wide(PLACE_LIMIT)) for _ in range(REFERENCES_LIMIT)),
        raw_event=noise(530_000),
    )
    assert "rawBytes" not in largest
    assert PACKED_LIMIT * 0.9 < size(largest) < ITEM_LIMIT


@pytest.mark.parametrize(
    "change",
    [
        {"kind": {"S": "from the future"}, "sender": {"N": "1"}},
        {"kind": {"S": "from the future"}, "shipmentId": {"S": MAPPINGS}},
        {"eventTime": {"S": "yesterday"}},
        {"rawEvent": {"B": b"no zlib"}},
        {"fingerprint": {"N": "1"}},
    ],
    ids=str,
)
def test_an_item_of_somebody_else_is_named_and_nothing_is_guessed(change: dict[str, Any]) -> None:
    with pytest.raises(StoreUnusable, match=f" at {NOON} cannot be read"):
        read_entry(kept() | change)


def early(detail: object, **attributes: Any) -> dict[str, Any]:
    """Return a row as the first processor wrote it."""
    return {
        "shipmentId": {"S": "SHIP-12345"},
        "timestamp": {"N": str(NOON)},
        "status": {"S": "IN_TRANSIT"},
        "location": {"S": "Unknown"},
        "carrier": {"S": "Unknown"},
        "eventTime": {"S": "2026-03-02T12:00:00.123456"},
        "rawEvent": {"S": json.dumps(detail)},
        **attributes,
    }


DETAIL = {
    "shipmentId": "SHIP-12345",
    "status": "in_transit ",
    "location": "Memphis, TN",
    "carrier": "FedEx",
}


def read_update(item: dict[str, Any]) -> Any:
    return read_entry(item)


def test_a_row_from_before_there_were_ids_is_an_update() -> None:
    found = read_update(early(DETAIL))
    assert found.shipment_id == "SHIP-12345"
    assert (found.sender, found.event_id) == ("logistics.shipments", f"seed:{NOON}")
    assert (found.event_time, found.record_time, found.zone) == (NOON, NOON, "envelope")
    assert (found.status, found.status_word) == ("IN_TRANSIT", "in_transit")
    assert (found.location, found.carrier) == ("Memphis, TN", "FedEx")
    assert json.loads(found.raw_event) == DETAIL


def test_what_an_early_row_did_not_name_is_not_unknown_but_nothing() -> None:
    found = read_update(early({"shipmentId": "SHIP-12345", "status": "LOST"}))
    assert (found.location, found.carrier) == (None, None)


def test_the_sender_s_own_id_and_time_count_in_an_early_row() -> None:
    detail = DETAIL | {"eventId": "scan-1", "occurredAt": "2026-03-01T08:00:00+01:00"}
    found = read_update(early(detail))
    assert found.event_id == "scan-1"
    assert (found.event_time, found.zone) == (NOON - 29 * 3_600_000, "+01:00")


@pytest.mark.parametrize(
    "wrong",
    [
        {"location": None},
        {"location": {"latitude": 4_000}},
        {"carrier": 7},
        {"occurredAt": "yesterday"},
        {"eventId": ""},
        {"location": None, "carrier": None, "eta": "soon"},
    ],
    ids=str,
)
def test_what_is_wrong_in_an_early_row_is_left_out_and_the_row_is_read(
    wrong: dict[str, Any],
) -> None:
    found = read_update(early(DETAIL | wrong))
    assert (found.event_id, found.event_time) == (f"seed:{NOON}", NOON)
    assert found.status == "IN_TRANSIT"
    assert json.loads(found.raw_event) == DETAIL | wrong


@pytest.mark.parametrize("status", [7, None, "", "x" * 200])
def test_a_status_that_is_none_is_unknown(status: object) -> None:
    assert read_update(early(DETAIL | {"status": status})).status == "UNKNOWN"


def test_an_early_row_is_of_the_shipment_under_which_it_is_kept() -> None:
    key = "line\nbreak" * 20
    assert read_update(early(DETAIL, shipmentId={"S": key})).shipment_id == key


def test_an_early_row_whose_raw_event_is_no_object_has_its_attributes() -> None:
    row = early(DETAIL, rawEvent={"S": "[1, NaN]"}, status={"S": "LOST"}, carrier={"NULL": True})
    found = read_update(row)
    assert (found.status, found.carrier, found.raw_event) == ("LOST", None, "[1, NaN]")


@pytest.mark.parametrize("row", [early(DETAIL, timestamp={"N": "12"}), early(DETAIL)])
def test_a_row_that_is_neither_ours_nor_early_is_refused(row: dict[str, Any]) -> None:
    if row["timestamp"]["N"] != "12":
        del row["rawEvent"]
    with pytest.raises(StoreUnusable, match="cannot be read"):
        read_entry(row)


def test_early_rows_and_quiet_entries_alert_nobody() -> None:
    assert is_quiet(early(DETAIL))
    assert is_quiet(to_item(update(), quiet=True))
    assert not is_quiet(kept())
