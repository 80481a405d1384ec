"""The quarantine: rejected events, kept whole with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from waypost.core.errors import NotFound, Problem
from waypost.ports import Fate, Rejection
from waypost.stores.sqlite.database import insert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from sqlite3 import Connection

_COLUMNS: Final = (
    "rejection_id, record_time, source, envelope_id, envelope_time, raw, problems, fate"
)


def add(connection: Connection, rejections: Sequence[Rejection]) -> None:
    """Add rejections within a transaction; one whose id is there already changes nothing."""
    rows = [
        (
            r.rejection_id,
            r.record_time,
            r.source,
            r.envelope_id,
            r.envelope_time,
            r.raw,
            orjson.dumps([(p.path, p.message) for p in r.problems]).decode(),
            r.fate.value,
            str(r.problems[0]),
        )
        for r in rejections
    ]
    into = f"rejected ({_COLUMNS}, first_problem)"
    insert(connection, into, rows, "ON CONFLICT (rejection_id) DO NOTHING")


def listed(
    connection: Connection, fate: Fate | None, after: str | None, limit: int
) -> list[Rejection]:
    """Return rejections in the order in which they came, from what follows ``after``.

    Raises:
        NotFound: if there is no ``after``.
    """
    number = 0 if after is None else _number(connection, after)
    where, fates = ("TRUE", ()) if fate is None else ("fate = ?", (fate.value,))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM rejected WHERE {where} AND number > ? ORDER BY number LIMIT ?",
        (*fates, number, limit),
    ).fetchall()
    return [_read(row) for row in rows]


def one(connection: Connection, rejection_id: str) -> Rejection:
    """Return the rejection of an id.

    Raises:
        NotFound: if there is none.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM rejected WHERE rejection_id = ?", (rejection_id,)
    ).fetchone()
    if row is None:
        raise _not_found(rejection_id)
    return _read(row)


def settle(connection: Connection, rejection_id: str, fate: Fate) -> None:
    """Note what became of a rejection.

    Raises:
        NotFound: if there is none of that id.
    """
    done = connection.execute(
        "UPDATE rejected SET fate = ? WHERE rejection_id = ?", (fate.value, rejection_id)
    )
    if not done.rowcount:
        raise _not_found(rejection_id)


def problems_after(connection: Connection, number: int, limit: int) -> tuple[int, tuple[str, ...]]:
    """Return the first problem of each rejection after a number, and the number of the last."""
    rows = connection.execute(
        "SELECT number, first_problem FROM rejected WHERE number > ? ORDER BY number LIMIT ?",
        (number, limit),
    ).fetchall()
    return (rows[-1][0] if rows else number), tuple(problem for _, problem in rows)


def _number(connection: Connection, rejection_id: str) -> int:
    row = connection.execute(
        "SELECT number FROM rejected WHERE rejection_id = ?", (rejection_id,)
    ).fetchone()
    if row is None:
        raise _not_found(rejection_id)
    return int(row[0])


def _not_found(rejection_id: str) -> NotFound:
    return NotFound(f"no rejected event {rejection_id}")


def _read(row: Sequence[Any]) -> Rejection:
    return Rejection(
        rejection_id=row[0],
        record_time=row[1],
        source=row[2],
        envelope_id=row[3],
        envelope_time=row[4],
        raw=row[5],
        problems=tuple(Problem(path, message) for path, message in orjson.loads(row[6])),
        fate=Fate(row[7]),
    )
