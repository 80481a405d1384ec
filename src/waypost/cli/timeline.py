"""A shipment as people read it: where it stands, its timeline, and what was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from waypost.cli import output
from waypost.core.statuses import Status
from waypost.core.times import DAY, HOUR, parse_time


def show_timeline(tracked: dict[str, Any]) -> None:
    """Print what `Operator.track` says of a shipment."""
    screen = output.console()
    screen.print(_title(tracked))
    screen.print(_facts(tracked))
    screen.print(_updates(tracked["updates"]))
    if tracked["incidents"]:
        screen.print()
        screen.print(_incidents(tracked["incidents"]))


def _title(tracked: dict[str, Any]) -> Text:
    title = output.cell(tracked["shipmentId"], "bold")
    title.append("  ")
    if tracked["condition"]:
        title.append_text(output.condition(tracked["condition"]))
        title.append(f": {Status[tracked['condition']].words}", "bold")
    elif tracked["progress"]:
        title.append(Status[tracked["progress"]].words)
    else:
        title.append("nothing known of its progress")
    return title


def _facts(tracked: dict[str, Any]) -> Table:
    facts = output.table("", "")
    facts.show_header = False
    for name, value in _named(tracked):
        if value is not None:
            facts.add_row(output.cell(name, "dim"), output.cell(value))
    facts.add_row()
    return facts


def _named(tracked: dict[str, Any]) -> Iterator[tuple[str, object]]:
    progress = tracked["progress"]
    since = output.when(tracked["progressAt"])
    wrong = [f"{name}: {Status[name].words}" for name in tracked["conditions"]]
    yield "progress", progress and f"{progress}: {Status[progress].words}, since {since} UTC"
    yield "wrong now", "; ".join(wrong) or "nothing"
    yield "last place", output.place(tracked["location"])
    yield "carrier", tracked["carrier"]
    yield "expected", tracked["eta"] and f"{output.when(tracked['eta'])} UTC"
    yield "leg", f"{tracked['leg']} (the number is in use again)" if tracked["leg"] > 1 else None


def _updates(updates: list[dict[str, Any]]) -> Table:
    table = output.table("happened (UTC)", "recorded (UTC)", "status", "carrier", "where and what")
    expected = None
    for update in updates:
        where = output.cell(output.place(update["location"]))
        remarks = "; ".join(_remarks(update, expected))
        expected = update["eta"] or expected
        if where and remarks:
            where.append("  ")
        where.append_text(output.cell(remarks, "dim"))
        table.add_row(
            output.cell(output.when(update["eventTime"])),
            output.cell(_recorded(update)),
            output.condition(update["status"]),
            output.cell(update["carrier"]),
            where,
            style="" if update["counts"] else "dim strike",
        )
    return table


def _recorded(update: dict[str, Any]) -> str:
    """Return when an update was recorded, as far as that differs from when it happened."""
    happened, recorded = update["eventTime"], update["recordTime"]
    delay = parse_time(recorded)[0] - parse_time(happened)[0]
    late = f" +{_span(delay)}" if delay > HOUR else ""
    said = output.when(recorded) or ""
    if recorded[:10] == happened[:10]:
        said = said[11:]
    elif recorded[:4] == happened[:4]:
        said = said[5:]
    return f"{said}{late}"


def _span(millis: int) -> str:
    return f"{millis // DAY} d" if millis >= 2 * DAY else f"{millis // HOUR} h"


def _remarks(update: dict[str, Any], expected: str | None) -> Iterator[str]:
    if not update["counts"]:
        yield "does not count: retracted, or its id was used before"
    if update["statusWord"].upper() != update["status"]:
        yield f"said as {update['statusWord']}"
    codes = [code for code in (update["statusCode"], update["reasonCode"]) if code]
    if codes:
        yield " / ".join(codes)
    if update["eta"] not in {None, expected}:
        yield f"expected {output.when(update['eta'])}"
    if update["description"]:
        yield update["description"]


def _incidents(incidents: list[dict[str, Any]]) -> Table:
    table = output.table("incident", "leg", "since (UTC)", "over (UTC)", "")
    for incident in incidents:
        marks = [mark for mark in ("acknowledged", "muted") if incident[mark]]
        table.add_row(
            output.condition(incident["condition"]),
            output.cell(incident["leg"]),
            output.cell(output.when(incident["openedAt"])),
            output.cell(output.when(incident["resolvedAt"]) or "open"),
            output.cell(", ".join(marks)),
        )
    return table
