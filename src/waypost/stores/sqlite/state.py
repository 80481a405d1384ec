"""The derived state: shipments, incidents, unmapped codes, and the re-fold queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from waypost.core.entries import MAPPINGS
from waypost.core.errors import StateConflict
from waypost.core.incidents import NOBODY_TOLD, Told, incident_json, incidents, shipment_json
from waypost.core.shipments import code_key
from waypost.core.statuses import Status
from waypost.core.times import format_time
from waypost.ports import LONGEST_PAUSE, Saved
from waypost.stores.sqlite.database import fetch, insert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from sqlite3 import Connection

    from waypost.core.shipments import CodeKey, Shipment
    from waypost.ports import IncidentQuery, Save, ShipmentQuery
    from waypost.stores.sqlite.database import Database

_SHIPMENTS: Final = (
    "shipments (shipment_id, version, conflicts, told, progress, conditions, "
    "carrier, last_event_time, due_at, undecided, state)"
)
_INCIDENTS: Final = "incidents (shipment_id, leg, condition, is_open, state)"
_CODES: Final = (
    "codes (shipment_id, carrier_key, code_key, carrier, code, status, count, last_event_time)"
)
_REPLACE: Final = """
    ON CONFLICT (shipment_id) DO UPDATE SET
        version = excluded.version, conflicts = excluded.conflicts, told = excluded.told,
        progress = excluded.progress, conditions = excluded.conditions,
        carrier = excluded.carrier, last_event_time = excluded.last_event_time,
        due_at = excluded.due_at, undecided = excluded.undecided, state = excluded.state
    WHERE version = excluded.version - 1
"""
_AMONG: Final = "shipment_id IN (SELECT value FROM json_each(?))"
_ANEW: Final = """
    ON CONFLICT (shipment_id) DO UPDATE SET attempts = 0, not_before = 0
"""
_REFOLD_PAGE: Final = 10_000
"""Shipments put into the re-fold queue in one transaction, so that no writer waits for long."""
_FIRST_DELAY: Final = 1_000
_TRIES: Final = 5
"""The schema's indices know this number too."""


def saved(connection: Connection, shipment_ids: Sequence[str]) -> dict[str, Saved]:
    """Return what was saved of shipments; one that never was is left out."""
    rows = fetch(
        connection,
        "shipment_id, version, told, conflicts",
        f"shipments WHERE {_AMONG}",
        orjson.dumps(shipment_ids).decode(),
    )
    return {
        shipment_id: Saved(version, _read_told(told), conflicts)
        for shipment_id, version, told, conflicts in rows
    }


def save(connection: Connection, saves: Sequence[Save]) -> None:
    """Save folded shipments within a transaction, their alerts apart.

    Raises:
        StateConflict: if one was saved by somebody else since.
    """
    new = [_shipment_row(s) for s in saves if s.version == 0]
    anew = [s for s in saves if s.version > 0]
    known = {s.shipment.shipment_id for s in anew}
    ids = _array(known)
    if (
        insert(connection, _SHIPMENTS, new, "ON CONFLICT (shipment_id) DO NOTHING") < len(new)
        or _count(connection, ids) < len(known)
        or insert(connection, _SHIPMENTS, [_shipment_row(s) for s in anew], _REPLACE) < len(anew)
    ):
        raise StateConflict("a shipment was saved by somebody else")
    last = {s.shipment.shipment_id: s.shipment for s in saves}.values()
    for into, rows_of in ((_INCIDENTS, _incident_rows), (_CODES, _code_rows)):
        # Most shipments have none, before and after.
        connection.execute(f"DELETE FROM {into.partition(' ')[0]} WHERE {_AMONG}", (ids,))
        insert(connection, into, [row for shipment in last for row in rows_of(shipment)])


def _shipment_row(s: Save) -> tuple[Any, ...]:
    shipment = s.shipment
    conditions = " ".join(shipment.conditions)
    return (
        shipment.shipment_id,
        s.version + 1,
        shipment.conflicts,
        orjson.dumps(sorted(s.told)).decode() if s.told else None,
        shipment.progress.value if shipment.progress else None,
        f" {conditions} " if conditions else None,
        _carrier_key(shipment.carrier) if shipment.carrier else None,
        shipment.last_event_time,
        s.due_at,
        int(s.undecided),
        orjson.dumps(shipment_json(shipment)).decode(),
    )


