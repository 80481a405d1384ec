"""``waypost stack price``: what a month on AWS costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from waypost.cli import options, output

if TYPE_CHECKING:
    from waypost.stack.price import Bill, Line

_MOST: Final = 1e12
_EXACT: Final = 100
_CENT: Final = 0.01


def _read_design(text: str) -> str:
    from waypost.stack.price import DESIGNS

    if text not in DESIGNS:
        raise typer.BadParameter(f"must be one of {', '.join(DESIGNS)}")
    return text


def price(
    per_day: Annotated[
        float, typer.Option("--per-day", min=1, max=_MOST, metavar="N", help="Updates a day.")
    ],
    *,
    retain: Annotated[
        float,
        typer.Option(
            "--retain", min=0, max=1_200, metavar="MONTHS", help="Months of updates in the tables."
        ),
    ] = 12,
    archive_days: Annotated[
        float,
        typer.Option(
            "--archive-days", min=0, max=3_650, metavar="N", help="Days that the bus keeps events."
        ),
    ] = 0,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            parser=_read_design,
            metavar="DESIGN",
            help="Beside another design: `seed`, the one that Waypost began from.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Say what a month on AWS costs, with each formula, each price and its source.

    It asks nobody: prices are list prices of one Region as of a date, both of which it says. What
    an account has for nothing stands apart, for other things in the account may use it up.
    """
    from waypost.stack.price import DESIGNS, Traffic, bill

    traffic = Traffic(per_day, retain, archive_days=archive_days)
    names = dict.fromkeys([next(iter(DESIGNS)), *([against] if against else [])])
    bills = {name: bill(name, traffic) for name in names}
    if as_json:
        output.emit(_json(traffic.per_day, retain, bills))
        return
    for name, one in bills.items():
        _show(name, one, per_day)
    _compare(bills)
    _say_sources(bills)


def _show(name: str, bill: Bill, per_day: float) -> None:
    from waypost.stack.price import REGION

    table = output.table("service", "for", "in a month", "how many", "USD each", "USD")
    for column in (2, 4, 5):
        table.columns[column].justify = "right"
    services: set[str] = set()
    for line in sorted(bill.lines, key=lambda line: line.rate.service):
        service = line.rate.service
        table.add_row(
            output.cell("" if service in services else service),
            output.cell(line.use.what),
            output.cell(_count(line.use.units)),
            output.cell(line.use.formula, "dim"),
            output.cell(_each(line.rate.usd)),
            output.cell(f"{line.usd:,.2f}"),
        )
        services.add(service)
    output.say(f"{name}: {per_day:,.0f} updates a day, {REGION}, list prices")
    output.show(table, "")
    output.say(f"A month: {bill.total:,.2f} USD; {_paid(bill):,.2f} where the free units are free.")


def _compare(bills: dict[str, Bill]) -> None:
    if len(bills) > 1:
        (ours, mine), (theirs, other) = bills.items()
        ratio = other.total / mine.total
        output.say(f"{theirs} costs {ratio:.2f} times what {ours} does.")


def _say_sources(bills: dict[str, Bill]) -> None:
    from waypost.stack.price import SEEN

    rates = {line.rate.name: line.rate for one in bills.values() for line in one.lines}
    output.note(f"List prices as they were found on {SEEN}:")
    for rate in rates.values():
        output.note(f"  {rate.service}, {rate.unit}: {rate.source}")


def _count(units: float) -> str:
    return f"{units:,.2f}".rstrip("0").rstrip(".") if units < _EXACT else f"{units:,.0f}"


def _each(usd: float) -> str:
    return f"{usd:g}" if usd >= _CENT else f"{usd * 1e6:g} a million"


def _paid(bill: Bill) -> float:
    return bill.total - bill.relief


def _json(per_day: float, retain: float, bills: dict[str, Bill]) -> dict[str, Any]:
    from waypost.stack.price import REGION, SEEN

    return {
        "perDay": per_day,
        "retainMonths": retain,
        "region": REGION,
        "pricesSeen": SEEN,
        "designs": {
            name: {
                "usd": bill.total,
                "freeUsd": bill.relief,
                "lines": [line_json(line) for line in bill.lines],
            }
            for name, bill in bills.items()
        },
    }


def line_json(line: Line) -> dict[str, Any]:
    """Return an item of a bill, with how its price comes about."""
    return {
        "service": line.rate.service,
        "what": line.use.what,
        "units": line.use.units,
        "unit": line.rate.unit,
        "formula": line.use.formula,
        "usdPerUnit": line.rate.usd,
        "usd": line.usd,
        "source": line.rate.source,
    }
