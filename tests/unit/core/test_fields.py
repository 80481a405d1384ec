from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.errors import InvalidUpdate, Problem
from waypost.core.fields import Fields, decode


def refusal(data: bytes | str) -> str:
    with pytest.raises(InvalidUpdate) as caught:
        decode(data)
    [problem] = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "is not JSON"),
        (b"", "is not JSON"),
        ("{", "is not JSON"),
        ("{'a': 1}", "is not JSON"),
        ("[1,]", "is not JSON"),
        ("NaN", "is not JSON"),
        ("[-Infinity]", "is not JSON"),
        ("1" * 10_000, "is not JSON"),
        ('{"a": [1e400]}', "has a number beyond a double"),
        ("-1E+309", "has a number beyond a double"),
        (b"\xff", "is not UTF-8"),
        (b'"\xed\xa0\x80"', "is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "is not UTF-8"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"a":' * 100_000, "is nested too deeply"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_not_json_is_refused(data: bytes | str, problem: str) -> None:
    assert refusal(data) == problem


def test_json_is_decoded() -> None:
    assert decode('{"a": [1, 1.5, null, "\\u00fc"]}') == {"a": [1, 1.5, None, "ü"]}
    assert decode('"ü"'.encode()) == "ü"


@given(st.one_of(st.binary(), st.text(), st.text(st.sampled_from('[]{},:"0123456789eE.-+tfn\\u'))))
def test_nothing_else_is_ever_raised(data: bytes | str) -> None:
    try:
        decode(data)
    except InvalidUpdate as error:
        assert len(error.problems) == 1  # noqa: PT017 (most inputs raise nothing)


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", [], [{}]])
def test_only_an_object_has_members(value: object) -> None:
    with pytest.raises(InvalidUpdate) as caught:
        Fields(value)
    assert caught.value.problems == (Problem("", "must be a JSON object"),)


def test_an_object_without_problems_passes() -> None:
    fields = Fields({"a": "text"})
    assert fields.text("a", 4) == "text"
    assert fields.text("b", 4) is None
    fields.check()


def test_all_problems_are_raised_at_once_with_their_paths() -> None:
    fields = Fields({"a": 1, "b": {"c": "x"}})
    fields.text("a", 1)
    nested = fields.nested("b")
    assert "c" in nested
    nested.number("c", -1.5, 2)
    with pytest.raises(
        InvalidUpdate, match=r"^a: must be text; b.c: must be a number from -1.5 to 2$"
    ):
        fields.check()
