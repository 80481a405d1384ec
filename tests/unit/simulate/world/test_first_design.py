"""Both designs under the same faults: the new one keeps everything, and the old one does not."""

from __future__ import annotations

import pytest

from tests.support.first_table import ROWS, Row, Tally, compare


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_nothing_is_lost_or_stored_twice_and_somebody_is_told(row: Row) -> None:
    ours = compare(row, worlds=1).ours
    assert ours == Tally(repeated=ours.repeated)


def test_the_first_design_is_sound_where_nothing_goes_wrong() -> None:
    assert compare(ROWS[0], worlds=1).first == Tally()


@pytest.mark.parametrize(
    ("name", "flaw"),
    [
        ("a function is killed after a call", "doubled"),
        ("DynamoDB is gone for 20 minutes", "lost"),
        ("SNS is gone for 20 minutes", "silent"),
        ("producers send everything twice", "repeated"),
        ("places have coordinates", "lost"),
    ],
)
def test_the_first_design_has_the_flaws_that_it_is_known_for(name: str, flaw: str) -> None:
    [row] = [row for row in ROWS if row.name == name]
    assert getattr(compare(row, worlds=2).first, flaw) > 0
