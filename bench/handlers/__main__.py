"""Measures the functions against the first design's ("seed"), on one canned AWS, in one run.

    python -m bench.handlers [--rounds N]

What it does, and what the numbers mean: bench/README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import botocore
from rich.console import Console
from rich.table import Table

from bench.handlers.events import CRITICAL_IN_100, events
from bench.handlers.processes import DELAY, canned_aws, unpack
from bench.handlers.rounds import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.handlers.processes import Took

MOST_ROUNDS = 50

MIXED = f"{CRITICAL_IN_100} % critical"
WARM = [
    # what it is, as the table has it, what it is compared with, the aim
    ("seed, ordinary", "seed: one ordinary event", None, None),
    ("seed, critical", "seed: one critical event", None, None),
    ("seed, mixed", f"seed: one of {MIXED}", None, None),
    None,
    ("processor, 1", "processor: one ordinary event", "seed, ordinary", 0.55),
    ("processor, 1 critical", "processor: one critical event", "seed, critical", 0.55),
    ("processor, 10", f"processor: 10 of {MIXED}", "seed, mixed", 0.4),
    None,
    ("notifier, 10", f"notifier: 10 of {MIXED}", "seed, mixed", None),
    ("notifier, 100", f"notifier: 100 of {MIXED}", "seed, mixed", None),
    ("both, 10", "processor 10 + notifier 10", "seed, mixed", None),
    ("both, 100", "processor 10 + notifier 100", "seed, mixed", None),
    None,
    ("botocore, 1", "one PutItem by botocore", "seed, ordinary", None),
    ("library, 1", "one PutItem by http.client", "seed, ordinary", None),
]
COLD = [
    ("seed", "seed"),
    None,
    ("processor", "processor, zip"),
    ("inline", "processor, inline"),
    ("notifier", "notifier, zip"),
    None,
    ("botocore", "one PutItem by botocore"),
    ("library", "one PutItem by http.client"),
    ("nothing", "nothing"),
]


def spread(values: Sequence[float], style: str = "") -> str:
    """Return the median of some values, and from where to where they go."""
    text = f"{median(values):.2f}"
    return f"[{style}]{text}[/] [dim]{min(values):.2f}-{max(values):.2f}[/]"


def ratios(
    took: Sequence[Took], seed: Sequence[Took], what: Callable[[Took], float]
) -> list[float]:
    """Return how they compare, each with the seed's of the same round."""
    return [what(ours) / what(theirs) for ours, theirs in zip(took, seed, strict=True)]


def cpu(took: Took) -> float:
    return took.cpu


def wall(took: Took) -> float:
    return took.wall


def numbers(took: Sequence[Took]) -> list[str]:
    return [
        f"{median(t.calls for t in took):.2f}",
        f"{median(map(cpu, took)) * 1e3:.2f}",
        f"{median(map(wall, took)) * 1e3:.1f}",
    ]


def warm_table(series: dict[str, list[Took]]) -> Table:
    for size in ("10", "100"):
        series[f"both, {size}"] = [
            processor + notifier
            for processor, notifier in zip(
                series["processor, 10"], series[f"notifier, {size}"], strict=True
            )
        ]
    table = Table(
        title="Warm, an event: medians, and of ratios lowest-highest", title_justify="left"
    )
    table.add_column("")
    for name in ("AWS calls", "CPU ms", "wall ms", "CPU to the seed's", "aim"):
        table.add_column(name, justify="right")
    for line in WARM:
        if line is None:
            table.add_section()
            continue
        name, title, against, aim = line
        compared = ""
        if against is not None:
            found = ratios(series[name], series[against], cpu)
            met = "" if aim is None else "green" if median(found) <= aim else "red"
            compared = spread(found, f"bold {met}")
        table.add_row(title, *numbers(series[name]), compared, "" if aim is None else f"{aim:.2f}")
    return table


def cold_table(series: dict[str, list[Took]]) -> Table:
    table = Table(title="Cold, from exec to the end of the first event", title_justify="left")
    table.add_column("")
    for name in ("AWS calls", "CPU ms", "wall ms", "CPU to the seed's", "wall to the seed's"):
        table.add_column(name, justify="right")
    for line in COLD:
        if line is None:
            table.add_section()
            continue
        name, title = line
        compared = [
            spread(ratios(series[name], series["seed"], what), "bold") for what in (cpu, wall)
        ]
        table.add_row(title, *numbers(series[name]), *(compared if name != "seed" else ("", "")))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.handlers")
    parser.add_argument("--rounds", type=int, default=5, help=f"up to {MOST_ROUNDS}")
    rounds = min(parser.parse_args().rounds, MOST_ROUNDS)
    of = events()
    with tempfile.TemporaryDirectory() as scratch, canned_aws(of.histories) as aws:
        cold, warm = measure(unpack(Path(scratch)), aws, of, rounds)
    console = Console(width=110)
    console.print(
        f"{os.cpu_count()} CPUs, Python {platform.python_version()}, "
        f"botocore {botocore.__version__}, {rounds} rounds, "
        f"each call answered after {DELAY} ms, load {os.getloadavg()[1]:.1f}",
        highlight=False,
    )
    console.print(warm_table(warm))
    console.print(cold_table(cold))


main()
