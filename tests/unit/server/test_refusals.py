from __future__ import annotations

from pathlib import Path

import pytest

from waypost.core.errors import InvalidUpdate, NotFound, Problem, StoreUnavailable, StoreUnusable
from waypost.server.refusals import Reason, Refusal, as_refusal

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "wire.md"
ON_THE_WIRE = [
    Reason.MALFORMED,
    Reason.INVALID,
    Reason.UNKNOWN_OPERATION,
    Reason.INCOMPLETE_SIGNATURE,
    Reason.UNSIGNED,
    Reason.UNKNOWN_KEY,
    Reason.BAD_SIGNATURE,
    Reason.FOREIGN,
    Reason.THROTTLED,
    Reason.UNAVAILABLE,
    Reason.INTERNAL,
]


@pytest.mark.parametrize("reason", ON_THE_WIRE)
def test_the_page_of_the_wire_has_each_error_with_its_status(reason: Reason) -> None:
    assert f"| `{reason.code}` | {reason.status} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", [r for r in Reason if r not in ON_THE_WIRE])
def test_the_page_of_the_wire_has_each_other_status(reason: Reason) -> None:
    assert str(reason.status) in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ZeroDivisionError("SECRET"), Reason.INTERNAL),
        (StoreUnusable("damaged"), Reason.INTERNAL),
        (StoreUnavailable("full"), Reason.UNAVAILABLE),
        (RecursionError(), Reason.UNPROCESSABLE),
        (NotFound("no shipment X"), Reason.NOT_FOUND),
    ],
)
def test_each_error_has_its_answer(error: Exception, reason: Reason) -> None:
    refusal = as_refusal(error)
    assert refusal.reason is reason
    assert "SECRET" not in refusal.message


def test_all_problems_are_passed_on() -> None:
    problems = (Problem("a", "is missing"), Problem("b", "must be text"))
    assert as_refusal(InvalidUpdate(problems)).problems == problems
    refusal = Refusal(Reason.INVALID, "no", problems)
    assert as_refusal(refusal).problems == problems
