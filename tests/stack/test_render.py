"""The template that is deployed is the one that is read, with the code in or beside it."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint

from tests.support.interpreters import interpreter, run
from tests.support.templates import load
from waypost.stack import bundle
from waypost.stack.render import BUCKET_NAME, DIRECT_LIMIT, render

BUDGET = 50_000
"""Bytes of the template without code: what is left to `DIRECT_LIMIT` is for the next alarm."""
CODE_BUDGET = 41_000
"""Bytes of the code in the template."""
HASHES = """
import hashlib
from waypost.stack import bundle
from waypost.stack.render import render
for data in (render(), render("a-bucket"), bundle.zip_code()):
    print(hashlib.sha256(data).hexdigest())
"""
FUNCTIONS = ("ShipmentProcessorFunction", "ShipmentNotifierFunction", "ShipmentSweepFunction")


def without_code(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template without what says where the functions' code is."""
    template.pop("Mappings", None)
    for name in FUNCTIONS:
        del template["Resources"][name]["Properties"]["Code"]
    return template


@pytest.fixture(scope="module")
def inline() -> str:
    return render().decode()


@pytest.fixture(scope="module")
def beside() -> str:
    return render("my-bucket").decode()


def test_nothing_but_comments_and_code_differs_from_the_template(
    inline: str, beside: str, template: dict[str, Any]
) -> None:
    wanted = without_code(deepcopy(template))

    assert without_code(load(inline)) == wanted
    assert without_code(load(beside)) == wanted


def test_the_code_stands_once_and_every_function_refers_to_it(inline: str) -> None:
    template = load(inline)

    assert template["Mappings"]["Functions"]["Code"]["Index"] == bundle.inline_code()
    for name in FUNCTIONS:
        code = template["Resources"][name]["Properties"]["Code"]
        assert code == {"ZipFile": {"Fn::FindInMap": ["Functions", "Code", "Index"]}}


def test_with_a_bucket_every_function_finds_its_zip_by_content(beside: str) -> None:
    template = load(beside)
    key = f"waypost/{hashlib.sha256(bundle.zip_code()).hexdigest()}.zip"

    assert "Mappings" not in template
    for name in FUNCTIONS:
        code = template["Resources"][name]["Properties"]["Code"]
        assert code == {"S3Bucket": "my-bucket", "S3Key": key}


def test_both_say_of_which_sources_they_are(inline: str, beside: str) -> None:
    for text in (inline, beside):
        assert text.startswith("# Waypost ")
        assert text.splitlines()[0].endswith(f"sources sha256:{bundle.fingerprint()}")


def test_the_template_without_code_can_be_handed_over_directly(beside: str) -> None:
    assert len(beside) <= BUDGET < DIRECT_LIMIT


def test_the_code_stays_small() -> None:
    assert len(bundle.inline_code()) <= CODE_BUDGET


def test_linters_have_nothing_to_say(inline: str, beside: str) -> None:
    assert lint(inline, config=ManualArgs()) == []
    assert lint(beside, config=ManualArgs()) == []


def test_the_linter_would_have_something_to_say(beside: str) -> None:
    broken = beside.replace("!GetAtt IngestDlq.Arn", "!GetAtt IngestDlq.Nonsense", 1)

    assert lint(broken, config=ManualArgs())


@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_every_python_makes_the_same_bytes(version: str) -> None:
    made = [
        hashlib.sha256(data).hexdigest()
        for data in (render(), render("a-bucket"), bundle.zip_code())
    ]

    assert run(interpreter(version), HASHES).split() == made


def test_the_template_in_the_repository_holds_no_program_code(template: dict[str, Any]) -> None:
    assert template["Mappings"]["Functions"]["Code"] == {"Index": ""}


@pytest.mark.parametrize("name", ["", "ab", "My-bucket", "-a-", "a_b_c", "a" * 64, "a}: b, {c"])
def test_names_that_no_bucket_has_are_told_from(name: str) -> None:
    assert BUCKET_NAME.fullmatch(name) is None
