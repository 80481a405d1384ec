"""What is done to the disk: no room, files that may not grow, files and folders that are read-only."""

from __future__ import annotations

import array
import fcntl
import os
import resource
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from tests.faults.torture.probes import ask
from tests.faults.torture.rig import HEALTH_SECONDS, Rig, hold
from tests.faults.torture.scenario import Done, Scale, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RETRYABLE: Final = frozenset(
    {
        *("ServiceUnavailable", "InternalException", "ThrottlingException"),
        *("ReadTimeoutError", "ConnectTimeoutError", "ConnectionClosedError"),
        "EndpointConnectionError",
    }
)
"""What SDKs send again by themselves: answers, and that there is none."""
_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_IMMUTABLE: Final = 0x10
"""Of Linux's ioctl_iflags(2)."""


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount something for as long as the block lasts."""
    folder.mkdir(exist_ok=True)
    if shutil.which("mount") is None:
        raise Skipped("needs mount")
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False)
    if done.returncode:
        raise Skipped(f"needs the right to mount a file system (root): {_first_line(done.stderr)}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _first_line(said: bytes) -> str:
    return said.decode(errors="replace").partition("\n")[0]


def suffers(rig: Rig, failures: int) -> None:
    """Wait until calls fail; they have to fail so that clients send again, and promptly."""
    before = sum(rig.load.failures.values())
    deadline = time.monotonic() + 60
    while sum(rig.load.failures.values()) < before + failures:
        hold(time.monotonic() < deadline, "nothing failed: the fault did not reach the server")
        time.sleep(0.01)
    rig.healthy()
    hold(rig.load.failures.keys() <= RETRYABLE, f"not all can be sent again: {rig.load.failures}")


def tells(rig: Rig) -> None:
    """Raise unless the server says that it is not ready."""
    hold(ask(rig.port, "/readyz", 20)[0] == 503, "/readyz does not tell")


def full_disk(folder: Path, scale: Scale) -> Done:
    """The file system of the data folder is full, again and again, and gets room again."""
    times, room = scale.of(4, 2), 12
    with ExitStack() as stack:
        data = folder / "data"
        stack.enter_context(mounted(data, "-t", "tmpfs", "-o", f"size={room}m", "tmpfs"))
        rig = stack.enter_context(scale.rig(folder))
        rig.load.start(rig.start(), pause=scale.pause, padding=10_000)
        with rig.watching():
            for _ in range(times):
                suffers(rig, 20)
                tells(rig)
                room *= 2
                _resize(rig.data, room)
                rig.load.wait_for(20)  # soon they fill that too
        _resize(rig.data, room := _used(rig.data))
        suffers(rig, 20)
        rig.server.kill()
        _start_without_room(rig)
        _resize(rig.data, room + 64)
        rig.start()
        rig.load.wait_for(20)
        did = f"{times + 1} x no room on the file system, the last time with a kill and a start"
        return Done.of(did, rig.verdict(), f"every failure can be sent again: {_kinds(rig)}")


def _start_without_room(rig: Rig) -> None:
    """A server that finds no room serves what it can, or ends at once and says why."""
    rig.server.spawn()
    deadline = time.monotonic() + 60
    while (code := rig.server.process.poll()) is None and not _answers(rig):
        hold(time.monotonic() < deadline, "it neither serves nor ends")
        time.sleep(0.1)
    if code is None:
        rig.server.kill()
        return
    hold(rig.server.wait(30) == 3, f"it ended with {code}: {rig.server_log()}")
    hold("disk is full" in rig.server_log(), f"it does not say why: {rig.server_log()}")


def _answers(rig: Rig) -> bool:
    try:
        return ask(rig.port, "/healthz", HEALTH_SECONDS)[0] == 200
    except OSError:  # not yet
        return False


def _resize(folder: Path, megabytes: int) -> None:
    options = f"remount,size={megabytes}m"
    subprocess.run(["mount", "-o", options, str(folder)], check=True)


def _used(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 2**20 + 1


def _kinds(rig: Rig) -> str:
    return ", ".join(f"{times:,} {kind}" for kind, times in sorted(rig.load.failures.items()))


def small_files(folder: Path, scale: Scale) -> Done:
    """No file of the server may grow any more (RLIMIT_FSIZE), then it may again."""
    times = scale.of(5, 2)
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=scale.pause, padding=2_000)
        process = rig.server.process.pid
        _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
        with rig.watching():
            for _ in range(times):
                rig.load.wait_for(50)
                size = rig.wal.stat().st_size + 50_000
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, most))
                suffers(rig, 20)
                resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))
                rig.ready()
        rig.load.wait_for(20)
        did = f"{times} x a limit on the size of files that stops the WAL in the middle of a write"
        return Done.of(did, rig.verdict(), f"every failure can be sent again: {_kinds(rig)}")


def read_only_file(folder: Path, scale: Scale) -> Done:
    """The files turn immutable under the running server, and back."""
    times = scale.of(5, 2)
    with scale.rig(folder) as rig, ExitStack() as undo:
        rig.load.start(rig.start(), pause=scale.pause)
        with rig.watching():
            for _ in range(times):
                rig.load.wait_for(50)
                _protect(rig.wal, is_immutable=True)
                undo.callback(_protect, rig.wal, is_immutable=False)
                suffers(rig, 20)
                tells(rig)
                undo.close()
                rig.ready()
        rig.load.wait_for(20)
        did = f"{times} x the WAL immutable while it is written to"
        return Done.of(did, rig.verdict(), f"every failure can be sent again: {_kinds(rig)}")


def _protect(file: Path, *, is_immutable: bool) -> None:
    """Set or clear the immutable flag of a file, which binds root too."""
    flags = array.array("l", [0])
    with file.open("rb") as opened:
        try:
            fcntl.ioctl(opened, _GET_FLAGS, flags, True)
            flags[0] = flags[0] | _IMMUTABLE if is_immutable else flags[0] & ~_IMMUTABLE
            fcntl.ioctl(opened, _SET_FLAGS, flags)
        except OSError as error:
            raise Skipped(f"cannot make a file immutable here: {error.strerror}") from error


def read_only_folder(folder: Path, scale: Scale) -> Done:
    """The server is started where it may not write: it says so, and touches nothing."""
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=scale.pause)
        rig.load.wait_for(50)
        rig.stop()
        before = _contents(rig.data)
        with _read_only(rig.data):
            rig.server.spawn()
            began = time.monotonic()
            code = rig.server.wait(60)
            took = time.monotonic() - began
            hold(code == 3, f"it ended with {code}: {rig.server_log()}")
            hold("read-only" in rig.server_log().lower(), f"no reason: {rig.server_log()}")
        hold(_contents(rig.data) == before, "something was written")
        rig.start()
        rig.load.wait_for(50)
        did = "started on a read-only folder"
        return Done.of(did, rig.verdict(), f"ends with code 3 after {took:.1f} s and says why")


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}
