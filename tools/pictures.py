"""Make the pictures of the README: real commands, run on a real file, their real output.

    .venv/bin/python tools/pictures.py

The commands are told that their output is a terminal. Writes docs/images/*.svg.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from waypost.clock import SystemClock
from waypost.core.times import HOUR, format_time

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDTH = 104
STORY = (
    (-50, "INFO_RECEIVED", "Chicago, IL"),
    (-44, "PICKED_UP", "Chicago, IL"),
    (-30, "IN_TRANSIT", "Memphis, TN"),
    (-21, "DELAYED", "Memphis, TN"),
    (-9, "IN_TRANSIT", "Dallas, TX"),
    (-3, "DAMAGED", "Dallas, TX"),
)


def run(folder: Path, *words: str, stdin: str | None = None) -> str:
    """Run a command as if in a terminal, and return what it prints."""
    env = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "WAYPOST_DATA": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "waypost", *words],
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def picture(name: str, command: str, output: str) -> None:
    """Write one picture: the command, and its output below."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), command))
    console.print(Text.from_ansi(output.rstrip("\n")))
    svg = console.export_svg(title="waypost", unique_id=name)
    # The fonts are the reader's own: a picture loads nothing from anywhere.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (IMAGES / f"{name}.svg").write_text(svg)


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


if __name__ == "__main__":
    main()
