"""The real program in processes of its own: a server, and commands."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def environment(**variables: str) -> dict[str, str]:
    """Return this process's environment without settings of Waypost's, but those given."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("WAYPOST_")}
    return {**inherited, **variables}


def waypost(
    data: Path, *words: str, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command on a data folder to its end, for 100 seconds at most."""
    return subprocess.run(
        [sys.executable, "-m", "waypost", *words, "--data", str(data)],
        env=environment(**variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def rows(data: Path, *words: str) -> list[dict[str, Any]]:
    """Run a command that answers in JSON Lines, which has to succeed, and return them."""
    done = waypost(data, *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@dataclass
class ServerProcess:
    """``waypost serve`` on a free port, on a data folder that outlives it.

    ``program`` runs in place of ``python -m waypost``: the same, with something around it.
    """

    data: Path
    variables: dict[str, str] = field(default_factory=dict)
    port: int = 0
    program: tuple[str, ...] = (sys.executable, "-m", "waypost")

    def start(self) -> str:
        """Start it, and return its address once it accepts calls."""
        self.spawn()
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], 90)
        line = self.process.stdout.readline() if readable else "nothing within 90 s"
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found is not None, line + (self.data.parent / "serve.log").read_text(
            encoding="utf-8"
        )
        self.address = found.group()
        return self.address

    def spawn(self) -> None:
        """Start it, and wait for nothing."""
        self._log = (self.data.parent / "serve.log").open("a")
        words = ["serve", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*self.program, *words],
            env=environment(**self.variables),
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def kill(self) -> None:
        """End it as a power cut would end the process: at once, with no chance to tidy up."""
        self._end(signal.SIGKILL)

    def leave_nothing(self) -> None:
        """Kill it if it still runs, for a test that failed half-way."""
        if self.process.poll() is None:
            self.kill()

    def stop(self) -> str:
        """Ask it to end; return the rest of what it printed."""
        return self._end(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Wait until it ends by itself; return its exit code."""
        self._rest(seconds)
        return self.process.returncode

    def _end(self, how: signal.Signals) -> str:
        self.process.send_signal(how)
        return self._rest(60)

    def _rest(self, seconds: float) -> str:
        rest, _ = self.process.communicate(timeout=seconds)
        self._log.close()
        return rest or ""
