"""The server under test, what is sent to it, and what it takes."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from waypost.simulate.fleet import day

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
DAY = 20_000
"""So many updates the simulated day has; a longer workload is that day again, of other shipments."""

Detail = dict[str, Any]


def workload(events: int) -> Iterator[list[Detail]]:
    """Yield so many updates of the simulated fleet, none twice, in their order, in lists."""
    now = int(time.time() * 1_000)
    first = day(seed=1, updates=min(events, DAY), start_ms=now - 86_400_000)
    for turn in range(-(-events // DAY)):
        again = [
            {**detail, **{name: f"{detail[name]}-{turn}" for name in IDS & detail.keys()}}
            for detail in first[: events - turn * DAY]
        ]
        yield again if turn else first


IDS = {"shipmentId", "eventId"}


def requests(details: list[Detail], entries: int, address: str) -> list[bytes]:
    """Return the calls that boto3 makes for the details, as bytes, so many entries a call."""
    head = boto3_head(address)
    made = []
    for start in range(0, len(details), entries):
        body = json.dumps({"Entries": [entry(d) for d in details[start : start + entries]]})
        made.append(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body.encode()))
    return made


def entry(detail: Detail) -> dict[str, str]:
    """Return a PutEvents entry."""
    return {
        "Source": "logistics.shipments",
        "DetailType": "Shipment Update",
        "Detail": json.dumps(detail),
    }


def client(address: str) -> Any:
    """Return a real PutEvents client."""
    return boto3.client(
        "events",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench-secret",  # noqa: S106 (opens nothing)
    )


def boto3_head(address: str) -> bytes:
    """Return the request line and the headers of boto3's call, but for the length of the body."""
    heads: list[bytes] = []

    class Answer:
        def stream(self, *_: object, **__: object) -> Iterator[bytes]:
            yield b'{"FailedEntryCount":0,"Entries":[]}'

    def keep(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        lines = [f"{request.method} / HTTP/1.1", f"Host: {address.partition('//')[2]}"]
        for name, value in request.headers.items():
            if name.lower() != "content-length":
                text = value.decode() if isinstance(value, bytes) else value
                lines.append(f"{name}: {text}")
        heads.append("".join(f"{line}\r\n" for line in lines).encode())
        return AWSResponse(address, 200, {}, Answer())

    events = client(address)
    events.meta.events.register("before-send.events.PutEvents", keep)
    events.put_events(Entries=[entry({"shipmentId": "A", "status": "NOTE"})])
    return heads[0]


@dataclass(frozen=True)
class Server:
    """A `waypost serve` that runs on a folder."""

    address: str
    pid: int
    folder: Path

    @property
    def place(self) -> list[str]:
        """Its host and port."""
        return self.address.partition("//")[2].split(":")

    def cpu(self) -> float:
        """Return the CPU seconds that it has taken."""
        after_name = (
            Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        )
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return the MiB of memory that it holds (RSS)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def wait_until_folded(self, events: int) -> None:
        """Return once the follower's position is at the end of the log."""
        with contextlib.closing(sqlite3.connect(self.folder / "waypost.db")) as db:
            while db.execute("SELECT position FROM follower").fetchone()[0] < events:
                time.sleep(0.01)

    def check(self) -> None:
        """Stop where anything was rejected: that would be another workload."""
        with urllib.request.urlopen(f"{self.address}/metrics") as answer:  # noqa: S310 (loopback)
            text = answer.read().decode()
        rejected = re.search(r"^waypost_processing_errors_total (\S+)", text, re.MULTILINE)
        assert rejected is not None, text
        assert float(rejected[1]) == 0, text


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Run `waypost serve` on a new folder."""
    log = folder.parent / "server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "waypost", "serve", "--port", "0", "--data", str(folder)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "WAYPOST_TERMINAL": "off"},
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
            assert found is not None, log.read_text(encoding="utf-8")
            yield Server(found.group(), process.pid, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def send(to: Server, details: list[Detail], connections: int, entries: int) -> tuple[float, float]:
    """Send the details; return when the first byte left (`time.monotonic`), and how long it took."""
    prepared = pickle.dumps(requests(details, entries, to.address))
    load = subprocess.run(
        [sys.executable, str(HERE / "load.py"), *to.place, str(connections)],
        input=prepared,
        capture_output=True,
        check=True,
    )
    started, seconds = map(float, load.stdout.split())
    return started, seconds
