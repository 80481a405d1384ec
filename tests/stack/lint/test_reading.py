"""Texts become data with lines, or are refused: whoever wrote them."""

from __future__ import annotations

import pytest

from waypost.stack.errors import UnusableTemplate
from waypost.stack.lint import reading
from waypost.stack.lint.reading import Map, Seq, read


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no mapping"),
        (b"- a", "no mapping"),
        (b"a: [1", "line 2: did not find expected"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a: \x00", "control characters"),
        (b"a: 1\n---\nb: 2", "line 2: a second document"),
        (b"a: 1\na: 2", "line 2: 'a' stands twice"),
        (b"? [a]\n: 1", "a key has to be a word"),
        (b"a: &x {b: 1}\nc: {<<: *x}", "merges no mappings"),
        (b"a: *x", "alias 'x' of nothing"),
        (b"a: &x [*x]", "alias 'x' of nothing"),
        (b"%YAML 9.9\n---\na: 1", "incompatible"),
    ],
)
def test_what_is_no_template_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(UnusableTemplate, match=why):
        read(text)


def test_a_text_that_is_too_large_is_refused() -> None:
    with pytest.raises(UnusableTemplate, match="1,048,576 bytes"):
        read(b"a" * (reading.SIZE_LIMIT + 1))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_text_that_is_too_deep_is_refused(opening: bytes) -> None:
    with pytest.raises(UnusableTemplate, match="100 values within each other"):
        read(b"a: " + opening * 100_000)


def test_an_avalanche_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    with pytest.raises(UnusableTemplate, match="200,000 values"):
        read("\n".join(lines).encode())


def test_an_alias_stands_for_what_it_names() -> None:
    assert read(b"a: &x {b: 1}\nc: *x") == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!GetAtt A.Arn", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!GetAtt A.Outputs.B", {"Fn::GetAtt": ["A", "Outputs.B"]}),
        ("!GetAtt [A, Arn]", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!Sub 'a-${B}'", {"Fn::Sub": "a-${B}"}),
        ("!Sub ['${C}', {C: 1}]", {"Fn::Sub": ["${C}", {"C": 1}]}),
        ("!If [A, !Ref B, 2]", {"Fn::If": ["A", {"Ref": "B"}, 2]}),
        ("!Condition A", {"Condition": "A"}),
        ("!Sub '12'", {"Fn::Sub": "12"}),
    ],
)
def test_short_tags_are_their_long_forms(short: str, long: object) -> None:
    assert read(f"x: {short}".encode())["x"] == long


def test_foreign_tags_make_nothing_run() -> None:
    assert read(b"x: !!python/object/apply:os.system [ls]")["x"] == ["ls"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-2", -2),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("true", True),
        ("OFF", False),
        ("~", None),
        ("'1'", "1"),
        ("2012-10-17", "2012-10-17"),
        ("1:20", "1:20"),
        ("1_000", 1000),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_are_what_cloudformation_takes_them_for(written: str, value: object) -> None:
    assert read(f"x: {written}".encode())["x"] == value


def test_lines_are_kept() -> None:
    read_ = read(b"# a\nA:\n  B: 1\n  C:\n    - x\n    - !Ref y\n")

    assert read_.lines == {"A": 2}
    inner = read_["A"]
    assert isinstance(inner, Map)
    assert inner.lines == {"B": 3, "C": 4}
    assert isinstance(inner["C"], Seq)
    assert (inner["C"].line, inner["C"][1].line) == (5, 6)


def test_json_is_read_too() -> None:
    text = b'{\n\t"a": {"b": [1, true, null, "\\u00e9\\ud83d\\ude00\\/"]}\n}'

    assert read(text) == {"a": {"b": [1, True, None, "\u00e9\U0001f600/"]}}
    assert read(text).lines == {"a": 2}
