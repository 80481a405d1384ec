"""The tables of docs/reference/alarms.md, worked out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.templates import Stack, load
from tests.support.traffic import (
    AT_NIGHT,
    BLIND,
    BY_DAY,
    PER_DAY,
    TROUBLES,
    Metrics,
    Trouble,
    false_alarms,
    first_alarm,
)

_TEMPLATE: Final = Path(__file__).parents[2] / "infra" / "template.yaml"


def fires() -> str:
    """Return when each alarm of the template goes off, as a Markdown table."""
    template = load(_TEMPLATE.read_text(encoding="ascii"))
    stack = Stack(template, AlertEmail="ops@example.org", DeadManHours=1, DeclaredPerDay=PER_DAY)
    metrics = Metrics()
    lines = [
        "| alarm | goes off when | by day after | at night after | false alarms in a week |",
        "|---|---|--:|--:|--:|",
    ]
    for trouble in TROUBLES:
        alarm = stack[trouble.alarm]
        name = alarm["AlarmName"].removesuffix("-dev")
        after = [_after(stack, metrics, trouble, begins) for begins in (BY_DAY, AT_NIGHT)]
        wrong = len(false_alarms(alarm, metrics.quiet_week()))
        link = f"[`{name}`](../how-to/answer-an-alarm.md#{name})"
        lines.append(f"| {link} | {trouble.what} | {after[0]} min | {after[1]} min | {wrong} |")
    return "\n".join(lines)


def blind() -> str:
    """Return what the alarms of the first design saw, as a Markdown table."""
    metrics = Metrics()
    lines = ["| alarm on | what goes wrong | goes off | because |", "|---|---|---|---|"]
    for case in BLIND:
        week = metrics.quiet_week()
        case.change(metrics, week, BY_DAY)
        after = first_alarm(case.alarm, week, BY_DAY)
        seen = "never" if after is None else f"after {after} min"
        lines.append(f"| `{case.alarm['MetricName']}` | {case.what} | {seen} | {case.why} |")
    return "\n".join(lines)


def _after(stack: Stack, metrics: Metrics, trouble: Trouble, begins: int) -> int | None:
    week = metrics.quiet_week()
    trouble.change(metrics, week, begins)
    return first_alarm(stack[trouble.alarm], week, begins)
