from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from waypost.stack.price import RATES, SEEN, Traffic, bill

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost


@pytest.mark.parametrize(
    "wrong",
    [
        ["--per-day", "0"],
        ["--per-day", "1", "--retain", "-1"],
        [],
        ["--per-day", "2e12"],
        ["--per-day", "1", "--against", "azure"],
    ],
)
def test_what_cannot_be_priced_is_refused(waypost: Waypost, wrong: list[str]) -> None:
    waypost("stack", "price", *wrong, code=2)


def test_the_bill_shows_each_item_its_formula_and_where_each_price_stands(
    waypost: Waypost,
) -> None:
    ran = waypost("stack", "price", "--per-day", "1500")

    one = bill("waypost", Traffic(1_500))
    for line in one.lines:
        assert line.use.what in ran.out
        assert line.rate.source in ran.err
    assert f"A month: {one.total:,.2f} USD" in ran.out
    assert SEEN in ran.err


def test_two_designs_stand_beside_each_other(waypost: Waypost) -> None:
    ran = waypost("stack", "price", "--per-day", "15000000", "--against", "seed")

    ours, first = (bill(name, Traffic(15e6)).total for name in ("waypost", "seed"))
    assert f"seed costs {first / ours:.2f} times what waypost does." in ran.out


def test_a_program_gets_all_of_it(waypost: Waypost) -> None:
    row = waypost("stack", "price", "--per-day", "1500", "--retain", "3", "--json").row

    found = row["designs"]["waypost"]
    assert (row["perDay"], row["retainMonths"]) == (1_500, 3)
    assert found["usd"] == pytest.approx(sum(line["usd"] for line in found["lines"]))
    assert {line["source"] for line in found["lines"]} <= {rate.source for rate in RATES.values()}