def _incident_rows(shipment: Shipment) -> list[tuple[Any, ...]]:
    return [
        (
            i.shipment_id,
            i.leg,
            i.condition,
            i.is_open,
            orjson.dumps(incident_json(i)).decode(),
        )
        for i in (incidents(shipment) if shipment.episodes else ())
    ]


def _code_rows(shipment: Shipment) -> list[tuple[Any, ...]]:
    return [
        (
            shipment.shipment_id,
            *code_key(use.carrier, use.code),
            use.carrier,
            use.code,
            use.status,
            use.count,
            use.last_event_time,
        )
        for use in shipment.codes
    ]


def _count(connection: Connection, ids: str) -> int:
    """Return how many of the shipments, a JSON array, were ever saved."""
    [count] = connection.execute(
        f"SELECT count(*) FROM shipments WHERE {_AMONG}", (ids,)
    ).fetchone()
    return int(count)


def _read_told(text: str | None) -> Told:
    if text is None:
        return NOBODY_TOLD
    return frozenset(map(tuple, orjson.loads(text)))


def _carrier_key(carrier: str) -> str:
    return code_key(carrier, "")[0]


def _array(values: Iterable[str]) -> str:
    return orjson.dumps([*values]).decode()


def shipment(connection: Connection, shipment_id: str) -> dict[str, Any] | None:
    """Return the saved JSON of one shipment, None if there is none."""
    row = connection.execute(
        "SELECT state FROM shipments WHERE shipment_id = ?", (shipment_id,)
    ).fetchone()
    return orjson.loads(row[0]) if row else None


def shipments(connection: Connection, query: ShipmentQuery) -> list[dict[str, Any]]:
    """Return saved shipments by shipment id."""
    where = {
        "shipment_id > ?": query.after,
        "progress = ?": query.progress,
        "conditions IS NOT NULL AND instr(conditions, ?)": query.condition
        and f" {query.condition} ",
        "carrier = ?": query.carrier and _carrier_key(query.carrier),
        "last_event_time >= ?": query.since,
    }
    return _states(connection, "shipments", where, order="shipment_id", limit=query.limit)


def list_incidents(connection: Connection, query: IncidentQuery) -> list[dict[str, Any]]:
    """Return saved incidents by (shipment id, leg, condition)."""
    order = "shipment_id, leg, condition"
    where: dict[str, Any] = {
        "shipment_id = ?": query.shipment_id,
        "condition = ?": query.condition,
        "is_open" if query.is_open else "NOT is_open": None if query.is_open is None else (),
        f"({order}) > (?, ?, ?)": query.after,
    }
    return _states(connection, "incidents", where, order=order, limit=query.limit)


def _states(
    connection: Connection,
    table: str,
    where: Mapping[str, Any],
    *,
    order: str,
    limit: int,
) -> list[dict[str, Any]]:
    given = {term: value for term, value in where.items() if value is not None}
    terms = " AND ".join(("TRUE", *given))
    parameters: list[Any] = []
    for value in given.values():
        parameters += value if isinstance(value, tuple) else (value,)
    rows = connection.execute(
        f"SELECT state FROM {table} WHERE {terms} ORDER BY {order} LIMIT ?", (*parameters, limit)
    ).fetchall()
    return [orjson.loads(state) for (state,) in rows]


def unmapped(connection: Connection) -> list[dict[str, Any]]:
    """Return the codes that nobody has mapped, the most frequent first."""
    rows = connection.execute(
        "SELECT min(carrier), min(code), sum(count), count(*), max(last_event_time),"
        " min(shipment_id) FROM codes WHERE status = ? GROUP BY carrier_key, code_key"
        " ORDER BY sum(count) DESC, carrier_key, code_key",
        (Status.UNKNOWN,),
    ).fetchall()
    return [
        {
            "carrier": carrier,
            "code": code,
            "count": count,
            "shipments": number,
            "lastEventTime": format_time(last),
            "shipmentId": example,
        }
        for carrier, code, count, number, last, example in rows
    ]


