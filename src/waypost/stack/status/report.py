"""What was found out about a stack, what of it is wrong, and what could not be found out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from waypost.stack import stacks
from waypost.stack.lint import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from waypost.stack.stacks import Stack
    from waypost.stack.status.month import Month

RUNBOOK: Final = "docs/how-to/answer-an-alarm.md"
"""The page that has a heading for each alarm."""
NOTICE: Final = timedelta(days=180)
"""So long before a runtime ends does AWS begin to write mails about it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm.

    Attributes:
        name: with the environment's suffix.
        state: ``ALARM``, ``INSUFFICIENT_DATA`` or ``OK``.
        since: of the state, epoch ms; None if AWS does not say.
        meaning: the sentence of the template.
        runbook: where its line in the runbook is.
        metrics: how many metrics it watches, each of which is paid for.
    """

    name: str
    state: str
    since: int | None
    meaning: str
    runbook: str
    metrics: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue.

    Attributes:
        waiting: messages that can be received: about, as SQS says.
        in_flight: messages that somebody works on.
        oldest: seconds that the oldest has waited; None if CloudWatch has no word of it.
    """

    name: str
    waiting: int
    in_flight: int
    oldest: float | None = None

    @property
    def is_dead_letter(self) -> bool:
        """Whether it holds what could not be processed."""
        return "-dlq-" in self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function.

    Attributes:
        state: ``Active``, or what keeps it from running.
        runtime: its identifier.
        ends: the day on which AWS deprecates the runtime; None if it is not known.
        sources: the states of what feeds it; all ``Enabled`` unless somebody stopped it.
        differences: in what its code differs from this version's; None if not known.
        architecture: ``arm64`` or ``x86_64``.
        memory: in MB.
    """

    name: str
    state: str
    runtime: str
    ends: date | None
    sources: tuple[str, ...]
    differences: tuple[str, ...] | None
    architecture: str
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic, and how many subscribers have confirmed and have not."""

    name: str
    confirmed: int
    pending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEvent:
    """When something came last.

    Attributes:
        at: the beginning of the span in which it did, epoch ms.
        span: how long that is, in seconds.
        source: what says so.
    """

    at: int
    span: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A part that could not be asked for.

    Attributes:
        part: such as ``queues``.
        why: in words.
        is_refused: whether it might be had, from AWS; else there is no such thing here.
    """

    part: str
    why: str
    is_refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. What is None or empty without being in `gaps` is so in truth, or not published.

    Attributes:
        now: when it was asked for, epoch ms.
        alarms: those that are in ALARM first.
        last_event: None if no metric knows.
        lag: seconds that the notifier was behind the stream when it last ran; None if not known.
        incidents: that are open, by condition; None if not known.
        incidents_are_all: whether more may be open.
        month: what it cost since the month began; None if not known.
        gaps: what could not be asked for.
        problems: what somebody has to look at, a sentence each; empty if all that is known is well.
        notes: what somebody may want to know.
    """

    stack: Stack
    now: int
    today: date
    alarms: Sequence[Alarm] = ()
    queues: Sequence[Queue] = ()
    functions: Sequence[Function] = ()
    topics: Sequence[Topic] = ()
    last_event: LastEvent | None = None
    lag: float | None = None
    incidents: Mapping[str, int] | None = None
    incidents_are_all: bool = True
    month: Month | None = None
    gaps: Sequence[Gap] = ()
    problems: list[str] = field(init=False)
    notes: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "problems", list(_problems(self)))
        object.__setattr__(self, "notes", list(_notes(self)))

    @property
    def is_whole(self) -> bool:
        """Whether nothing was refused: then no problems means that it is well."""
        return not any(gap.is_refused for gap in self.gaps)


def ends(runtime: str) -> date | None:
    """Return the day on which AWS deprecates a runtime; None if it is not known."""
    known = catalogue.runtimes().get(runtime)
    return None if known is None else known.deprecated


def _problems(report: Report) -> Iterator[str]:
    env = _env(report)
    if report.stack.status not in stacks.DONE:
        yield f"the stack is in {report.stack.status}"
    for alarm in report.alarms:
        if alarm.state == "ALARM":
            yield f"alarm {alarm.name}: {alarm.meaning} {alarm.runbook}"
    for queue in report.queues:
        if queue.is_dead_letter and queue.waiting:
            yield f"{queue.name} holds {queue.waiting}: `waypost stack redrive {queue.name} {env}`"
    yield from _function_problems(report)
    for topic in report.topics:
        if topic.pending:
            yield f"{topic.name}: {topic.pending} have not confirmed their subscription"


def _function_problems(report: Report) -> Iterator[str]:
    for function in report.functions:
        if function.state != "Active":
            yield f"{function.name} is {function.state}"
        if stopped := [state for state in function.sources if state != "Enabled"]:
            yield f"{function.name} is not fed: {', '.join(stopped)}"
    for runtime, day in _runtimes(report):
        if day <= report.today:
            deploy = f"waypost stack deploy {_env(report)} --parameter Runtime=..."
            yield f"{runtime} ended on {day}: `{deploy}`"


def _env(report: Report) -> str:
    return f"--env {report.stack.parameters.get('EnvironmentSuffix', '')}"


def _notes(report: Report) -> Iterator[str]:
    others = [function.name for function in report.functions if function.differences]
    if others:
        yield f"other code than this version's: {', '.join(others)}; see `waypost stack verify {_env(report)}`"
    if unread := [f.name for f in report.functions if f.differences is None]:
        yield f"code that could not be downloaded, and so not compared: {', '.join(unread)}"
    for runtime, day in _runtimes(report):
        if report.today < day <= report.today + NOTICE:
            yield f"{runtime} ends on {day}: choose another by `--parameter Runtime=...`"
    for topic in report.topics:
        if not topic.confirmed and not topic.pending:
            yield f"{topic.name} has no subscriber: nobody is told"


def _runtimes(report: Report) -> list[tuple[str, date]]:
    found = {f.runtime: f.ends for f in report.functions}
    return [(runtime, day) for runtime, day in sorted(found.items()) if day is not None]
