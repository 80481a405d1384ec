"""One SQLite file: a single writer, readers beside it, and errors that say what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import orjson

from waypost.core.errors import StoreUnavailable, StoreUnusable
from waypost.stores.sqlite.schema import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from sqlite3 import Connection

    from waypost.core.errors import WaypostError

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another process's write."""
_IDLE_READERS: Final = 8
"""So many connections are kept for reading; in a crowd more are opened, and closed after use."""
_CHUNKS: Final = (256, 64, 16, 4, 1)
"""Rows a statement. SQLite lets go of the GIL in each statement, and in a busy process it takes
long to get it back: a few large statements are several times faster than many small ones."""
_CHECKPOINT_PAGES: Final = 16_384
"""64 MiB of log before it is moved into the database: 1.4 times as fast as the default of 4."""
_WAL_LIMIT: Final = 64 * 1024 * 1024

_ROOM: Final = 2 * 1024 * 1024
"""What the largest update (1 MB) takes, in the log and in the write-ahead log, in bytes."""

_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked",
    sqlite3.SQLITE_PROTOCOL: "is locked by too many at once",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written: look at the disk",
    sqlite3.SQLITE_READONLY: "cannot be written: look at its permissions and the file system",
    sqlite3.SQLITE_PERM: "may not be opened: look at its permissions",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: look at the folder and its permissions",
    sqlite3.SQLITE_NOMEM: "cannot be used: out of memory",
    sqlite3.SQLITE_INTERRUPT: "was interrupted",
}
_VERDICTS: Final = {
    sqlite3.SQLITE_NOTADB: "is no SQLite database: name another data folder",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore a backup",
}


class Database:
    """The file, with one connection that writes and a few that read.

    Readers never wait for the writer nor it for them (WAL); a commit returns once it is on the
    disk (synchronous=FULL).

    Attributes:
        lock: held while writing; hold it around `writing` to act on a commit before the next.
    """

    def __init__(self, path: Path, *, create: bool, busy_timeout: float) -> None:
        """Open the file, and make it if it is not there and ``create`` says so.

        Args:
            path: of the file; beside it SQLite keeps ``-wal`` and ``-shm``.
            create: whether to make a new file and its folder.
            busy_timeout: seconds to wait for another process's write.

        Raises:
            StoreUnavailable: if it cannot be opened now.
            StoreUnusable: if it is missing, damaged, not ours or newer than this code.
        """
        self.lock = threading.RLock()
        self._path = path
        self._busy_timeout = busy_timeout
        self._idle: list[Connection] = []
        self._idle_lock = threading.Lock()
        self._closed = False
        _touch(path, create=create)
        with _converted(path):
            self._writer = self._connect()
            try:
                prepare(self._writer, path, busy_timeout)
                self._writer.execute("PRAGMA synchronous = FULL")
                self._writer.execute("PRAGMA fullfsync = ON")  # macOS: past the drive's cache
                self._writer.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
                self._writer.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
            except BaseException:
                self._writer.close()
                raise
        self._inode = path.stat().st_ino

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Run a transaction: committed and on the disk at the end, or rolled back on any error.

        Raises:
            StoreUnavailable: if it could not be done now; nothing has changed.
            StoreUnusable: if it cannot be done at all.
        """
        with self.lock, _converted(self._path):
            self._check_place()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Lend a connection to read with; each statement sees all that is committed.

        Raises:
            StoreUnavailable: if it could not be read now.
            StoreUnusable: if it cannot be read at all.
        """
        with _converted(self._path):
            connection = self._reader()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def check_room(self) -> None:
        """Raise if there is not even room for one update of the largest size.

        Raises:
            StoreUnavailable: if so.
        """
        if shutil.disk_usage(self._path.parent).free < _ROOM:
            raise StoreUnavailable(f"{self._path} cannot grow: the disk is all but full")

    def close(self) -> None:
        """Close all connections; the last of all processes leaves one whole file. Idempotent."""
        with self.lock, self._idle_lock, _converted(self._path):
            self._closed = True
            while self._idle:
                self._idle.pop().close()
            self._writer.close()

    def _check_place(self) -> None:
        # What is written to a file that was moved or replaced is lost to whoever starts next.
        try:
            moved = self._path.stat().st_ino != self._inode
        except OSError:
            moved = True
        if moved and not self._closed:
            raise StoreUnusable(f"{self._path} was moved or replaced while in use: start again")

    def _reader(self) -> Connection:
        with self._idle_lock:
            if self._closed:
                raise StoreUnavailable(f"{self._path} is closed")
            if self._idle:
                return self._idle.pop()
        connection = self._connect()
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give_back(self, connection: Connection) -> None:
        with self._idle_lock:
            if not self._closed and len(self._idle) < _IDLE_READERS:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> Connection:
        return sqlite3.connect(
            self._path,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
        )


def insert(
    connection: Connection, into: str, rows: Sequence[Sequence[Any]], on_conflict: str = ""
) -> int:
    """Insert rows, many a statement, and return how many were inserted or updated.

    Args:
        connection: within a transaction.
        into: the table and its columns, ``log (shipment_id, timestamp)``.
        rows: a value for each column.
        on_conflict: what to do with a row whose key is taken; without it, that is an error.
    """
    count = done = 0
    for size in _CHUNKS:
        while len(rows) - done >= size:
            chunk = rows[done : done + size]
            statement = _insert_statement(into, len(chunk[0]), size, on_conflict)
            count += connection.execute(statement, [*chain.from_iterable(chunk)]).rowcount
            done += size
    return count


@cache
def _insert_statement(into: str, width: int, size: int, on_conflict: str) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * size)} {on_conflict}"


def fetch(connection: Connection, columns: str, source: str, *parameters: object) -> list[Any]:
    """Return rows in no particular order, all in one step of SQLite (see the chunks above).

    Args:
        connection: to read with.
        columns: their names, with commas: texts, integers and nulls.
        source: what follows FROM.
        parameters: of ``source``.
    """
    # LIMIT and ORDER BY belong to the rows, not to the one row that they are packed into.
    statement = (
        f"SELECT json_group_array(json_array({columns})) FROM (SELECT {columns} FROM {source})"
    )
    [packed] = connection.execute(statement, parameters).fetchone()
    rows: list[Any] = orjson.loads(packed)
    return rows


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that a power cut cannot take them back.

    What is synced within a folder does not outlive a power cut if the folder's own name does not.

    Raises:
        OSError: it cannot be made.
    """
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        descriptor = os.open(made.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _touch(path: Path, *, create: bool) -> None:
    """Make sure that the file is there; a new one is its owner's alone, for it names people."""
    try:
        if create:
            make_folder(path.parent)
            path.touch(mode=0o600)
        elif not path.is_file():
            raise StoreUnusable(f"there is no {path}: is the data folder the right one?")
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be made: {error.strerror}") from error


@contextmanager
def _converted(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _convert(error, path) from error


def _convert(error: sqlite3.Error, path: Path) -> WaypostError:
    # An extended code, such as IOERR_WRITE, has the primary one in its low byte. What Python's
    # module refuses by itself has none: a closed connection.
    code = getattr(error, "sqlite_errorcode", None)
    if code is None and isinstance(error, sqlite3.ProgrammingError):
        return StoreUnavailable(f"{path} is closed")
    primary = (code or 0) & 0xFF
    if primary in _REASONS:
        return StoreUnavailable(f"{path} {_REASONS[primary]} ({error})")
    return StoreUnusable(f"{path} {_VERDICTS.get(primary, 'cannot be used')} ({error})")