def due(connection: Connection, now: int, limit: int) -> list[str]:
    """Return shipments whose ``due_at`` has come, the longest overdue first."""
    rows = connection.execute(
        "SELECT shipment_id FROM shipments WHERE due_at <= ? ORDER BY due_at, shipment_id LIMIT ?",
        (now, limit),
    ).fetchall()
    return [shipment_id for (shipment_id,) in rows]


def undecided(connection: Connection, limit: int) -> list[str]:
    """Return shipments that were saved as undecided, by shipment id."""
    rows = connection.execute(
        "SELECT shipment_id FROM shipments WHERE undecided ORDER BY shipment_id LIMIT ?", (limit,)
    ).fetchall()
    return [shipment_id for (shipment_id,) in rows]


def refolds(connection: Connection, now: int, limit: int) -> list[str]:
    """Return shipments that are to be re-folded and whose next try has come."""
    rows = connection.execute(
        f"SELECT shipment_id FROM refolds WHERE attempts < {_TRIES}"
        " AND not_before NOT BETWEEN ? AND ? ORDER BY not_before, shipment_id LIMIT ?",
        (now + 1, now + LONGEST_PAUSE, limit),
    ).fetchall()
    return [shipment_id for (shipment_id,) in rows]


def unfoldable(connection: Connection) -> dict[str, str]:
    """Return the shipments that were given up, and why."""
    rows = connection.execute(
        f"SELECT shipment_id, error FROM refolds WHERE attempts >= {_TRIES} ORDER BY shipment_id"
    ).fetchall()
    return dict(rows)


def failing(connection: Connection) -> dict[str, str]:
    """Return the shipments that could not be folded and were not since, and why."""
    rows = connection.execute(
        "SELECT shipment_id, error FROM refolds WHERE error IS NOT NULL ORDER BY shipment_id"
    ).fetchall()
    return dict(rows)


def retry_given_up(connection: Connection) -> int:
    """Let the shipments that were given up be tried again; return how many there were."""
    return connection.execute(
        f"UPDATE refolds SET attempts = 0, not_before = 0 WHERE attempts >= {_TRIES}"
    ).rowcount


def refold_all(database: Database) -> int:
    """Put every shipment of the log into the re-fold queue; return how many."""
    count, after = 0, ""
    while True:
        with database.writing() as connection:
            ids = fetch(
                connection,
                "shipment_id",
                "(SELECT DISTINCT shipment_id FROM log WHERE shipment_id > ?"
                " ORDER BY shipment_id LIMIT ?)",
                after,
                _REFOLD_PAGE,
            )
            names = sorted(shipment_id for (shipment_id,) in ids)
            rows = [(name, 0, 0, None) for name in names if name != MAPPINGS]
            insert(connection, "refolds (shipment_id, attempts, not_before, error)", rows, _ANEW)
        count += len(rows)
        if len(names) < _REFOLD_PAGE:
            return count
        after = names[-1]


def requeue(
    connection: Connection,
    *,
    refolded: Sequence[str],
    recode: Sequence[CodeKey],
    failed: Mapping[str, str],
    now: int,
) -> None:
    """Bring the re-fold queue up to date, within a transaction."""
    if refolded:
        connection.execute(f"DELETE FROM refolds WHERE {_AMONG}", (_array(refolded),))
    for key in recode:
        connection.execute(
            "INSERT INTO refolds (shipment_id, attempts, not_before)"
            f" SELECT shipment_id, 0, 0 FROM codes WHERE carrier_key = ? AND code_key = ? {_ANEW}",
            key,
        )
    insert(
        connection,
        "refolds (shipment_id, attempts, not_before, error)",
        [(shipment_id, 0, now + _FIRST_DELAY, error) for shipment_id, error in failed.items()],
        f"""
        ON CONFLICT (shipment_id) DO UPDATE SET
            attempts = min(attempts + 1, {_TRIES}),
            not_before = excluded.not_before
                + {_FIRST_DELAY} * ((1 << min(attempts + 1, {_TRIES})) - 1),
            error = excluded.error
        """,
    )
