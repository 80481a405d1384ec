from __future__ import annotations

from waypost.core.errors import InvalidUpdate, NotifyFailed, Problem


def test_a_problem_in_words_says_where_and_what() -> None:
    assert str(Problem("location.latitude", "must be a number")) == (
        "location.latitude: must be a number"
    )
    assert str(Problem("", "must be a JSON object")) == "must be a JSON object"


def test_an_error_carries_all_problems_and_says_them() -> None:
    problems = (Problem("a", "is missing"), Problem("b", "must be text"))
    error = InvalidUpdate(iter(problems))
    assert error.problems == problems
    assert str(error) == "a: is missing; b: must be text"


def test_a_failed_delivery_says_whether_another_try_is_in_vain() -> None:
    error = NotifyFailed("550 no such mailbox", permanent=True)
    assert (str(error), error.permanent) == ("550 no such mailbox", True)
