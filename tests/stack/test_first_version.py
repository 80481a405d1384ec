"""What the first version has goes on working until ours takes over, or gives up taking over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.linting import TODAY
from tests.support.templates import load
from waypost.stack.lint import ours
from waypost.stack.lint.facts import Facts
from waypost.stack.lint.reading import read
from waypost.stack.lint.template import View, views

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = Path(__file__).parents[1] / "e2e" / "aws" / "first.yaml"


@pytest.fixture(scope="module")
def first() -> dict[str, Any]:
    resources: dict[str, Any] = load(FIRST.read_text())["Resources"]
    return resources


@pytest.fixture(scope="module")
def now(template: dict[str, Any]) -> dict[str, Any]:
    resources: dict[str, Any] = template["Resources"]
    return resources


@pytest.fixture(scope="module")
def ordered() -> View:
    found, _ = views(read(ours.template()), Facts(today=TODAY))
    return found[0]


def test_its_function_keeps_the_rights_that_it_has_as_long_as_it_has_its_code(
    first: dict[str, Any], now: dict[str, Any]
) -> None:
    role = first["ShipmentProcessorFunction"]["Properties"]["Role"]["Fn::GetAtt"][0]

    # What a template has no more is deleted when all else is done; what it changes under the same
    # logical id is changed before the function that needs it.
    assert first[role]["Type"] == "AWS::IAM::Role"
    assert role not in now


def test_its_rule_may_call_the_function_as_long_as_it_does(
    first: dict[str, Any], now: dict[str, Any]
) -> None:
    assert now["LambdaInvokePermission"] == first["LambdaInvokePermission"]


def test_its_target_is_replaced_in_one_call(first: dict[str, Any], now: dict[str, Any]) -> None:
    def targets(resources: dict[str, Any]) -> Iterator[str]:
        return (target["Id"] for target in resources["ShipmentUpdateRule"]["Properties"]["Targets"])

    # Another Id would be one target more, or one less for a moment.
    assert [*targets(now)] == [*targets(first)] == ["ShipmentProcessorTarget"]


def test_the_function_is_ours_before_the_queue_has_anything_for_it(ordered: View) -> None:
    assert "ShipmentProcessorFunction" in ordered.before(ordered.all["IngestMapping"])


def test_the_rule_turns_to_the_queue_when_all_else_has_succeeded(ordered: View) -> None:
    # An update that fails is taken back: the function has its old code again, before the rule has
    # its old target, and takes what is in the queue for done.
    always = {name for name, one in ordered.all.items() if not one.whole.get("Condition")}
    after = always - ordered.before(ordered.all["ShipmentUpdateRule"])

    assert after == {"ShipmentUpdateRule", "LambdaInvokePermission"}
