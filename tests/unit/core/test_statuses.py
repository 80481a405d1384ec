from __future__ import annotations

import pytest

from waypost.core.statuses import ACT_RANK, CONDITIONS, Kind, Status

# status: kind, level, critical, tie rank: the vocabulary as it was decided, word for word.
VOCABULARY = {
    "UNKNOWN": (Kind.REPORT, -1, False, 0),
    "NOTE": (Kind.REPORT, -1, False, 0),
    "PENDING": (Kind.PROGRESS, 0, False, 1),
    "INFO_RECEIVED": (Kind.PROGRESS, 1, False, 2),
    "PICKED_UP": (Kind.PROGRESS, 2, False, 3),
    "IN_TRANSIT": (Kind.PROGRESS, 3, False, 4),
    "OUT_FOR_DELIVERY": (Kind.PROGRESS, 4, False, 5),
    "DELIVERY_ATTEMPTED": (Kind.PROGRESS, 4, False, 5),
    "AVAILABLE_FOR_PICKUP": (Kind.PROGRESS, 4, False, 5),
    "RETURNING": (Kind.PROGRESS, 5, False, 6),
    "DELIVERED": (Kind.TERMINAL, 6, False, 8),
    "RETURNED": (Kind.TERMINAL, 6, False, 8),
    "CANCELLED": (Kind.TERMINAL, 6, False, 8),
    "DISPOSED": (Kind.TERMINAL, 6, False, 8),
    "LOST": (Kind.CONDITION, -1, True, 7),
    "DAMAGED": (Kind.CONDITION, -1, True, 7),
    "EXCEPTION": (Kind.CONDITION, -1, True, 7),
    "DELAYED": (Kind.CONDITION, -1, True, 7),
    "ON_HOLD": (Kind.CONDITION, -1, False, 7),
    "STALLED": (Kind.DERIVED, -1, True, 7),
    "LATE": (Kind.DERIVED, -1, True, 7),
}


def test_the_vocabulary_is_closed() -> None:
    assert {s.value for s in Status} == set(VOCABULARY)


@pytest.mark.parametrize("name", VOCABULARY)
def test_each_status_has_its_properties(name: str) -> None:
    status = Status[name]
    assert (status.kind, status.level, status.critical, status.tie_rank) == VOCABULARY[name]
    assert status.value == name
    assert status.words


def test_acts_come_after_everything_of_their_millisecond() -> None:
    assert max(s.tie_rank for s in Status) < ACT_RANK


def test_conditions_are_ordered_worst_first() -> None:
    assert list(CONDITIONS) == [
        "LOST",
        "DAMAGED",
        "EXCEPTION",
        "DELAYED",
        "ON_HOLD",
        "STALLED",
        "LATE",
    ]
    assert [c.severity for c in CONDITIONS] == list(range(7))
    assert [c for c in CONDITIONS if c.critical] == [c for c in CONDITIONS if c != "ON_HOLD"]


def test_what_is_no_condition_has_no_severity() -> None:
    with pytest.raises(ValueError, match="not in"):
        _ = Status.DELIVERED.severity


@pytest.mark.parametrize(
    "word",
    [
        "",
        "   ",
        "IN TRANSIT",
        "in-transit",
        "SHIPPED",
        "DELIVERED.",
        "\uff24ELIVERED",
        "del\u0131vered",
        "STALLED",
        "late",
    ],
)
def test_a_word_that_names_nothing_that_is_sent_is_unknown(word: str) -> None:
    assert Status.read(word) is Status.UNKNOWN


@pytest.mark.parametrize("status", [s for s in Status if s.kind is not Kind.DERIVED])
def test_case_and_outer_space_do_not_matter(status: Status) -> None:
    for word in (status.value, status.value.lower(), f"  {status.value.title()}\t\n"):
        assert Status.read(word) is status


def test_a_status_hashes_and_compares_as_its_text() -> None:
    assert "LOST" in set(Status)
    assert hash(Status.LOST) == hash("LOST")
