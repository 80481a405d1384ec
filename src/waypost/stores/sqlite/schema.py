"""The tables of ``waypost.db``, and the check that a file is one that this code can use."""

from __future__ import annotations

import time
from sqlite3 import SQLITE_BUSY, OperationalError
from typing import TYPE_CHECKING, Final

from waypost.core.errors import StoreUnusable

if TYPE_CHECKING:
    from pathlib import Path
    from sqlite3 import Connection

APPLICATION_ID: Final = int.from_bytes(b"WAYP", "big")
"""What the header of a file of ours says, so that no other program's is ever touched."""

_LOG: Final = (
    # `timestamp` is the event time, or near it where another entry has that key.
    """
    CREATE TABLE log (
        position INTEGER PRIMARY KEY,
        shipment_id TEXT NOT NULL,
        timestamp INTEGER NOT NULL,
        kind TEXT NOT NULL,
        quiet INTEGER NOT NULL,
        sender TEXT NOT NULL,
        event_id TEXT NOT NULL,
        event_time INTEGER NOT NULL,
        record_time INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        zone TEXT,
        status TEXT,
        status_word TEXT,
        status_code TEXT,
        reason_code TEXT,
        carrier TEXT,
        location TEXT,
        eta INTEGER,
        raw_event TEXT,
        body TEXT
    )
    """,
    "CREATE UNIQUE INDEX log_key ON log (shipment_id, timestamp)",
    """
    CREATE TABLE rejected (
        number INTEGER PRIMARY KEY,
        rejection_id TEXT NOT NULL UNIQUE,
        record_time INTEGER NOT NULL,
        source TEXT NOT NULL,
        envelope_id TEXT NOT NULL,
        envelope_time INTEGER,
        raw TEXT NOT NULL,
        problems TEXT NOT NULL,
        first_problem TEXT NOT NULL,
        fate TEXT NOT NULL
    )
    """,
    "CREATE INDEX rejected_fate ON rejected (fate, number)",
)
_STATE: Final = (
    """
    CREATE TABLE shipments (
        shipment_id TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        conflicts INTEGER NOT NULL,
        told TEXT,
        progress TEXT,
        conditions TEXT,
        carrier TEXT,
        last_event_time INTEGER,
        due_at INTEGER,
        undecided INTEGER NOT NULL,
        state TEXT NOT NULL
    )
    """,
    "CREATE INDEX shipments_due ON shipments (due_at, shipment_id) WHERE due_at IS NOT NULL",
    "CREATE INDEX shipments_undecided ON shipments (shipment_id) WHERE undecided",
    "CREATE INDEX shipments_wrong ON shipments (shipment_id) WHERE conditions IS NOT NULL",
    """
    CREATE TABLE incidents (
        shipment_id TEXT NOT NULL,
        leg INTEGER NOT NULL,
        condition TEXT NOT NULL,
        is_open INTEGER NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (shipment_id, leg, condition)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX incidents_open ON incidents (shipment_id, leg, condition) WHERE is_open",
    """
    CREATE TABLE codes (
        shipment_id TEXT NOT NULL,
        carrier_key TEXT NOT NULL,
        code_key TEXT NOT NULL,
        carrier TEXT,
        code TEXT NOT NULL,
        status TEXT NOT NULL,
        count INTEGER NOT NULL,
        last_event_time INTEGER NOT NULL,
        PRIMARY KEY (shipment_id, carrier_key, code_key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX codes_key ON codes (carrier_key, code_key, shipment_id)",
    """
    CREATE TABLE refolds (
        shipment_id TEXT PRIMARY KEY,
        attempts INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        error TEXT
    ) WITHOUT ROWID
    """,
    "CREATE INDEX refolds_next ON refolds (not_before, shipment_id) WHERE attempts < 5",
    "CREATE INDEX refolds_given_up ON refolds (shipment_id) WHERE attempts >= 5",
    "CREATE TABLE follower (position INTEGER NOT NULL, rejected_position INTEGER NOT NULL)",
    "INSERT INTO follower VALUES (0, 0)",
)
_OUTBOX: Final = (
    """
    CREATE TABLE alerts (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        key TEXT UNIQUE,
        created_at INTEGER NOT NULL,
        counts TEXT NOT NULL,
        body TEXT NOT NULL,
        message_id TEXT
    )
    """,
    "CREATE INDEX alerts_pending ON alerts (kind, number) WHERE message_id IS NULL",
    """
    CREATE TABLE messages (
        number INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        text TEXT NOT NULL,
        counts TEXT NOT NULL,
        alerts TEXT NOT NULL
    )
    """,
    "CREATE INDEX messages_kind ON messages (kind, created_at)",
    """
    CREATE TABLE deliveries (
        number INTEGER PRIMARY KEY,
        message_id TEXT NOT NULL,
        notifier TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        not_before INTEGER NOT NULL,
        error TEXT,
        UNIQUE (message_id, notifier)
    )
    """,
    "CREATE INDEX deliveries_waiting ON deliveries (notifier, number) WHERE state = 'waiting'",
)

MIGRATIONS: Final = ((*_LOG, *_STATE, *_OUTBOX),)
"""The statements that lead from each schema version to the next, from 0. Only ever added to."""


def prepare(connection: Connection, path: Path, busy_timeout: float) -> None:
    """Make a new file ours, or check that it is and bring its schema up to date.

    Raises:
        StoreUnusable: if it is another program's, or was written by newer code.
        sqlite3.Error: as SQLite has it.
    """
    _check(connection, path)
    _enter_wal(connection, busy_timeout)
    if _check(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    version = _check(connection, path)  # by now another process may have done it
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def _check(connection: Connection, path: Path) -> int:
    # One statement, for another process may be making the file just now.
    application, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreUnusable(f"{path} belongs to another program: name another data folder")
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"{path} was written by a newer Waypost (schema {version}, this one knows "
            f"{len(MIGRATIONS)}): install that version or a later one"
        )
    return int(version)


def _enter_wal(connection: Connection, busy_timeout: float) -> None:
    # SQLite does not wait for this lock by itself: of two that open a new file, one is told off.
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except OperationalError as error:
            if error.sqlite_errorcode != SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
