from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import NOON, FakeClock
from tests.support.serving import entry
from waypost.core import times
from waypost.metrics.memory import MemoryMetrics
from waypost.record import record
from waypost.server.put_events import (
    CONTENT_TYPE,
    SIZE_LIMIT,
    TARGET,
    TIME_SIZE,
    Call,
    check_headers,
    read_call,
)
from waypost.server.refusals import Reason, Refusal
from waypost.stores.memory import MemoryStore

MEMBERS = ["Source", "DetailType", "Detail", "Time", "Resources", "EventBusName", "TraceHeader"]
DETAIL_MEMBERS = [
    *("shipmentId", "status", "eventId", "occurredAt", "eta", "location", "carrier", "statusCode"),
    *("reasonCode", "description", "references", "schemaVersion", "unknown"),
]
MALFORMED = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}


def read(*entries: object) -> Call:
    return read_call(json.dumps({"Entries": entries}).encode(), FakeClock())


def refused(body: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_call(body, FakeClock())
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"Entries": NaN}',
        b'{"Entries": "x"}',
        b'{"Entries": [1]}',
        b'{"Entries": [null]}',
        b'{"Entries": [{"Source": 1}]}',
        b'{"Entries": [{"DetailType": []}]}',
        b'{"Entries": [{"Detail": {"shipmentId": "A"}}]}',
        b'{"Entries": [{"EventBusName": 1}]}',
        b'{"Entries": [{"Resources": "arn"}]}',
        b'{"Entries": [{"Resources": [1]}]}',
        b'{"Entries": [{"Time": true}]}',
        b'{"Entries": [{"Time": {}}]}',
        b'{"Entries": [{"Time": "yesterday"}]}',
        b'{"Entries": [{"Time": "2026-03-02T12:00:00"}]}',
        b'{"Entries": [{"Time": 1e999}]}',
        b'{"Entries": [{"Detail": "\\ud800"}]}',
        b'{"Entries": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_a_body_of_the_wrong_form_is_a_serialization_exception(body: bytes) -> None:
    assert refused(body).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{}", "'entries' failed to satisfy constraint: Member must not be null"),
        (b'{"Entries": null}', "Member must not be null"),
        (b'{"Entries": []}', "Member must have length greater than or equal to 1"),
        (
            b'{"Entries": [' + b",".join([b"{}"] * 11) + b"]}",
            "Member must have length less than or equal to 10",
        ),
        (b'{"Entries": [{"EventBusName": ""}]}', "'entries.1.member.eventBusName'"),
        (b'{"Entries": [{}, {"EventBusName": "a b"}]}', "'entries.2.member.eventBusName'"),
        (b'{"Entries": [{"EventBusName": "' + b"a" * 1_601 + b'"}]}', "eventBusName"),
    ],
)
def test_a_call_that_breaks_a_rule_is_a_validation_exception(body: bytes, words: str) -> None:
    refusal = refused(body)
    assert refusal.reason is Reason.INVALID
    assert refusal.message.startswith("1 validation error detected: ")
    assert words in refusal.message


def test_a_refusal_repeats_nothing_of_the_payload() -> None:
    body = json.dumps({"Entries": [entry("SECRET")] * 11}).encode()
    assert "SECRET" not in refused(body).message


@pytest.mark.parametrize("name", ["Source", "DetailType", "Detail"])
@pytest.mark.parametrize("value", [None, ""])
def test_an_entry_that_misses_a_member_fails_alone(name: str, value: str | None) -> None:
    call = read(entry() | {name: value}, entry())
    message = f"Parameter {name} is not valid. Reason: {name} is a required argument."
    assert call.entries[0] == {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    assert "EventId" in call.entries[1]
    assert call.failed == 1
    assert len(call.events) == 1


def test_a_long_detail_type_fails_the_entry() -> None:
    call = read(entry() | {"DetailType": "x" * 129}, entry() | {"DetailType": "x" * 128})
    assert call.entries[0]["ErrorCode"] == "InvalidArgument"
    assert "EventId" in call.entries[1]


@pytest.mark.parametrize(
    "detail",
    [
        "x",
        "[]",
        '"text"',
        "1",
        "null",
        "{",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        "{'a': 1}",
        '{"a":' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
)
def test_a_detail_that_is_no_json_object_is_malformed(detail: str) -> None:
    call = read(entry() | {"Detail": detail})
    assert call.entries == [MALFORMED]
    assert call.failed == 1
    assert call.events == []


@pytest.mark.parametrize(
    "detail",
    [
        "{}",
        '{"shipmentId": 1, "shipmentId": 2}',
        '{"n": 123456789012345678901234567890}',
        '{"a":' + "[" * 900 + "]" * 900 + "}",
        ' {"name": "Zoë \\n"} ',
    ],
)
def test_any_json_object_is_accepted_and_kept_as_it_came(detail: str) -> None:
    [event] = read(entry() | {"Detail": detail}).events
    assert event.raw == detail


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("Source", "logistics.shipment"),
        ("DetailType", "Shipment update"),
        ("EventBusName", "other"),
        ("EventBusName", "arn:aws:events:eu-west-1:123456789012:event-bus/other"),
    ],
)
def test_what_the_rule_does_not_match_is_accepted_and_not_recorded(member: str, value: str) -> None:
    call = read(entry() | {member: value})
    assert "EventId" in call.entries[0]
    assert (call.events, call.unrouted, call.failed) == ([], 1, 0)


