"""Prices over traffic, as Markdown for the documentation."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from waypost.stack.price import Traffic, bill

DECADES: Final = range(3, 10)
_STEPS: Final = 1_000
_OURS, _FIRST = "waypost", "seed"


def totals() -> str:
    """Return both designs' months by updates a day."""
    lines = [
        "| updates a day | this stack, USD | the first design, USD | first / this | most of it goes to |",
        "|--:|--:|--:|--:|---|",
    ]
    for decade in DECADES:
        traffic = Traffic(10**decade)
        ours, first = bill(_OURS, traffic), bill(_FIRST, traffic)
        service, usd = next(iter(ours.by_service().items()))
        lines.append(
            f"| {10**decade:,} | {ours.total:,.2f} | {first.total:,.2f} | "
            f"{first.total / ours.total:.2f} | {service}, {usd / ours.total:.0%} |"
        )
    return "\n".join(lines)


def takeovers() -> str:
    """Return from which traffic on which service costs most, and when the first design costs more."""
    lines = ["| from updates a day | |", "|--:|---|"]
    exponents = [3 + 6 * step / _STEPS for step in range(_STEPS + 1)]
    for before, x in pairwise([3.0, *exponents]):
        dearest, was = _dearest(x), _dearest(before)
        if x == exponents[0] or dearest != was:
            lines.append(f"| {_round(10**x):,} | {dearest} costs most |")
        if _first_is_dearer(x) and not _first_is_dearer(before):
            lines.append(f"| {_round(10**x):,} | the first design costs more than this one |")
    return "\n".join(lines)


def _dearest(exponent: float) -> str:
    return next(iter(bill(_OURS, Traffic(10**exponent)).by_service()))


def _first_is_dearer(exponent: float) -> bool:
    traffic = Traffic(10**exponent)
    return bill(_FIRST, traffic).total > bill(_OURS, traffic).total


def _round(value: float) -> int:
    return int(float(f"{value:.2g}"))
