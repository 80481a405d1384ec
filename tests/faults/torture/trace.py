"""What a program wrote and synced, and when, as ``strace`` saw it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STRACE: Final = (
    *("strace", "-D", "-f", "-q", "-y", "-xx", "--seccomp-bpf", "-s", "16777216"),
    *("-e", "signal=none", "-e"),
    "trace=pwrite64,write,writev,sendto,sendmsg,fdatasync,fsync,openat,mkdir,ftruncate,unlink,rename",
)
"""strace beside the program (``-D``), so that the program's process id stays its own."""

_LINE: Final = re.compile(rb"(\d+) +(.*)", re.DOTALL)
_RESUMED: Final = re.compile(rb"<\.\.\. (\w+) resumed>(.*)", re.DOTALL)
_CALL: Final = re.compile(rb"(\w+)\((.*)\) += (-?\d+)[^()]*(?:\([^)]*\))?", re.DOTALL)
_FD: Final = re.compile(rb"(\d+)<([^>]*)>")
_TEXT: Final = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_UNFINISHED: Final = b" <unfinished ...>"


def cannot_trace() -> str:
    """Return why ``strace`` does not work here, nothing if it does."""
    if shutil.which("strace") is None:
        return "needs strace"
    beside = [word for word in STRACE if word != "-D"]
    done = subprocess.run([*beside, "true"], capture_output=True, text=True, check=False)
    if done.returncode == 0 and "exited with 0" in done.stderr:
        return ""
    return f"needs a system that lets strace trace: {done.stderr.strip()[-200:]}"


@dataclass(slots=True)
class Call:
    """A system call that succeeded.

    Attributes:
        name: of the call.
        path: what it was about: of the file, or of the folder's entry.
        data: what was written, where anything was.
        number: the offset of a write, or the size of a cut; of an `openat` whether it may create.
        began: its place among all that happened, as it began.
        ended: likewise, as it ended.
    """

    name: str
    path: str
    data: bytes
    number: int
    began: int
    ended: int

    def later(self, moments: int) -> Call:
        """Return the same call, later."""
        return replace(self, began=self.began + moments, ended=self.ended + moments)


def read(trace: Path) -> list[Call]:
    """Return the calls in the order in which they began."""
    return sorted(_calls(trace), key=lambda call: call.began)


def _calls(trace: Path) -> Iterator[Call]:
    open_calls: dict[bytes, tuple[int, bytes]] = {}
    with trace.open("rb") as lines:
        for now, line in enumerate(lines):
            match = _LINE.fullmatch(line.rstrip(b"\n"))
            if match is None:
                continue
            thread, text = match.groups()
            if text.endswith(_UNFINISHED):
                open_calls[thread] = now, text.removesuffix(_UNFINISHED)
                continue
            began = now
            if (resumed := _RESUMED.fullmatch(text)) is not None:
                began, start = open_calls.pop(thread)
                text = start + resumed[2]
            call = _call(text, began, now)
            if call is not None:
                yield call


def _call(text: bytes, began: int, ended: int) -> Call | None:
    match = _CALL.fullmatch(text)
    if match is None or int(match[3]) < 0:
        return None
    name, arguments = match[1].decode(), match[2]
    texts = [bytes.fromhex(part.replace(b"\\x", b"").decode()) for part in _TEXT.findall(arguments)]
    numbers = arguments.rpartition(b", ")[2]
    match name:
        case "openat":
            create = int(b"O_CREAT" in arguments)
            return Call(name, texts[0].decode(), b"", create, began, ended)
        case "mkdir" | "unlink" | "rename":
            return Call(name, texts[0].decode(), texts[-1], 0, began, ended)
        case _:
            fd = _FD.match(arguments)
            path = _path(fd[2]) if fd else ""
            number = int(numbers) if name in {"pwrite64", "ftruncate"} else 0
            return Call(name, path, b"".join(texts), number, began, ended)


def _path(text: bytes) -> str:
    """Return a path as ``-y`` shows it; ``-xx`` turns it into hexadecimal too."""
    if text.startswith(b"\\x"):
        return bytes.fromhex(text.replace(b"\\x", b"").decode()).decode()
    return text.decode()
