"""Measures the whole server against SQLite alone: same tables, same rows, same batches, same run.

    python -m bench [--events N] [--connections N] [--entries N] [--rounds N]

Each round starts a fresh `waypost serve`, sends it the events over HTTP (the very bytes that boto3
sends), and waits until all are answered (so: durable) and folded. Then the rows that this left in
the file are written once more by a bare loop over Python's sqlite3, prepared beforehand, into a
fresh file with the same schema and settings, in the batches in which the server committed them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from rich.console import Console
from rich.table import Table

from waypost.follow.refold import ROUND
from waypost.simulate.fleet import day

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def workload(events: int) -> list[dict[str, Any]]:
    """Return so many updates of the simulated fleet, none twice, in their order."""
    now = int(time.time() * 1_000)
    return day(seed=1, updates=events, start_ms=now - 86_400_000)


def requests(details: list[dict[str, Any]], entries: int, address: str) -> list[bytes]:
    """Return the bytes that boto3 sends for the details, so many entries a call."""
    import json

    client = boto3.client(
        "events",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench-secret",  # noqa: S106 (opens nothing)
        config=Config(retries={"total_max_attempts": 1}),
    )
    made: list[bytes] = []

    class Raw:
        def stream(self, *_: object, **__: object) -> Iterator[bytes]:
            yield b'{"FailedEntryCount":0,"Entries":[]}'

    def keep(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        head = [f"{request.method} / HTTP/1.1", f"Host: {address.partition('//')[2]}"]
        head += [
            f"{name}: {value.decode() if isinstance(value, bytes) else value}"
            for name, value in request.headers.items()
        ]
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        made.append("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        return AWSResponse(address, 200, {}, Raw())

    client.meta.events.register("before-send.events.PutEvents", keep)
    for start in range(0, len(details), entries):
        client.put_events(
            Entries=[
                {
                    "Source": "logistics.shipments",
                    "DetailType": "Shipment Update",
                    "Detail": json.dumps(detail),
                }
                for detail in details[start : start + entries]
            ]
        )
    return made


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run `waypost serve` and yield its address."""
    env = {**os.environ, "WAYPOST_TERMINAL": "off"}
    process = subprocess.Popen(
        [sys.executable, "-m", "waypost", "serve", "--port", "0", "--data", str(folder)],
        stdout=subprocess.PIPE,
        stderr=(folder.parent / "server.log").open("w"),
        text=True,
        env=env,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None, (folder.parent / "server.log").read_text()
        yield found.group()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def behind(address: str) -> float:
    """Return how many entries are recorded and not yet folded."""
    with urllib.request.urlopen(f"{address}/metrics") as answer:  # noqa: S310 (loopback)
        text = answer.read().decode()
    return float(re.search(r"^waypost_entries_behind (\S+)", text, re.MULTILINE).group(1))  # type: ignore[union-attr]


def over_http(
    details: list[dict[str, Any]], folder: Path, connections: int, entries: int
) -> tuple[float, float]:
    """Return the seconds until all was answered, and until all was folded."""
    with server(folder) as address:
        prepared = pickle.dumps(requests(details, entries, address))
        host, port = address.partition("//")[2].split(":")
        started = time.perf_counter()
        load = subprocess.run(
            [sys.executable, str(HERE / "load.py"), host, port, str(connections)],
            input=prepared,
            capture_output=True,
            check=True,
        )
        starting = time.perf_counter() - started - float(load.stdout)
        while behind(address) or not is_folded(folder, len(details)):
            time.sleep(0.01)
        return float(load.stdout), time.perf_counter() - started - starting


def is_folded(folder: Path, events: int) -> bool:
    """Tell whether the follower's position is at the end of the log."""
    with contextlib.closing(sqlite3.connect(folder / "waypost.db")) as db:
        [followed] = db.execute("SELECT position FROM follower").fetchone()
    return bool(followed >= events)


class Alone:
    """What SQLite alone does with the same rows."""

    def __init__(self, source: Path) -> None:
        """Read what the server left in its file."""
        with contextlib.closing(sqlite3.connect(source)) as db:
            self.schema = [
                sql
                for [sql] in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
                if "sqlite_" not in sql
            ]
            self.log = db.execute("SELECT * FROM log ORDER BY position").fetchall()
            columns = [row[1] for row in db.execute("PRAGMA table_info(log)")]
            states = {row[0]: row for row in db.execute("SELECT * FROM shipments")}
            self.incidents = db.execute("SELECT * FROM incidents").fetchall()
        at = columns.index("record_time")
        who = columns.index("shipment_id")
        self.batches = [list(rows) for _, rows in groupby(self.log, key=lambda row: row[at])]
        self.rounds = [
            list({row[who]: states[row[who]] for row in self.log[i : i + ROUND]}.values())
            for i in range(0, len(self.log), ROUND)
        ]

    def run(self, path: Path) -> float:
        """Write the rows into a fresh file; return the seconds that it took."""
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 16384")
        for sql in self.schema:
            db.execute(sql)
        append = f"INSERT INTO log VALUES ({marks(self.log[0])}) ON CONFLICT (shipment_id, timestamp) DO NOTHING"  # noqa: S608 (question marks)
        save = f"INSERT OR REPLACE INTO shipments VALUES ({marks(self.rounds[0][0])})"  # noqa: S608
        open_ = f"INSERT OR REPLACE INTO incidents VALUES ({marks(self.incidents[0])})"  # noqa: S608
        started = time.perf_counter()
        rounds = iter(self.rounds)
        written = 0
        for batch in self.batches:
            transaction(db, append, batch)
            written += len(batch)
            if written >= ROUND:
                written -= ROUND
                transaction(db, save, next(rounds, []))
        for rest in rounds:
            transaction(db, save, rest)
        transaction(db, open_, self.incidents)
        seconds = time.perf_counter() - started
        db.close()
        return seconds


def marks(row: tuple[object, ...]) -> str:
    return ", ".join("?" * len(row))


def transaction(db: sqlite3.Connection, sql: str, rows: list[tuple[object, ...]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany(sql, rows)
    db.execute("COMMIT")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--entries", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    details = workload(options.events)
    table = Table("round", "answered/s", "durable and folded/s", "SQLite alone/s", "batch", "ratio")
    ratios = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "data"
            folder.mkdir()
            answered, folded = over_http(details, folder, options.connections, options.entries)
            alone = Alone(folder / "waypost.db")
            bare = alone.run(Path(scratch) / "alone.db")
        events = len(alone.log)
        ratios.append(bare / folded)
        table.add_row(
            str(number + 1),
            f"{events / answered:,.0f}",
            f"{events / folded:,.0f}",
            f"{events / bare:,.0f}",
            f"{events / len(alone.batches):,.0f}",
            f"{ratios[-1]:.2f}",
        )
    Console().print(table)
    print(
        f"{options.events:,} events, {options.entries} a call, {options.connections} connections: "
        f"the server does {statistics.median(ratios):.2f} of what SQLite alone does"
    )


main()
