"""Rounds: each starts all functions anew, and has them handle the same events in turn."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.handlers.events import Events, raw, sqs, stream
from bench.handlers.processes import Function, Took, function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.handlers.processes import Aws, Code

WARM_UP = 50
SINGLES = 60
"""So many events are handled one by one in a round, and half as many critical ones."""
PARTS = 3
"""Each job is done in so many parts, so that other load on the machine meets all alike."""

Series = dict[str, list[Took]]
"""What each thing took, an event, round by round."""


@dataclass(frozen=True)
class Work:
    """What a function handles in a round."""

    function: str
    payloads: list[str]
    events: int


def work(of: Events, number: int) -> dict[str, Work]:
    """Return what is measured of warm functions in a round: what is compared stands together.

    The processor gets three times as many in batches: it is done with them as soon as the seed is.
    """
    start = WARM_UP + number * SINGLES
    singles, critical = of.ordinary[start : start + SINGLES], of.critical[: SINGLES // 2]
    return {
        "seed, ordinary": Work("seed", raw(singles), SINGLES),
        "processor, 1": Work("processor", sqs(singles, 1), SINGLES),
        "botocore, 1": Work("botocore", sqs(singles, 1), SINGLES),
        "library, 1": Work("library", sqs(singles, 1), SINGLES),
        "seed, critical": Work("seed", raw(critical), SINGLES // 2),
        "processor, 1 critical": Work("processor", sqs(critical, 1), SINGLES // 2),
        "seed, mixed": Work("seed", raw(of.mixed), 100),
        "processor, 10": Work("processor", sqs(of.mixed * 3, 10), 300),
        "notifier, 10": Work("notifier", stream(of.mixed, 10), 100),
        "notifier, 100": Work("notifier", stream(of.mixed, 100), 100),
    }


def measure(codes: dict[str, Code], aws: Aws, of: Events, rounds: int) -> tuple[Series, Series]:
    """Return what a cold start of each function took, and then its work.

    The next round begins with another function.
    """
    cold: Series = defaultdict(list)
    warm: Series = defaultdict(list)
    for number in range(rounds):
        with contextlib.ExitStack() as stack:
            running: dict[str, Function] = {}
            for name in turned(codes, number):
                one = function(codes[name], aws, first(name, of))
                running[name] = stack.enter_context(one)
                cold[name].append(running[name].cold)
            jobs = work(of, number)
            for name in dict.fromkeys(job.function for job in jobs.values()):
                running[name].take(warm_up(name, of))
            for name, took in in_turn(jobs, running, number).items():
                warm[name].append(took.over(jobs[name].events))
    return cold, warm


def in_turn(jobs: dict[str, Work], running: dict[str, Function], number: int) -> dict[str, Took]:
    """Have the jobs done in parts, a part of each after the other; return what each took."""
    sums: dict[str, Took] = {}
    for part in range(PARTS):
        for name in turned(jobs, number + part):
            some = jobs[name].payloads[part::PARTS]
            if some:
                took = running[jobs[name].function].take(some)
                sums[name] = sums[name] + took if name in sums else took
    return sums


def turned(names: Iterable[str], by: int) -> Iterator[str]:
    """Return the names, from another one on."""
    some = list(names)
    start = by % len(some)
    yield from some[start:] + some[:start]


def first(name: str, of: Events) -> list[str]:
    """Return the first event of a function."""
    if name == "seed":
        return raw(of.ordinary[:1])
    return stream(of.mixed[:1], 1) if name == "notifier" else sqs(of.ordinary[:1], 1)


def warm_up(name: str, of: Events) -> list[str]:
    some = of.ordinary[:WARM_UP]
    if name == "seed":
        return raw(some)
    return stream(of.mixed[:WARM_UP], 10) if name == "notifier" else sqs(some, 1) + sqs(some, 10)
