"""``make torture``: every fault against the real server, and a table of what was seen."""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.faults.torture import SCENARIOS
from tests.faults.torture.rig import Broken
from tests.faults.torture.scenario import Scale, Skipped

if TYPE_CHECKING:
    from tests.faults.torture.scenario import Scenario


@dataclass(frozen=True)
class Row:
    """A line of the report."""

    name: str
    did: str
    seen: str
    result: str
    seconds: float


STYLES = {"held": "green", "BROKEN": "bold red", "not done": "yellow"}


def run(name: str, scenario: Scenario, scale: Scale, keep: bool) -> Row:
    """Run one scenario on a folder of its own, which is kept if it failed."""
    folder = Path(tempfile.mkdtemp(prefix="waypost-torture-"))
    began = time.monotonic()
    try:
        done = scenario(folder, scale)
    except Skipped as why:
        did, seen, result = "", str(why), "not done"
    except Exception as error:  # noqa: BLE001 (whatever fails is a row of the report)
        if not isinstance(error, Broken):
            traceback.print_exc()
        did, seen, result = str(folder), f"{type(error).__name__}: {error}", "BROKEN"
    else:
        did, seen, result = done.did, done.seen, "held"
    if result != "BROKEN" and not keep:
        shutil.rmtree(folder)
    return Row(name, did, seen, result, time.monotonic() - began)


def report(rows: list[Row]) -> Table:
    table = Table(show_lines=True)
    table.add_column("scenario", style="bold", min_width=14)
    table.add_column("done", ratio=2)
    table.add_column("seen", ratio=4)
    table.add_column("result", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    for row in rows:
        result = f"[{STYLES[row.result]}]{row.result}[/]"
        table.add_row(row.name, row.did, row.seen, result, f"{row.seconds:,.0f} s")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.torture", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="only these; without any, all of them")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    parser.add_argument("--bounded", action="store_true", help="as little as `make test` does")
    parser.add_argument("--keep", action="store_true", help="leave the folders where they are")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    if options.list:
        console.print(*SCENARIOS, sep="\n")
        return 0
    unknown = set(options.scenarios) - SCENARIOS.keys()
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; see --list")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # for thousands of clients
    rows: list[Row] = []
    with suppress(KeyboardInterrupt):  # then the report is of what was done until then
        for name in options.scenarios or SCENARIOS:
            with console.status(name):
                row = run(name, SCENARIOS[name], Scale(not options.bounded), options.keep)
            rows.append(row)
            console.print(f"{row.result:<9}{row.seconds:>6,.1f} s  {name}", highlight=False)
            if row.result == "BROKEN":
                what = f"          {row.seen}\n          {row.did}"
                console.print(what, highlight=False, markup=False)
    console.print(report(rows))
    broken = sum(row.result == "BROKEN" for row in rows)
    held = sum(row.result == "held" for row in rows)
    skipped = len(rows) - broken - held
    console.print(
        f"{len(rows)} scenarios: {held} held, {broken} broken, {skipped} not done here; "
        f"{sum(row.seconds for row in rows):,.0f} s",
        highlight=False,
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
