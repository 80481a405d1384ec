"""The bill: uses times rates, free units apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from waypost.stack.price.designs import DESIGNS, Traffic, Use
from waypost.stack.price.rates import RATES, Rate


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a bill; ``usd`` is its part of what all uses of its rate cost together."""

    use: Use
    rate: Rate
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """A month.

    Attributes:
        lines: in the order of the design.
        total: USD, nothing being free.
        relief: what the free units of an account take off, if nothing else in it uses them.
    """

    lines: tuple[Line, ...]
    total: float
    relief: float

    def by_service(self) -> dict[str, float]:
        """Return the USD by service, the dearest first."""
        sums: dict[str, float] = defaultdict(float)
        for line in self.lines:
            sums[line.rate.service] += line.usd
        return dict(sorted(sums.items(), key=lambda item: -item[1]))


def bill(design: str, traffic: Traffic) -> Bill:
    """Return what a month costs.

    Args:
        design: one of `DESIGNS`.
        traffic: of the month.
    """
    return charge(tuple(DESIGNS[design](traffic)))


def charge(uses: Sequence[Use]) -> Bill:
    """Return what uses of one month cost together."""
    units = _units(uses)
    lines = [Line(use, RATES[use.rate], _share(use, units[use.rate])) for use in uses]
    return Bill(
        tuple(lines),
        sum(line.usd for line in lines),
        sum(RATES[name].relief(count) for name, count in units.items()),
    )


def _units(uses: Iterable[Use]) -> dict[str, float]:
    units: dict[str, float] = defaultdict(float)
    for use in uses:
        units[use.rate] += use.units
    return units


def _share(use: Use, of: float) -> float:
    return RATES[use.rate].cost(of) * use.units / of if of else 0.0
