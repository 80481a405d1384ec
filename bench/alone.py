"""What SQLite alone does with the rows that a server left in its file."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

Row = tuple[object, ...]

OTHERS = ("incidents", "codes", "alerts", "messages", "deliveries")
"""Written by the server here and there, and here at the end, once."""


class Alone:
    """The rows of a server's file, and the batches in which the server wrote them."""

    def __init__(self, source: Path) -> None:
        """Read what the server left."""
        with contextlib.closing(sqlite3.connect(source)) as db:
            self.schema = [
                sql
                for [sql] in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
                if "sqlite_" not in sql
            ]
            self.log = db.execute("SELECT * FROM log ORDER BY position").fetchall()
            columns = [name for _, name, *_ in db.execute("PRAGMA table_info(log)")]
            states = {row[0]: row for row in db.execute("SELECT * FROM shipments")}
            self.columns = [name for _, name, *_ in db.execute("PRAGMA table_info(shipments)")]
            self.others = {t: db.execute(f"SELECT * FROM {t}").fetchall() for t in OTHERS}  # noqa: S608 (names of ours)
            [self.saves] = db.execute("SELECT sum(version) FROM shipments").fetchone()
        at = columns.index("record_time")
        who = columns.index("shipment_id")
        self.batches = [list(rows) for _, rows in groupby(self.log, key=lambda row: row[at])]
        names = [row[who] for row in self.log]
        # Where nearly each event led to a save, the number of saves tells nothing about the rounds;
        # one smaller than a batch would only make SQLite wait for the disk more often.
        self.round = max(round_size(names, self.saves), len(self.log) // len(self.batches))
        self.rounds = [[states[i] for i in ids] for ids in rounds(names, self.round)]
        self.per_batch = [
            [states[i] for i in dict.fromkeys(row[who] for row in batch)] for batch in self.batches
        ]

    def run(self, path: Path, *, state_with_each_batch: bool) -> float:
        """Write the rows into a fresh file; return the seconds that it took.

        The state is saved either with each batch of the log, in its transaction, or as seldom as
        the server saved it.
        """
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 16384")
        for sql in self.schema:
            db.execute(sql)
        db.execute("INSERT INTO follower VALUES (0, 0)")
        append = f"{insert('log', self.log)} ON CONFLICT (shipment_id, timestamp) DO NOTHING"
        anew = ", ".join(f"{name} = excluded.{name}" for name in self.columns[1:])
        save = (
            f"{insert('shipments', self.rounds[0])} ON CONFLICT (shipment_id) DO UPDATE SET {anew}"
        )
        started = time.perf_counter()
        if state_with_each_batch:
            for batch, states in zip(self.batches, self.per_batch, strict=True):
                with transaction(db):
                    db.executemany(append, batch)
                    follow(db, save, states)
        else:
            self._in_rounds(db, append, save)
        for table, rows in self.others.items():
            if rows:
                with transaction(db):
                    db.executemany(insert(table, rows), rows)
        seconds = time.perf_counter() - started
        db.close()
        return seconds

    def _in_rounds(self, db: sqlite3.Connection, append: str, save: str) -> None:
        to_save = iter(self.rounds)
        unsaved = 0
        for batch in self.batches:
            with transaction(db):
                db.executemany(append, batch)
            unsaved += len(batch)
            while unsaved >= self.round:
                unsaved -= self.round
                with transaction(db):
                    follow(db, save, next(to_save))
        for rest in to_save:
            with transaction(db):
                follow(db, save, rest)


def follow(db: sqlite3.Connection, save: str, rows: list[Row]) -> None:
    db.executemany(save, rows)
    db.execute("UPDATE follower SET position = position + ?", (len(rows),))


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    yield
    db.execute("COMMIT")


def insert(table: str, rows: list[Row]) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})"  # noqa: S608 (a name of ours)


def rounds(shipment_ids: list[str], size: int) -> list[list[str]]:
    """Return the shipments that each round of so many entries touches."""
    return [
        list(dict.fromkeys(shipment_ids[start : start + size]))
        for start in range(0, len(shipment_ids), size)
    ]


def round_size(shipment_ids: list[str], saves: int) -> int:
    """Return the largest round in which at least so many shipments are saved, all in all.

    The file does not say which entries the server folded in one round, but how often it saved.
    """
    low, high = 1, len(shipment_ids)
    while low < high:
        middle = (low + high + 1) // 2
        if sum(map(len, rounds(shipment_ids, middle))) >= saves:
            low = middle
        else:
            high = middle - 1
    return low
