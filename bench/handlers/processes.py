"""The processes of a run: AWS, and functions."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waypost.stack.bundle import inline_code, zip_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
DELAY = 5
"""Milliseconds after which each call is answered."""


@dataclass(frozen=True)
class Took:
    """What invocations took: seconds, CPU of the function's process alone, and calls of AWS."""

    wall: float
    cpu: float
    calls: float

    def over(self, events: int) -> Took:
        """Return what one of so many events took."""
        return Took(self.wall / events, self.cpu / events, self.calls / events)

    def __add__(self, other: Took) -> Took:
        return Took(self.wall + other.wall, self.cpu + other.cpu, self.calls + other.calls)


class Aws:
    """The canned AWS."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def calls(self) -> int:
        """Return how many calls it has answered."""
        with urllib.request.urlopen(self.address) as answer:  # noqa: S310 (loopback)
            return sum(json.load(answer).values())


@contextlib.contextmanager
def canned_aws(histories: dict[str, Any]) -> Iterator[Aws]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.handlers.canned", str(DELAY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(histories))
            process.stdin.close()
            yield Aws(int(process.stdout.readline()))
        finally:
            process.terminate()


@dataclass(frozen=True)
class Code:
    """What a function is started from.

    Attributes:
        handler: the attribute of ``index`` that handles.
    """

    folder: Path
    handler: str


class Function:
    """A function that runs; it has handled its first events."""

    def __init__(self, code: Code, aws: Aws, first: Sequence[str]) -> None:
        """Start it, and have it handle the first payloads, from which `cold` results."""
        self._aws = aws
        before = aws.calls()
        started = time.monotonic()
        # No bytecode is written, for Lambda keeps none of a function's own code.
        self._process = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "function.py"), str(code.folder), code.handler],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(aws),
        )
        report = self._handle(first)
        self.cold = Took(report["ended"] - started, report["cpu_since_exec"], aws.calls() - before)

    def take(self, payloads: Sequence[str]) -> Took:
        """Have it handle payloads."""
        before = self._aws.calls()
        report = self._handle(payloads)
        return Took(report["wall"], report["cpu"], self._aws.calls() - before)

    def _handle(self, payloads: Sequence[str]) -> dict[str, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(payloads) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the function died; what it said stands above"
        report: dict[str, float] = json.loads(line)
        return report

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            assert self._process.wait(10) == 0
        finally:
            self._process.kill()


@contextlib.contextmanager
def function(code: Code, aws: Aws, first: Sequence[str]) -> Iterator[Function]:
    """Run a function."""
    running = Function(code, aws, first)
    try:
        yield running
    finally:
        running.stop()


def environment(aws: Aws) -> dict[str, str]:
    """Return what Lambda and the template would set, and where AWS is."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "opens-nothing",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjE" * 40,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.address,
        "DYNAMODB_TABLE": "shipment-logs-bench",
        "STATE_TABLE": "shipment-state-bench",
        "REJECTED_TABLE": "shipment-rejected-bench",
        "REFOLD_QUEUE_URL": f"{aws.address}/123456789012/shipment-refold-bench",
        "SNS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:logistics-alerts-bench",
        "ENVIRONMENT": "bench",
    }


def unpack(scratch: Path) -> dict[str, Code]:
    """Put the functions' code into folders, as Lambda would; return them by name."""
    seed = (HERE / "indexes" / "seed.py").read_bytes()
    seed_handler = HERE.parents[1] / "tests" / "support" / "seed_handler.py"
    files = {
        "nothing": {"index.py": (HERE / "indexes" / "nothing.py").read_bytes()},
        "seed": {"index.py": seed, "seed_handler.py": seed_handler.read_bytes()},
        "processor": zip_files(),
        "inline": {"index.py": inline_code().encode()},
        "botocore": {"index.py": (HERE / "indexes" / "with_botocore.py").read_bytes()},
        "library": {"index.py": (HERE / "indexes" / "with_library.py").read_bytes()},
    }
    for name, of_one in files.items():
        write(scratch / name, of_one)
    return {
        **{name: Code(scratch / name, "lambda_handler") for name in files},
        "notifier": Code(scratch / "processor", "notifier_handler"),
    }


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
