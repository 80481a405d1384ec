"""The program as it is installed: processes, signals, pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAYPOST = (sys.executable, "-m", "waypost")
Process = subprocess.Popen[str]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WAYPOST_")}
    return {**kept, "WAYPOST_DATA": str(tmp_path / "data"), "WAYPOST_PORT": "0"}


@contextmanager
def started(env: dict[str, str], *arguments: str) -> Iterator[Process]:
    process = subprocess.Popen(
        [*WAYPOST, *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=100)


def address(server: Process) -> str:
    """Wait until it accepts calls; return where."""
    assert server.stdout is not None
    line = server.stdout.readline().split()
    assert line[:3] == ["Waypost", "listens", "on"]
    return line[3]


def ended(process: Process, number: signal.Signals) -> tuple[int, str]:
    """End a process by a signal; return its exit code and what it said to stderr."""
    process.send_signal(number)
    _, said = process.communicate(timeout=100)
    return process.returncode, said


def run(env: dict[str, str], *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [*WAYPOST, *arguments], env=env, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    return done.stdout


def track(env: dict[str, str], shipment: str) -> dict[str, Any]:
    tracked: dict[str, Any] = json.loads(run(env, "track", shipment, "--json"))
    return tracked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_says_its_address_and_ends_well(
    env: dict[str, str], number: signal.Signals
) -> None:
    with started(env, "serve") as server:
        assert address(server).startswith("http://127.0.0.1:")
        code, said = ended(server, number)

    assert code == 0
    assert all(json.loads(line)["level"] == "info" for line in said.splitlines())


def test_put_without_a_server_with_one_and_after_one_was_killed(env: dict[str, str]) -> None:
    run(env, "put", "--shipment", "S", "--status", "PICKED_UP")
    with started(env, "serve") as server:
        address(server)
        run(env, "put", "--shipment", "S", "--status", "LOST", "--event-id", "e1")
        run(env, "incidents", "ack", "S", "LOST")
        assert ended(server, signal.SIGKILL)[0] == -signal.SIGKILL
    run(env, "put", "--shipment", "S", "--status", "DAMAGED")

    tracked = track(env, "S")
    assert [update["status"] for update in tracked["updates"]] == ["PICKED_UP", "LOST", "DAMAGED"]
    assert tracked["conditions"] == ["LOST", "DAMAGED"]


def test_a_repeat_of_the_same_event_alerts_nobody_again(env: dict[str, str]) -> None:
    lost = ["put", "--shipment", "SHIP-12345", "--status", "LOST", "--event-id", "e1"]
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    lost += ["--occurred-at", an_hour_ago.isoformat(timespec="seconds")]
    env = {**env, "WAYPOST_TERMINAL": "on", "WAYPOST_ALERT_WINDOW": "0"}
    with started(env, "serve") as server:
        address(server)
        assert run(env, *lost) == "recorded\n"
        assert "duplicate" in run(env, *lost)
        assert server.stdout is not None
        assert "LOST  SHIP-12345" in server.stdout.readline()
        run(env, "put", "--shipment", "SHIP-2", "--status", "DAMAGED")
        shown = ""
        while "DAMAGED  SHIP-2" not in shown:
            shown += server.stdout.readline()

    assert "LOST" not in shown
    assert len(run(env, "alerts", "--json").splitlines()) == 2


def test_two_that_write_at_once_both_succeed(env: dict[str, str]) -> None:
    with ExitStack() as stack:
        writers = [
            stack.enter_context(started(env, "put", "--shipment", f"S{i}", "--status", "LOST"))
            for i in range(4)
        ]
        codes = [writer.wait(100) for writer in writers]

    assert codes == [0, 0, 0, 0]
    assert len(run(env, "shipments", "--json").splitlines()) == 4


def test_a_reader_that_has_had_enough_is_no_error(env: dict[str, str], tmp_path: Path) -> None:
    detail = {"status": "LOST", "occurredAt": "2026-03-02T12:00:00Z", "description": "x" * 500}
    file = tmp_path / "updates.jsonl"
    file.write_text(
        "".join(json.dumps({**detail, "shipmentId": f"S{i}"}) + "\n" for i in range(999))
    )
    run(env, "import", str(file))
    for command in (
        ("export", "updates"),
        ("shipments", "--json"),
        ("shipments", "--limit", "999"),
    ):
        with started(env, *command) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr is not None
            assert (process.stderr.read(), process.wait(100)) == ("", 0)
            process.stdout = None


def test_the_demo_ends_on_ctrl_c_and_goes_on_from_its_file(
    env: dict[str, str], tmp_path: Path
) -> None:
    data = str(tmp_path / "demo")
    for _ in range(2):
        with started(env, "demo", "--port", "0", "--data", data) as demo:
            assert demo.stdout is not None
            while "recorded in" not in demo.stdout.readline():
                pass
            code, said = ended(demo, signal.SIGINT)
        assert (code, said) == (0, "")

    # Not all of it need be followed by the time it ended; an export folds from the log.
    exported = run(env, "export", "shipments", "--data", data)
    assert exported.count('"progress":"DELIVERED"') >= 24