@pytest.mark.parametrize(
    "bus", [None, "default", "arn:aws:events:eu-west-1:123456789012:event-bus/default"]
)
def test_the_default_bus_may_be_named(bus: str | None) -> None:
    assert len(read(entry() | {"EventBusName": bus}).events) == 1


def sized(size: int, **members: Any) -> bytes:
    """Return a call with one entry of exactly so many bytes, as AWS counts them."""
    rest = {"Source": "ß", "DetailType": "é", **members}
    counted = 4 + sum(len(arn.encode()) for arn in members.get("Resources", []))
    counted += TIME_SIZE if "Time" in members else 0
    detail = json.dumps({"x": ""})
    detail = json.dumps({"x": "y" * (size - counted - len(detail))})
    return json.dumps({"Entries": [rest | {"Detail": detail}]}).encode()


@pytest.mark.parametrize("members", [{}, {"Time": 1}, {"Resources": ["ä", "arn"]}])
def test_the_sizes_of_all_entries_together_are_less_than_one_megabyte(members: Any) -> None:
    refusal = refused(sized(SIZE_LIMIT, **members))
    assert refusal.reason is Reason.INVALID
    assert refusal.message == "Total size of the entries in the request is over the limit."
    assert read_call(sized(SIZE_LIMIT - 1, **members), FakeClock()).failed == 0


def test_two_entries_share_the_megabyte() -> None:
    half = json.loads(sized(SIZE_LIMIT // 2))["Entries"]
    assert refused(json.dumps({"Entries": half * 2}).encode()).reason is Reason.INVALID


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, NOON),
        (1_704_070_923.456789, 1_704_070_923_000),
        (1_704_070_923, 1_704_070_923_000),
        ("2024-01-01T01:02:03.9+00:00", 1_704_070_923_000),
        (-0.5, -1_000),
        (1e300, 253_402_300_799_000),
        (-1e300, -62_135_596_800_000),
        (10**30, 253_402_300_799_000),
    ],
)
def test_the_time_is_given_or_now_in_whole_seconds(time: object, expected: int) -> None:
    clock = FakeClock(NOON + 999)
    body = json.dumps({"Entries": [entry() | {"Time": time}]}).encode()
    [event] = read_call(body, clock).events
    assert event.time == expected
    assert times.format_time(event.time)


def test_each_entry_gets_an_id_of_its_own_that_its_event_carries() -> None:
    call = read(entry(), entry() | {"Detail": "x"}, entry() | {"Source": "other"}, entry())
    ids = [result.get("EventId") for result in call.entries]
    assert [event.id for event in call.events] == [ids[0], ids[3]]
    assert len(set(ids)) == 4
    assert json.loads(call.answer()) == {"FailedEntryCount": 1, "Entries": call.entries}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=12,
)
DETAIL = st.dictionaries(st.sampled_from(DETAIL_MEMBERS), JSON, max_size=8).map(json.dumps)
CHANGES = st.fixed_dictionaries(
    {}, optional={"Detail": DETAIL, "Time": JSON, "Resources": JSON, "EventBusName": JSON}
)
ENTRY = CHANGES.map(lambda changes: entry() | changes)


@given(st.lists(ENTRY | JSON, max_size=11))
def test_whatever_is_sent_is_refused_or_recorded_or_quarantined(entries: list[object]) -> None:
    clock, store = FakeClock(), MemoryStore()
    try:
        call = read_call(json.dumps({"Entries": entries}).encode(), clock)
    except Refusal as refusal:
        assert refusal.reason in {Reason.MALFORMED, Reason.INVALID}  # noqa: PT017 (either may be)
        return
    record(call.events, store=store, metrics=MemoryMetrics(), now=clock.now())
    kept = len(list(store.entries())) + len(store.rejected())
    assert kept <= len(call.events)
    assert call.failed + call.unrouted + len(call.events) == len(entries) == len(call.entries)
    assert json.loads(call.answer())["FailedEntryCount"] == call.failed


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, Reason.UNKNOWN_OPERATION),
        ({b"x-amz-target": b"AWSEvents.ListRules"}, Reason.UNKNOWN_OPERATION),
        ({b"x-amz-target": TARGET}, Reason.MALFORMED),
        ({b"x-amz-target": TARGET, b"content-type": b"application/json"}, Reason.MALFORMED),
    ],
)
def test_another_operation_or_content_type_is_refused(
    headers: dict[bytes, bytes], reason: Reason
) -> None:
    with pytest.raises(Refusal) as caught:
        check_headers(headers)
    assert caught.value.reason is reason


def test_the_content_type_may_have_a_parameter() -> None:
    check_headers({b"x-amz-target": TARGET, b"content-type": CONTENT_TYPE + b"; charset=utf-8"})
