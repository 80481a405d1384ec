"""What parse refuses: every problem of a bad detail at once, and never the value itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.clocks import NOON
from waypost.core.errors import InvalidUpdate
from waypost.core.times import DAY, EARLIEST, LATEST, format_time
from waypost.core.updates import Event, parse

GOOD: dict[str, Any] = {"shipmentId": "SHIP-1", "status": "IN_TRANSIT"}
SECRET = "s3cr3t"  # what no message may repeat
MEGABYTE = SECRET * 170_000


def problems(detail: object, time: int | None = NOON) -> list[str]:
    event = Event(id="envelope-1", source="logistics.shipments", time=time, detail=detail, raw="")
    with pytest.raises(InvalidUpdate) as caught:
        parse(event, now=NOON)
    return [str(problem) for problem in caught.value.problems]


RFC_3339 = "must be an RFC 3339 time with an offset, such as 2026-11-23T08:30:00+01:00"
REFERENCES = (
    "references: must have names of at most 64 and texts of at most 256 printable characters"
)
NOT_TEXT: list[object] = [None, True, 0, 1.5, [], [SECRET], {}, {"a": SECRET}]
TEXTS = {
    "shipmentId": 128,
    "status": 128,
    "carrier": 128,
    "statusCode": 64,
    "reasonCode": 64,
    "eventId": 256,
}
NO_OBJECTS: list[object] = [None, True, 1, 1.5, SECRET, [GOOD]]
BAD_LATITUDES: list[object] = [None, True, "1", [], float("nan"), float("inf"), 10**400, -91]
BAD_VERSIONS: list[object] = [None, True, [], {}, -1, 1e6, float("nan")]
BAD_REFERENCES: list[object] = [
    [1],
    [None],
    [[SECRET]],
    ["x" * 257],
    [SECRET + "\n"],
    {"po": 1},
    {"x" * 65: "1"},
    {SECRET + "\0": "1"},
]
BAD_DETAILS: list[tuple[object, list[str]]] = [
    *[(value, ["must be a JSON object"]) for value in NO_OBJECTS],
    ({}, ["shipmentId: is missing", "status: is missing"]),
    ({"shipmentId": "SHIP-1"}, ["status: is missing"]),
    (
        {"shipmentId": "", "status": ""},
        ["shipmentId: must not be blank", "status: must not be blank"],
    ),
    ({**GOOD, "shipmentId": "  "}, ["shipmentId: must not be blank"]),
    ({**GOOD, "eventId": " "}, ["eventId: must not be blank"]),
    *[({**GOOD, name: value}, [f"{name}: must be text"]) for name in TEXTS for value in NOT_TEXT],
    *[
        ({**GOOD, name: text}, [f"{name}: must have at most {limit} characters"])
        for name, limit in TEXTS.items()
        for text in ("x" * (limit + 1), MEGABYTE)
    ],
    *[
        ({**GOOD, name: SECRET + char}, [f"{name}: must have printable characters only"])
        for name in TEXTS
        for char in "\0\n\x1f\x7f\x85\xa0\u200b\u2028\ud800\ue000"
    ],
    ({**GOOD, "shipmentId": "\x1fmappings"}, ["shipmentId: must have printable characters only"]),
    *[({**GOOD, "description": value}, ["description: must be text"]) for value in NOT_TEXT],
    ({**GOOD, "description": MEGABYTE}, ["description: must have at most 4096 characters"]),
    (
        {**GOOD, "description": SECRET + "\0"},
        ["description: must have printable characters and line breaks only"],
    ),
    *[
        ({**GOOD, "location": value}, ["location: must be text or an object"])
        for value in (None, False, 7, 1.5, [SECRET])
    ],
    ({**GOOD, "location": MEGABYTE}, ["location: must have at most 256 characters"]),
    (
        {
            **GOOD,
            "location": {
                "name": 1,
                "unlocode": "USCHI" + SECRET,
                "country": None,
                "postalCode": ["20095"],
                "latitude": 90.1,
                "longitude": SECRET,
            },
        },
        [
            "location.name: must be text",
            "location.unlocode: must have at most 6 characters",
            "location.country: must be text",
            "location.postalCode: must be text",
            "location.latitude: must be a number from -90 to 90",
            "location.longitude: must be a number from -180 to 180",
        ],
    ),
    *[
        (
            {**GOOD, "location": {"latitude": value}},
            ["location.latitude: must be a number from -90 to 90"],
        )
        for value in BAD_LATITUDES
    ],
    *[
        ({**GOOD, name: value}, [f"{name}: {RFC_3339}"])
        for name in ("occurredAt", "eta")
        for value in (*NOT_TEXT, "", SECRET, MEGABYTE, "2026-03-01", "2026-03-01T08:30:00")
    ],
    *[
        ({**GOOD, name: "2026-02-30T00:00:00Z"}, [f"{name}: names a day that does not exist"])
        for name in ("occurredAt", "eta")
    ],
    *[
        ({**GOOD, name: format_time(EARLIEST - 1)}, [f"{name}: must not be before 2000-01-01"])
        for name in ("occurredAt", "eta")
    ],
    (
        {**GOOD, "occurredAt": format_time(NOON + DAY + 1)},
        ["occurredAt: must not be more than a day ahead of now"],
    ),
    ({**GOOD, "eta": format_time(LATEST + 1)}, ["eta: must not be after 2100-01-01"]),
    *[
        (
            {**GOOD, "references": value},
            ["references: must be an object of texts or a list of texts"],
        )
        for value in (None, False, 7, 1.5, SECRET)
    ],
    ({**GOOD, "references": ["x"] * 51}, ["references: must have at most 50 members"]),
    *[({**GOOD, "references": value}, [REFERENCES]) for value in BAD_REFERENCES],
    *[
        ({**GOOD, "schemaVersion": value}, ["schemaVersion: must be a number from 0 to 999999"])
        for value in BAD_VERSIONS
    ],
    (
        {**GOOD, "schemaVersion": "1" * 65},
        ["schemaVersion: must have at most 64 characters"],
    ),
    (
        {"status": 5, "occurredAt": 1, "carrier": None, "location": 3, "eta": [], "extra": None},
        [
            "shipmentId: is missing",
            "status: must be text",
            f"eta: {RFC_3339}",
            "carrier: must be text",
            "location: must be text or an object",
            f"occurredAt: {RFC_3339}",
        ],
    ),
]


@pytest.mark.parametrize(
    ("detail", "expected"), BAD_DETAILS, ids=[f"detail {n}" for n in range(len(BAD_DETAILS))]
)
def test_a_bad_detail_is_refused_with_all_its_problems(detail: object, expected: list[str]) -> None:
    found = problems(detail)
    assert found == expected
    assert SECRET not in "".join(found)


def test_an_event_without_any_time_is_refused() -> None:
    assert problems(GOOD, time=None) == ["occurredAt: is missing"]


@pytest.mark.parametrize(
    ("time", "problem"),
    [
        (EARLIEST - 1, "time: must not be before 2000-01-01"),
        (0, "time: must not be before 2000-01-01"),
        (NOON + DAY + 1, "time: must not be more than a day ahead of now"),
    ],
)
def test_an_envelope_with_an_impossible_time_is_refused(time: int, problem: str) -> None:
    assert problems(GOOD, time) == [problem]
