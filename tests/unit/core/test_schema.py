"""The published JSON Schema and `parse` say the same, up to what a schema cannot say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support.clocks import NOON
from waypost.core.errors import InvalidUpdate
from waypost.core.updates import Event, parse

REFERENCE: Final = Path(__file__).parents[3] / "docs" / "reference"
SCHEMA: Final = json.loads((REFERENCE / "detail.schema.json").read_text("utf-8"))
VALIDATOR: Final = Draft202012Validator(SCHEMA)

# What the schema cannot say is kept out of the generated details: unprintable characters beyond
# U+00FF, days that do not exist, and instants out of bounds.
CHARACTERS: Final = st.sampled_from("aZ0 -:é€\U0001f4e6\0\t\n\r\x1f\x7f\x85\xa0\xad")
LENGTHS: Final = [1, 6, 7, 16, 17, 64, 65, 128, 129, 256, 257, 4_096, 4_097]

texts = st.one_of(
    st.text(CHARACTERS, max_size=4),
    st.sampled_from(["", " ", "x", "IN_TRANSIT"]),
    st.sampled_from(LENGTHS).map(lambda length: "x" * length),
)
instants = st.one_of(
    st.from_regex(
        r"20[0-3][1-5]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]"
        r":([0-5][0-9]|60)(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
        fullmatch=True,
        alphabet=st.characters(codec="ascii"),
    ),
    st.sampled_from(
        [
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00Z\n",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-13-01T00:00:00Z",
            "2026-01-32T00:00:00Z",
        ]
    ),
)
numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from([-180, -90.5, -90, 0, 1.0, 90, 180, 999_999, 1e6])
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.one_of(
    scalars, st.lists(scalars, max_size=3), st.dictionaries(texts, scalars, max_size=3)
)
references = st.one_of(
    st.lists(texts, max_size=3),
    st.dictionaries(texts, texts, max_size=3),
    st.sampled_from([["x"] * 50, ["x"] * 51, {str(n): "" for n in range(51)}]),
    values,
)
PLACE: Final = ["name", "unlocode", "country", "postalCode", "latitude", "longitude", "extra"]
places = st.dictionaries(st.sampled_from(PLACE), st.one_of(texts, numbers, values), max_size=4)
TEXTS: Final = ["eventId", "carrier", "statusCode", "reasonCode", "description", "schemaVersion"]


def times() -> st.SearchStrategy[object]:
    """Instants mostly, so that most details are good."""
    return st.one_of(instants, instants, instants, values)


details = st.one_of(
    st.fixed_dictionaries(
        {
            "shipmentId": st.one_of(st.just("SHIP-1"), texts),
            "status": st.one_of(st.just("LOST"), texts),
        },
        optional={
            "occurredAt": st.one_of(st.just("2026-01-01T00:00:00Z"), times()),
            "eta": times(),
            "location": st.one_of(texts, places, values),
            "references": references,
            "extra": values,
            **dict.fromkeys(TEXTS, st.one_of(texts, texts, values)),
        },
    ),
    values,
)


def accepts(detail: object) -> bool:
    # The year 2040: no generated instant is ahead of it.
    now = NOON + 14 * 366 * 86_400_000
    event = Event(id="1", source="logistics.shipments", time=NOON, detail=detail, raw="")
    try:
        parse(event, now=now)
    except InvalidUpdate as error:
        assert error.problems  # noqa: PT017 (a good detail raises nothing)
        return False
    return True


def is_json(detail: object) -> bool:
    try:
        json.dumps(detail, allow_nan=False)
    except ValueError:
        return False
    return True


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@given(details.filter(is_json))
def test_the_schema_and_the_code_agree(detail: object) -> None:
    good = accepts(detail)
    note(f"good: {good}")
    assert VALIDATOR.is_valid(detail) == good, list(VALIDATOR.iter_errors(detail))


@pytest.mark.parametrize("name", [*SCHEMA["properties"], "unknown"])
@given(value=st.one_of(values, times(), places, references).filter(is_json))
def test_they_agree_on_each_member_alone(name: str, value: object) -> None:
    detail = {"shipmentId": "SHIP-1", "status": "LOST", name: value}
    assert VALIDATOR.is_valid(detail) == accepts(detail)


@pytest.mark.parametrize(
    "member",
    [
        {"carrier": "\u200b"},
        {"eta": "2026-02-30T00:00:00Z"},
        {"eta": "2100-01-01T00:00:01Z"},
        {"occurredAt": "1999-12-31T23:59:59Z"},
    ],
)
def test_what_a_schema_cannot_say_the_code_refuses(member: dict[str, Any]) -> None:
    detail = {"shipmentId": "SHIP-1", "status": "LOST", **member}
    assert VALIDATOR.is_valid(detail)
    assert not accepts(detail)


def test_the_page_explains_each_member() -> None:
    page = (REFERENCE / "update.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(SCHEMA["properties"])


def test_each_example_of_the_page_is_good() -> None:
    page = (REFERENCE / "update.md").read_text("utf-8")
    examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert examples
    for example in examples:
        VALIDATOR.validate(json.loads(example))
        assert accepts(json.loads(example))
