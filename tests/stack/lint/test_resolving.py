"""Intrinsic functions, as far as they can be known before a deployment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.linting import TODAY
from waypost.stack.errors import UnusableTemplate
from waypost.stack.lint import template
from waypost.stack.lint.facts import Facts
from waypost.stack.lint.reading import read
from waypost.stack.lint.template import View, views
from waypost.stack.lint.values import Hole, Reference, is_known

TEMPLATE = """
Parameters:
  Suffix: {Type: String, Default: dev}
  Open: {Type: String}
  Many: {Type: CommaDelimitedList, Default: 'a,b'}
  Secret: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /a/path}
Mappings:
  Sizes: {dev: {memory: 128}}
Conditions:
  IsDev: !Equals [!Ref Suffix, dev]
  IsProd: !Not [!Condition IsDev]
  Both: !And [!Condition IsDev, !Condition IsProd]
  Either: !Or [!Condition IsDev, !Condition IsProd]
Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {QueueName: q}}
  X: {Type: Custom::X, Properties: {value: VALUE}}
"""


def all_views(value: str, **overrides: str) -> list[View]:
    document = read(TEMPLATE.replace("VALUE", value).encode())
    return views(document, Facts(TODAY, overrides=overrides))[0]


def resolved(value: str, **overrides: str) -> Any:
    return all_views(value, **overrides)[0].all["X"].get("value")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("!Ref Suffix", "dev"),
        ("!Sub 'a-${Suffix}-${!kept}'", "a-dev-${kept}"),
        ("!Sub ['${Z}${Suffix}', {Z: !Ref Suffix}]", "devdev"),
        ("!Join [':', [a, !Ref Suffix, 1]]", "a:dev:1"),
        ("!FindInMap [Sizes, !Ref Suffix, memory]", 128),
        ("!If [IsDev, 1, 2]", 1),
        ("!If [IsProd, 1, 2]", 2),
        ("!If [Both, 1, 2]", 2),
        ("!If [Either, 1, 2]", 1),
        ("!If [IsProd, 1, !Ref AWS::NoValue]", None),
        ("[1, !Ref AWS::NoValue, 2]", [1, 2]),
        ("!Select [1, !Split ['/', a/b/c]]", "b"),
        ("!Select [0, !Ref Many]", "a"),
        ("{Fn::ToJsonString: {a: [1]}}", '{"a": [1]}'),
        ("!Sub '${Many}'", "${...}"),
    ],
)
def test_what_is_static_is_worked_out(written: str, value: object) -> None:
    assert resolved(written) == value


@pytest.mark.parametrize(
    "written",
    [
        "!Ref Open",
        "!Ref Secret",
        "!Ref AWS::Region",
        "!Ref Nowhere",
        "!Sub 'a-${Open}'",
        "!Join ['', [a, !Ref Q]]",
        "!ImportValue elsewhere",
        "!FindInMap [Sizes, !Ref Open, memory]",
        "!Select [0, !GetAZs '']",
        "!Base64 text",
        "!GetAtt Q.Arn",
    ],
)
def test_what_is_not_is_a_hole(written: str) -> None:
    assert isinstance(resolved(written), Hole)


def test_texts_that_are_made_alike_are_equal() -> None:
    assert resolved("!Sub 'a-${Open}'") == resolved("!Join ['-', [a, !Ref Open]]")


@pytest.mark.parametrize(
    "written", ["!GetAtt Q.Arn", "!Sub '${Q.Arn}'", "!Join ['', [!GetAtt Q.Arn]]"]
)
def test_a_reference_alone_stays_one(written: str) -> None:
    reference = resolved(written)

    assert isinstance(reference, Reference)
    assert (reference.resource, reference.attribute) == ("Q", "Arn")


def test_overrides_come_before_defaults() -> None:
    assert resolved("!Sub 'a-${Suffix}'", Suffix="qa") == "a-qa"
    assert resolved("!If [IsDev, 1, 2]", Suffix="qa") == 2


def test_each_condition_is_seen_both_ways() -> None:
    found = [(v.scenario.words, v.all["X"].get("value")) for v in all_views("!If [IsDev, 1, 2]")]

    assert found == [("", 1), ("with Suffix set otherwise", 2)]


def test_an_overridden_parameter_has_no_other_value() -> None:
    assert len(all_views("1", Suffix="qa")) == 1


@pytest.mark.parametrize(
    ("declared", "literal", "other"),
    [
        ("{Type: Number, Default: 0, MaxValue: 168}", "0", 168),
        ("{Type: Number, Default: 0}", "0", 1),
        ("{Type: String, Default: a, AllowedValues: [a, b]}", "a", "b"),
        ("{Type: String, Default: a}", "b", "b"),
    ],
)
def test_the_other_value_is_one_that_may_be(declared: str, literal: str, other: object) -> None:
    text = (
        f"Parameters: {{P: {declared}}}\nConditions: {{C: !Equals [!Ref P, {literal}]}}\n"
        "Resources: {X: {Type: Custom::X, Properties: {value: !Ref P}}}"
    )
    found, _ = views(read(text.encode()), Facts(TODAY))

    assert [view.all["X"].get("value") for view in found][1:] == [other]


def test_scenarios_are_bounded_and_the_rest_is_named() -> None:
    names = [f"P{number}" for number in range(40)]
    lines = ["Parameters:", *(f"  {name}: {{Type: String, Default: a}}" for name in names)]
    lines += ["Conditions:", *(f"  C{name}: !Equals [!Ref {name}, b]" for name in names)]
    found, left_out = views(
        read("\n".join([*lines, "Resources: {X: {Type: Custom::X}}"]).encode()), Facts(TODAY)
    )

    assert (len(found), len(left_out)) == (32, 9)
    assert "with P39 'b'" in left_out


@pytest.mark.parametrize(
    "written",
    [
        "!Ref [a]",
        "{Fn::Sub: 1}",
        "!Join [a]",
        "!If [IsDev, 1]",
        "!Select [7, [a]]",
        "!GetAtt {a: 1}",
        "{Fn::FindInMap: 1}",
        "!Split [1, 2]",
    ],
)
def test_a_function_that_is_called_wrongly_is_refused(written: str) -> None:
    with pytest.raises(UnusableTemplate, match="is not called so"):
        resolved(written)


def test_a_condition_of_itself_is_refused() -> None:
    text = b"Conditions: {A: !Not [!Condition A]}\nResources: {X: {Type: T, Properties: {a: !If [A, 1, 2]}}}"
    with pytest.raises(UnusableTemplate, match="A is made of itself"):
        views(read(text), Facts(TODAY))


def test_text_without_end_is_refused() -> None:
    big = "x" * 500_000
    text = f"Mappings: {{m: {{a: {{b: {big}}}}}}}\nResources:\n  X:\n    Type: T\n    Properties:\n"
    text += "".join(
        f"      p{n}: !Sub ['${{b}}${{b}}', {{b: !FindInMap [m, a, b]}}]\n" for n in range(20)
    )
    with pytest.raises(UnusableTemplate, match="16,777,216 characters"):
        views(read(text.encode()), Facts(TODAY))


def test_a_large_template_is_looked_at_in_fewer_scenarios() -> None:
    text = "Parameters: {P: {Type: String, Default: a}}\nConditions: {C: !Equals [!Ref P, b]}\nResources:\n"
    large = text + "".join(f"  R{n}: {{Type: T}}\n" for n in range(9))
    for most, scenarios, left_out in ((18, 2, 0), (17, 1, 1)):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(template, "WORK", most)
            found, rest = views(read(large.encode()), Facts(TODAY))
        assert (len(found), len(rest)) == (scenarios, left_out)


@pytest.mark.parametrize("text", ["a: 1", "Resources: [1]", "Resources:"])
def test_without_resources_it_is_no_template(text: str) -> None:
    with pytest.raises(UnusableTemplate, match="no section Resources"):
        views(read(text.encode()), Facts(TODAY))


def test_too_many_resources_are_refused() -> None:
    text = "Resources:\n" + "".join(f"  R{n}: {{Type: T}}\n" for n in range(2_001))
    with pytest.raises(UnusableTemplate, match="more than 2,000 resources"):
        views(read(text.encode()), Facts(TODAY))


def test_only_what_is_whole_is_known() -> None:
    assert is_known(1)
    assert not is_known(Hole("${A}"))
