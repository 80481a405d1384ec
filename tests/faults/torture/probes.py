"""What can be seen of a server from outside: whether it answers, and what it holds in memory."""

from __future__ import annotations

import http.client
import re
import struct
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERY: Final = 0.25
_COUNTS: Final = struct.Struct("=I")
_INITIALISED: Final = 12
_BACKFILLED: Final = 96
_ATTEMPTED: Final = 128
"""Where the WAL-index holds isInit, which is written last, nBackfill and nBackfillAttempted
(https://sqlite.org/walformat.html)."""


def ask(port: int, path: str, seconds: float) -> tuple[int, float]:
    """Return the status of a page and how long it took; OSError if it did not come in time."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()
    return status, time.monotonic() - began


class HealthProbe:
    """Asks for ``/healthz`` on a new connection, four times a second."""

    def __init__(self) -> None:
        self.answers = 0
        self.slowest = 0.0
        self.failures: list[str] = []

    @contextmanager
    def watching(self, port: int, seconds: float) -> Iterator[None]:
        """Ask until the end of the block; each answer has to come within so many seconds."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_EVERY):
                try:
                    status, took = ask(port, "/healthz", seconds)
                except OSError as error:
                    self.failures.append(type(error).__name__)
                    continue
                self.answers += 1
                self.slowest = max(self.slowest, took)
                if status != http.HTTPStatus.OK:
                    self.failures.append(str(status))

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def memory(pid: int) -> tuple[float, float]:
    """Return what a process holds in memory now, and what it held at most, in MiB (RSS)."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = dict(re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", text))
    return int(found["VmRSS"]) / 1_024, int(found["VmHWM"]) / 1_024


def _peek(shm: Path, at: int) -> int:
    with shm.open("rb", buffering=0) as file:
        file.seek(at)
        return int(_COUNTS.unpack(file.read(_COUNTS.size))[0])


def in_checkpoint(shm: Path) -> bool:
    """Tell whether a checkpoint is under way, or was when its process died.

    SQLite notes up to which frame it will copy before it copies the first, and up to which it
    has copied after all of them are on the disk.
    """
    with suppress(OSError, struct.error):  # not there yet, or just made
        return _peek(shm, _ATTEMPTED) > _peek(shm, _BACKFILLED)
    return False


def index_is_built(shm: Path) -> bool:
    """Tell whether a process that opens the file has rebuilt the index of its WAL yet."""
    with suppress(OSError, struct.error):
        return _peek(shm, _INITIALISED) != 0
    return False
