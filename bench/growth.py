"""Measures what the server holds in memory as its file grows, and what it takes when idle.

python -m bench.growth [--events N] [--idle SECONDS]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench.machine import DAY, send, server, workload


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--idle", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch) / "data") as under_test:
        print(f"at the start: {under_test.memory():,.0f} MiB", flush=True)
        sent = 0
        for details in workload(options.events):
            started, answering = send(under_test, details, 64, 10)
            sent += len(details)
            under_test.wait_until_folded(sent)
            folding = time.monotonic() - started
            if sent == options.events or sent % (5 * DAY) == 0:
                print(
                    f"{sent:>9,} events: {under_test.memory():,.0f} MiB; the last {len(details):,} "
                    f"answered at {len(details) / answering:,.0f}/s, "
                    f"folded at {len(details) / folding:,.0f}/s",
                    flush=True,
                )
        under_test.check()
        time.sleep(5)
        before = under_test.cpu()
        time.sleep(options.idle)
        idle = (under_test.cpu() - before) / options.idle
        print(f"idle for {options.idle} s: {idle:.2%} of one CPU, {under_test.memory():,.0f} MiB")


main()
