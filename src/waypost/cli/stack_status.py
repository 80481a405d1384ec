"""``waypost stack status`` and ``waypost doctor --stack``: is the stack well?"""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from waypost import __version__
from waypost.cli import aws, options, output
from waypost.cli.exits import ExitCode
from waypost.cli.stack_price import line_json
from waypost.core.times import SECOND, format_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from waypost.stack.connection import Connection
    from waypost.stack.status import Alarm, Function, Report
    from waypost.stack.status.month import Month

_UNKNOWN: Final = "not known"
_ENOUGH: Final = 0.03
"""A part of the month from which on a whole one is guessed: a day or so."""
_MINUTE: Final = 60
_NAMED: Final = 4
"""So many items without a price are named."""
_ALARM_STATES: Final = (
    ("ALARM", "in ALARM", "bold red"),
    ("INSUFFICIENT_DATA", "without data", "dim"),
    ("OK", "OK", ""),
)


def status(
    target: aws.Target,
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="First follow what is under way, until it is over.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Say whether the stack is well: alarms, queues, functions, topics, last event, price so far.

    A part that is refused is said, and the rest is still shown. What nobody publishes is "not
    known". Exit codes: 0 well; 1 something is unwell, or there is no such stack; 3 AWS was not
    reached, or refused a part, and what is known is well.
    """
    tell(target, as_json=as_json, watch=watch)


def tell(target: aws.Target, *, as_json: bool, watch: bool = False) -> None:
    """Print the report on a stack.

    Raises:
        typer.Exit: something is unwell, or was refused.
        WaypostError: there is no such stack, or AWS was not reached.
    """
    from waypost.clock import SystemClock
    from waypost.stack.status import look

    now = SystemClock().now()
    with target.connected() as connection:
        if watch:
            _watch(connection, target)
        today = date.fromisoformat(format_time(now)[:10])
        report = look(connection.client, target.stack, now=now, today=today)
    if as_json:
        output.emit(_json(report))
    else:
        _show(report)
    if report.problems:
        raise typer.Exit(ExitCode.NO)
    if not report.is_whole:
        raise typer.Exit(ExitCode.UNREACHABLE)


def _watch(connection: Connection, target: aws.Target) -> None:
    from waypost.stack import stacks
    from waypost.stack.motion import Motion

    client = connection.client("cloudformation")
    stack = stacks.get(client, target.stack)
    if stack.is_moving:
        motion = Motion(client, aws.Screen(yes=True), time.sleep)
        outcome = motion.attach(stack, target.again)
        if outcome.cause is not None:
            output.warn(f"First cause: {outcome.cause.logical_id}: {outcome.cause.reason}")


# --- For people


def _show(report: Report) -> None:
    output.say(f"{report.stack.name}: {report.stack.status}")
    facts = output.table("", "")
    facts.show_header = False
    facts.columns[0].no_wrap = True
    for name, value in _facts(report):
        facts.add_row(output.cell(name, "dim"), value)
    output.show(facts, "")
    for table in (_queues(report), _functions(report)):
        if table.row_count:
            output.say("")
            output.show(table, "")
    _show_verdict(report)


def _show_verdict(report: Report) -> None:
    output.say("")
    for note in report.notes:
        output.note(f"Note: {note}")
    if report.problems:
        output.warn("Problems:")
        shown = output.table("", "")
        shown.show_header = False
        for problem in report.problems:
            shown.add_row(output.cell("*", "red"), output.cell(problem, "red"))
        output.console(stderr=True).print(shown)
    elif report.is_whole:
        output.say("All is well.")
    else:
        output.warn("What could be asked is well; the rest was refused.")


def _facts(report: Report) -> Iterator[tuple[str, Text]]:
    gaps = {gap.part: gap for gap in report.gaps}

    def fact(part: str, value: Text) -> Text:
        return output.cell(gaps[part].why, "yellow") if part in gaps else value

    yield "alarms", fact("alarms", _alarms(report))
    yield "last event", fact("numbers", _last_event(report))
    yield "stream lag", fact("numbers", _seconds(report.lag))
    yield "open incidents", fact("incidents", _incidents(report))
    yield "subscriptions", fact("topics", _subscriptions(report))
    yield "versions", fact("functions", _versions(report))
    yield "price so far", fact("price", _price(report.month))
    for part in ("queues", "tables"):
        if part in gaps:
            yield part, output.cell(gaps[part].why, "yellow")


def _alarms(report: Report) -> Text:
    states = [alarm.state for alarm in report.alarms]
    words = [
        output.cell(f"{states.count(state)} {name}", style)
        for state, name, style in _ALARM_STATES
        if state in states
    ]
    return Text(", ").join(words) if words else Text("the stack has none", "yellow")


def _last_event(report: Report) -> Text:
    event = report.last_event
    if event is None:
        return output.cell(_UNKNOWN, "dim")
    ago = _span((report.now - event.at) / SECOND)
    at = output.when(format_time(event.at))
    hour = "in the hour from " if event.span > _MINUTE else ""
    return output.cell(f"{hour}{at} (UTC), {ago} ago") + output.cell(f" ({event.source})", "dim")


def _incidents(report: Report) -> Text:
    if report.incidents is None:
        return output.cell(_UNKNOWN, "dim")
    total = sum(report.incidents.values())
    parts = ", ".join(f"{count} {name}" for name, count in sorted(report.incidents.items()))
    least = "" if report.incidents_are_all else "at least "
    return output.cell(f"{least}{total}" + (f": {parts}" if parts else ""))


def _subscriptions(report: Report) -> Text:
    words = []
    for topic in report.topics:
        pending = f", {topic.pending} pending" if topic.pending else ""
        style = "bold red" if topic.pending else "" if topic.confirmed else "yellow"
        words.append(output.cell(f"{topic.name}: {topic.confirmed} confirmed{pending}", style))
    return Text("; ").join(words) if words else output.cell("no topic", "yellow")


def _versions(report: Report) -> Text:
    words = sorted({_compared(function) for function in report.functions})
    runtimes = {(f.runtime, f.ends) for f in report.functions}
    words += [f"{name} until {end or _UNKNOWN}" for name, end in sorted(runtimes, key=str)]
    return output.cell("; ".join(words))


def _compared(function: Function) -> str:
    if function.differences is None:
        return "code that was not to be had"
    return f"{'not ' if function.differences else ''}the code of Waypost {__version__}"


def _price(month: Month | None) -> Text:
    if month is None:
        return output.cell(_UNKNOWN, "dim")
    from waypost.stack.price import REGION

    total, paid = month.bill.total, month.bill.total - month.bill.relief
    least = "at least " if month.unknown else ""
    said = f"{least}{total:,.2f} USD since {format_time(month.since)[:10]}"
    if month.share >= _ENOUGH:
        said += f", {total / month.share:,.2f} a month at this pace"
    words = output.cell(f"{said}; {paid:,.2f} where the free units are free")
    words += output.cell(f" (list prices of {REGION})", "dim")
    if month.unknown:
        names = [one.what for one in month.unknown]
        more = f" and {len(names) - _NAMED} more; --json says why" if len(names) > _NAMED else ""
        missing = f"{_UNKNOWN}: {', '.join(names[:_NAMED])}{more}"
        words += Text("\n") + output.cell(missing, "dim")
    return words


def _queues(report: Report) -> Table:
    shown = output.table("queue", "waiting", "in flight", "oldest")
    empty = [queue for queue in report.queues if queue.is_dead_letter and not queue.waiting]
    for queue in report.queues:
        if queue not in empty:
            style = "bold red" if queue.is_dead_letter else ""
            age = _seconds(queue.oldest) if queue.waiting or queue.oldest else output.cell("-")
            cells = (queue.name, queue.waiting, queue.in_flight)
            shown.add_row(*(output.cell(cell, style) for cell in cells), age)
    if empty:
        name = f"{len(empty)} empty dead-letter queue{'s' if len(empty) > 1 else ''}"
        shown.add_row(output.cell(name, "dim"), output.cell(0, "dim"))
    return shown


def _functions(report: Report) -> Table:
    shown = output.table("function", "state", "fed by")
    for one in report.functions:
        fed = ", ".join(f"{one.sources.count(s)} {s}" for s in dict.fromkeys(one.sources))
        style = "" if one.state == "Active" and {*one.sources} <= {"Enabled"} else "bold red"
        shown.add_row(*(output.cell(cell, style) for cell in (one.name, one.state, fed)))
    return shown


def _seconds(value: float | None) -> Text:
    return output.cell(_UNKNOWN, "dim") if value is None else output.cell(_span(value))


def _span(seconds: float) -> str:
    """Return how long something is, in the largest unit that fits twice."""
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.3g} s"


# --- For programs


def _json(report: Report) -> dict[str, Any]:
    return {
        "stack": report.stack.name,
        "stackId": report.stack.stack_id,
        "status": report.stack.status,
        "version": __version__,
        "alarms": [_alarm_json(alarm) for alarm in report.alarms],
        "queues": [
            {
                "name": queue.name,
                "waiting": queue.waiting,
                "inFlight": queue.in_flight,
                "oldestSeconds": queue.oldest,
            }
            for queue in report.queues
        ],
        "functions": [_function_json(function) for function in report.functions],
        "topics": [asdict(topic) for topic in report.topics],
        "lastEvent": None
        if report.last_event is None
        else {
            "time": format_time(report.last_event.at),
            "withinSeconds": report.last_event.span,
            "source": report.last_event.source,
        },
        "streamLagSeconds": report.lag,
        "openIncidents": report.incidents,
        "openIncidentsAreAll": report.incidents_are_all,
        "price": None if report.month is None else _month_json(report.month),
        "refused": {gap.part: gap.why for gap in report.gaps if gap.is_refused},
        "unknown": {gap.part: gap.why for gap in report.gaps if not gap.is_refused},
        "notes": report.notes,
        "problems": report.problems,
    }


def _alarm_json(alarm: Alarm) -> dict[str, Any]:
    since = None if alarm.since is None else format_time(alarm.since)
    return {
        "name": alarm.name,
        "state": alarm.state,
        "since": since,
        "meaning": alarm.meaning,
        "runbook": alarm.runbook,
    }


def _function_json(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "state": function.state,
        "runtime": function.runtime,
        "runtimeEnds": function.ends,
        "sources": function.sources,
        "differences": function.differences,
    }


def _month_json(month: Month) -> dict[str, Any]:
    from waypost.stack.price import REGION, SEEN

    return {
        "since": format_time(month.since),
        "shareOfMonth": month.share,
        "region": REGION,
        "pricesSeen": SEEN,
        "usd": month.bill.total,
        "freeUsd": month.bill.relief,
        "lines": [line_json(line) for line in month.bill.lines],
        "unknown": {one.what: one.why for one in month.unknown},
    }
