"""The model of a disk that loses its power, on streams of calls made by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.faults.torture.disk import Disk, Luck
from tests.faults.torture.trace import Call, read

if TYPE_CHECKING:
    from pathlib import Path

FILE = "/root/data/file"


class Stream:
    """Calls, one after the other; each takes two moments."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def add(self, name: str, path: str = FILE, data: bytes = b"", number: int = 0) -> None:
        at = len(self.calls) * 2
        self.calls.append(Call(name, path, data, number, at, at + 1))

    def make(self) -> None:
        """Make the folder and the file so that they are there for certain."""
        self.add("mkdir", "/root/data")
        self.add("fsync", "/root")
        self.add("openat", number=1)
        self.add("fsync", "/root/data")

    def left(self, folder: Path, luck: Luck, *, at: int | None = None) -> bytes | None:
        """Return what is left of the file, None if there is none."""
        disk = Disk("/root")
        for _ in disk.replay(self.calls, [len(self.calls) * 2 if at is None else at]):
            disk.leave(folder, random.Random(1), luck)
        file = folder / "data" / "file"
        return file.read_bytes() if file.exists() else None


@pytest.fixture
def stream() -> Stream:
    return Stream()


def test_what_was_synced_is_left_whatever_the_luck(stream: Stream, tmp_path: Path) -> None:
    stream.make()
    stream.add("pwrite64", data=b"first")
    stream.add("fdatasync")
    stream.add("pwrite64", data=b"second")
    assert stream.left(tmp_path / "a", Luck.NOTHING) == b"first"
    assert stream.left(tmp_path / "b", Luck.ALL) == b"second"


def test_a_sync_that_has_not_returned_makes_nothing_certain(stream: Stream, tmp_path: Path) -> None:
    stream.make()
    stream.add("pwrite64", data=b"first")
    stream.add("fdatasync")
    returned = stream.calls[-1].ended
    assert stream.left(tmp_path / "a", Luck.NOTHING, at=returned - 1) == b""
    assert stream.left(tmp_path / "b", Luck.NOTHING, at=returned) == b"first"


def test_a_write_that_began_after_the_sync_is_not_covered_by_it(
    stream: Stream, tmp_path: Path
) -> None:
    stream.make()
    stream.add("fdatasync")
    sync = stream.calls[-1]
    stream.calls.append(Call("pwrite64", FILE, b"late", 0, sync.began + 1, sync.began + 1))
    stream.calls[-2] = Call("fdatasync", FILE, b"", 0, sync.began, sync.ended + 5)
    assert stream.left(tmp_path, Luck.NOTHING, at=100) == b""


def test_of_a_large_write_any_sectors_may_be_left(stream: Stream, tmp_path: Path) -> None:
    stream.make()
    stream.add("pwrite64", data=b"x" * 512 * 64)
    left = stream.left(tmp_path, Luck.SECTORS)
    assert left is not None
    sectors = [left[start : start + 512] for start in range(0, len(left), 512)]
    assert set(sectors) == {b"x" * 512, bytes(512)}


def test_a_file_is_gone_if_its_name_or_its_folders_name_was_not_synced(
    stream: Stream, tmp_path: Path
) -> None:
    stream.add("mkdir", "/root/data")
    stream.add("openat", number=1)
    stream.add("pwrite64", data=b"x")
    stream.add("fsync")
    assert stream.left(tmp_path / "a", Luck.NOTHING) is None
    stream.add("fsync", "/root/data")
    assert stream.left(tmp_path / "b", Luck.NOTHING) is None
    stream.add("fsync", "/root")
    assert stream.left(tmp_path / "c", Luck.NOTHING) == b"x"


def test_a_file_that_was_removed_may_come_back(stream: Stream, tmp_path: Path) -> None:
    stream.make()
    stream.add("pwrite64", data=b"x")
    stream.add("fsync")
    stream.add("ftruncate", number=0)
    stream.add("unlink")
    assert stream.left(tmp_path / "a", Luck.NOTHING) == b"x"
    assert stream.left(tmp_path / "b", Luck.ALL) is None


TRACE = rb"""7  openat(AT_FDCWD<\x2f>, "\x2f\x61", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 4<\x2f\x61>
7  openat(AT_FDCWD<\x2f>, "\x2f\x62", O_RDONLY) = -1 ENOENT (No such file or directory)
7  pwrite64(4<\x2f\x61>, "\x68\x69", 2, 4096) = 2
8  fdatasync(4<\x2f\x61> <unfinished ...>
7  write(5<\x73\x6f\x63\x6b\x65\x74\x3a\x5b\x31\x5d>, "\x6f\x6b", 2) = 2
8  <... fdatasync resumed>)                = 0
7  +++ exited with 0 +++
"""


def test_a_trace_is_read_with_calls_that_overlap(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    trace.write_bytes(TRACE)
    assert read(trace) == [
        Call("openat", "/a", b"", 1, 0, 0),
        Call("pwrite64", "/a", b"hi", 4096, 2, 2),
        Call("fdatasync", "/a", b"", 0, 3, 5),
        Call("write", "socket:[1]", b"ok", 0, 4, 4),
    ]
