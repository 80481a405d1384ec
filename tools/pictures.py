"""Make the pictures of the README: real commands, run on a real file, their real output.

    .venv/bin/python tools/pictures.py

The commands are told that their output is a terminal. Writes docs/images/*.svg. The stack is one on
MiniStack, which publishes few metrics: what it lacks is "not known" in the picture.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
from rich.console import Console
from rich.text import Text

from waypost.clock import SystemClock
from waypost.core.times import HOUR, format_time

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDTH = 104
START_SECONDS = 10
"""So long may a local AWS take to start, and a stack to follow what it was sent."""
STORY = (
    (-50, "INFO_RECEIVED", "Chicago, IL"),
    (-44, "PICKED_UP", "Chicago, IL"),
    (-30, "IN_TRANSIT", "Memphis, TN"),
    (-21, "DELAYED", "Memphis, TN"),
    (-9, "IN_TRANSIT", "Dallas, TX"),
    (-3, "DAMAGED", "Dallas, TX"),
)


LOCAL_AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "BIND_HOST": "127.0.0.1",
    "LAMBDA_ACCOUNT_CONCURRENCY": "4",
}


def run(folder: Path, *words: str, stdin: str | None = None) -> str:
    """Run a command as if in a terminal, and return what it prints, problems last."""
    env = {
        **os.environ,
        **LOCAL_AWS,
        "FORCE_COLOR": "1",
        "COLUMNS": str(WIDTH),
        "WAYPOST_DATA": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-m", "waypost", *words],
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + (done.stderr if words[0] == "stack" else "")


def picture(name: str, command: str, output: str) -> None:
    """Write one picture: the command, and its output below."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), command))
    console.print(Text.from_ansi(output.rstrip("\n")))
    svg = console.export_svg(title="waypost", unique_id=name)
    # The fonts are the reader's own: a picture loads nothing from anywhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (IMAGES / f"{name}.svg").write_text(svg)


def stack_status(folder: Path) -> str:
    """Deploy a stack on MiniStack, have something go wrong, and return how it is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "ministack"],
        env={**os.environ, **LOCAL_AWS, "GATEWAY_PORT": port, "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(START_SECONDS)
        where = ("--env", "dev", "--endpoint-url", url)
        email = ("--alert-email", "ops@example.com", "--parameter", "AlertWindowSeconds=0")
        run(folder, "stack", "deploy", *where, "--yes", "--parameter", "Alarms=basic", *email)
        there = ("--stack", "dev", "--endpoint-url", url)
        run(folder, "put", "--shipment", "SHIP-20023", "--status", "LOST", *there)
        run(folder, "put", "--shipment", "SHIP-20042", "--status", "DELAYED", *there)
        client = boto3.Session("test", "test", region_name="eu-central-1").client
        client("cloudwatch", endpoint_url=url).set_alarm_state(
            AlarmName="shipment-updates-dlq-not-empty-dev", StateValue="ALARM", StateReason="shown"
        )
        sqs = client("sqs", endpoint_url=url)
        queue = sqs.get_queue_url(QueueName="shipment-updates-dlq-dev")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="{}")
        time.sleep(START_SECONDS)
        return run(folder, "stack", "status", *where)
    finally:
        server.terminate()
        server.wait()


def at(hours: float) -> str:
    """Return the instant so many hours from now."""
    return format_time(SystemClock().now() + int(hours * HOUR))


def main() -> None:
    """Make them all."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data"
        details = [
            {
                "shipmentId": "SHIP-12345",
                "eventId": f"e-{number}",
                "occurredAt": at(hours),
                "status": status,
                "location": place,
                "carrier": "FedEx",
                "eta": at(20),
            }
            for number, (hours, status, place) in enumerate(STORY)
        ]
        details += [
            {
                "shipmentId": f"SHIP-{number}",
                "occurredAt": at(-number / 4_000),
                "status": status,
                "location": place,
                "carrier": carrier,
            }
            for number, status, place, carrier in (
                (20017, "OUT_FOR_DELIVERY", "Lyon", "DHL"),
                (20023, "LOST", "Rotterdam", "Maersk"),
                (20042, "DELAYED", "Antwerp", "DHL"),
                (20051, "DELIVERED", "Hamburg", "UPS"),
            )
        ]
        lines = "\n".join(map(json.dumps, details))
        run(folder, "import", "-", stdin=lines)
        run(folder, "incidents", "ack", "SHIP-20042", "DELAYED")
        for name, words in (
            ("track", ("track", "SHIP-12345")),
            ("incidents", ("incidents",)),
            ("shipments", ("shipments",)),
        ):
            picture(name, f"waypost {' '.join(words)}", run(folder, *words))
        picture("stack-status", "waypost stack status --env dev", stack_status(folder))


if __name__ == "__main__":
    main()
