"""Measures the whole server against SQLite alone: same tables, same rows, same batches, same run.

    python -m bench [--events N] [--connections N ...] [--entries N ...] [--boto3 N ...] [--rounds N]

What it does, and what the numbers mean: bench/README.md.
"""

from __future__ import annotations

import argparse
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.alone import Alone
from bench.machine import HERE, Detail, Server, send, server, workload


@dataclass(frozen=True)
class Shape:
    """How the events are sent: by so many connections, or by so many boto3 clients."""

    senders: int
    entries: int
    boto3: bool

    def __str__(self) -> str:
        return f"{self.senders} {'boto3' if self.boto3 else 'connections'} x {self.entries}"


@dataclass(frozen=True)
class Measured:
    """One round.

    Attributes:
        answered: seconds until all was answered, and so durable.
        folded: seconds until all was folded too.
        cpu: seconds of CPU that the server took.
        alone: seconds that SQLite alone took, saving the state as often as the server.
        at_once: seconds that SQLite alone took, saving the state with each batch of the log.
        commits: how many batches of the log there were.
        saves: how many states the server saved.
    """

    answered: float
    folded: float
    cpu: float
    alone: float
    at_once: float
    commits: int
    saves: int

    @property
    def ratio(self) -> float:
        """To SQLite alone in the way that is faster."""
        return min(self.alone, self.at_once) / self.folded


def measure(details: list[Detail], shape: Shape) -> Measured:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        with server(folder) as under_test:
            before = under_test.cpu()
            sending = send_by_boto3 if shape.boto3 else send
            started, answered = sending(under_test, details, shape.senders, shape.entries)
            under_test.wait_until_folded(len(details))
            folded = time.monotonic() - started
            cpu = under_test.cpu() - before
            under_test.check()
        alone = Alone(folder / "waypost.db")
        assert len(alone.log) == len(details)
        return Measured(
            answered=answered,
            folded=folded,
            cpu=cpu,
            alone=alone.run(Path(scratch) / "alone.db", state_with_each_batch=False),
            at_once=alone.run(Path(scratch) / "at_once.db", state_with_each_batch=True),
            commits=len(alone.batches),
            saves=alone.saves,
        )


def send_by_boto3(
    to: Server, details: list[Detail], processes: int, entries: int
) -> tuple[float, float]:
    """Send the details by processes with one real client each; return as `send` does."""
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.boto", to.address, str(entries)],
            cwd=HERE.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    for number, process in enumerate(clients):
        assert process.stdin is not None
        process.stdin.write(pickle.dumps(details[number::processes]))
        process.stdin.close()
    times = []
    for process in clients:
        assert process.stdout is not None
        times.append([float(word) for word in process.stdout.read().split()])
        assert process.wait() == 0
    started = min(start for start, _ in times)
    return started, max(start + took for start, took in times) - started


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--connections", type=int, nargs="*", default=[64])
    parser.add_argument("--entries", type=int, nargs="*", default=[10], help="of each call")
    parser.add_argument(
        "--boto3", type=int, nargs="*", default=[], help="so many real clients, 10 entries a call"
    )
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    shapes = [Shape(c, e, boto3=False) for e in options.entries for c in options.connections]
    shapes += [Shape(processes, 10, boto3=True) for processes in options.boto3]
    details = [detail for part in workload(options.events) for detail in part]
    print(f"{len(details):,} events, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    table = Table(*COLUMNS)
    lines = []
    for shape in shapes:
        rounds = []
        for _ in range(options.rounds):
            rounds.append(measure(details, shape))
            table.add_row(*row(shape, rounds[-1], len(details)))
        ratio = statistics.median(r.ratio for r in rounds)
        lines.append(f"{shape}: the server does {ratio:.2f} of what SQLite alone does")
    Console(width=150).print(table)
    print(*lines, sep="\n")


COLUMNS = (
    "senders x entries",
    "answered/s",
    "folded/s",
    "SQLite in rounds/s",
    "SQLite each batch/s",
    "ratio to the faster",
    "server's CPU",
    "events a commit",
    "saves an event",
)


def row(shape: Shape, measured: Measured, events: int) -> list[str]:
    return [
        str(shape),
        f"{events / measured.answered:,.0f}",
        f"{events / measured.folded:,.0f}",
        f"{events / measured.alone:,.0f}",
        f"{events / measured.at_once:,.0f}",
        f"{measured.ratio:.2f}",
        f"{measured.cpu / events * 1e6:.0f} µs",
        f"{events / measured.commits:,.0f}",
        f"{measured.saves / events:.2f}",
    ]


main()
