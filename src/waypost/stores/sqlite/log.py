"""The append-only log: conditional appends, histories, and what follows a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from waypost.core.entries import Entry, identity
from waypost.core.keys import probes
from waypost.ports import Outcome
from waypost.stores.sqlite.database import fetch, insert
from waypost.stores.sqlite.rows import ENTRY_COLUMNS, QUIET, entry_row, read_entry
from waypost.stores.sqlite.tail import CHARACTERS, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from sqlite3 import Connection

    from waypost.core.shipments import Ref
    from waypost.stores.sqlite.database import Database
    from waypost.stores.sqlite.tail import Logged

_INTO: Final = f"log ({ENTRY_COLUMNS})"
_IF_ABSENT: Final = "ON CONFLICT (shipment_id, timestamp) DO NOTHING"
_PAGE: Final = 256
"""Entries read at once: at the most that an entry may weigh (1 MB), still well under SQLite's
limit for one value, and no load on the memory."""


def last_position(connection: Connection) -> int:
    """Return the position of the last entry of the log, 0 if there is none."""
    [position] = connection.execute("SELECT coalesce(max(position), 0) FROM log").fetchone()
    return int(position)


def append(
    connection: Connection, entries: Sequence[Entry], before: int, *, quiet: bool
) -> tuple[list[Outcome], list[Entry]]:
    """Append entries within a transaction.

    Nearly all are new and alone at their time, so all are tried at their first key at once.
    Only those whose key was taken are looked at one by one.

    Args:
        connection: within a transaction.
        entries: what to append.
        before: the last position of the log.
        quiet: whether what they amount to shall alert nobody.

    Returns:
        What became of each, and those that were appended, by position.
    """
    rows = [entry_row(entry, entry.event_time, quiet=quiet) for entry in entries]
    if insert(connection, _INTO, rows, _IF_ABSENT) == len(rows):
        return [Outcome.APPENDED] * len(rows), list(entries)
    return _sort_out(connection, entries, before, quiet=quiet)


def _sort_out(
    connection: Connection, entries: Sequence[Entry], before: int, *, quiet: bool
) -> tuple[list[Outcome], list[Entry]]:
    inserted = {
        (shipment_id, timestamp)
        for shipment_id, timestamp in fetch(
            connection, "shipment_id, timestamp", "log WHERE position > ?", before
        )
    }
    outcomes: list[Outcome | None] = []
    for entry in entries:
        key = (entry.shipment_id, entry.event_time)
        outcomes.append(Outcome.APPENDED if key in inserted else None)
        inserted.discard(key)  # the first of the batch has it
    appended = [e for e, outcome in zip(entries, outcomes, strict=True) if outcome]
    known = _known(connection, [e for e, o in zip(entries, outcomes, strict=True) if o is None])
    settled: list[Outcome] = []
    for entry, outcome in zip(entries, outcomes, strict=True):
        result = outcome
        if result is None and identity(entry) in known:
            result = Outcome.DUPLICATE
        elif result is None:
            result = _probe(connection, entry, quiet=quiet)
            if result is Outcome.APPENDED:
                appended.append(entry)
        settled.append(result)
    return settled, appended


def _known(connection: Connection, entries: Sequence[Entry]) -> set[tuple[Any, ...]]:
    """Return the identities of what occupies the first keys of entries."""
    keys = orjson.dumps([[e.shipment_id, e.event_time] for e in entries]).decode()
    rows = fetch(
        connection,
        "shipment_id, sender, event_id, event_time, fingerprint",
        "json_each(?) CROSS JOIN log ON shipment_id = json_extract(json_each.value, '$[0]')"
        " AND timestamp = json_extract(json_each.value, '$[1]')",
        keys,
    )
    return {tuple(row) for row in rows}


def _probe(connection: Connection, entry: Entry, *, quiet: bool) -> Outcome:
    keys = [*probes(entry.event_time, entry.event_id)]
    rows = fetch(
        connection,
        "timestamp, shipment_id, sender, event_id, event_time, fingerprint",
        "log WHERE shipment_id = ? AND timestamp IN (SELECT value FROM json_each(?))",
        entry.shipment_id,
        orjson.dumps(keys).decode(),
    )
    occupants = {timestamp: tuple(said) for timestamp, *said in rows}
    for key in keys:
        if key not in occupants:
            insert(connection, _INTO, [entry_row(entry, key, quiet=quiet)])
            return Outcome.APPENDED
        if occupants[key] == identity(entry):
            return Outcome.DUPLICATE
    return Outcome.KEY_FULL


def history(connection: Connection, shipment_id: str) -> tuple[list[Entry], frozenset[Ref]]:
    """Return all entries of a shipment, and which of them were appended quietly."""
    entries: list[Entry] = []
    quiet: set[Ref] = set()
    after = -1
    while True:
        rows = fetch(
            connection,
            ENTRY_COLUMNS,
            "log WHERE shipment_id = ? AND timestamp > ? ORDER BY timestamp LIMIT ?",
            shipment_id,
            after,
            _PAGE,
        )
        for row in rows:
            entry = read_entry(row)
            entries.append(entry)
            if row[QUIET]:
                quiet.add((entry.sender, entry.event_id))
        if len(rows) < _PAGE:
            return entries, frozenset(quiet)
        after = max(row[1] for row in rows)


def entries_in_order(database: Database) -> Iterator[Entry]:
    """Return the whole log by (shipment id, event time, event id, sender, fingerprint).

    It is read in pages; only the entries of one shipment are in memory at a time, and no
    transaction stays open in between.
    """
    of_one: list[Entry] = []
    after: tuple[str, int] = ("", -1)
    while True:
        with database.reading() as connection:
            rows = fetch(
                connection,
                ENTRY_COLUMNS,
                "log WHERE (shipment_id, timestamp) > (?, ?)"
                " ORDER BY shipment_id, timestamp LIMIT ?",
                *after,
                _PAGE,
            )
        for row in sorted(rows, key=lambda row: (row[0], row[1])):
            entry = read_entry(row)
            if of_one and of_one[-1].shipment_id != entry.shipment_id:
                yield from sorted(of_one, key=_order)
                of_one = []
            of_one.append(entry)
        if len(rows) < _PAGE:
            yield from sorted(of_one, key=_order)
            return
        after = max((row[0], row[1]) for row in rows)


def _order(entry: Entry) -> tuple[int, str, str, str]:
    return entry.event_time, entry.event_id, entry.sender, entry.fingerprint


def logged_after(connection: Connection, position: int, limit: int) -> list[Logged]:
    """Return at most ``limit`` entries that follow a position, in the order of the log.

    Of large ones fewer, so that they weigh no more than the tail in memory may.
    """
    logged: list[Logged] = []
    room = CHARACTERS
    while len(logged) < limit and room > 0:
        wanted = min(_PAGE, limit - len(logged))
        rows = fetch(
            connection,
            f"{ENTRY_COLUMNS}, position",
            "log WHERE position > ? ORDER BY position LIMIT ?",
            position,
            wanted,
        )
        rows.sort(key=lambda row: row[-1])
        page = [(read_entry(row), bool(row[QUIET])) for row in rows]
        logged += page
        room -= sum(map(size, page))
        if len(rows) < wanted:
            break
        position = rows[-1][-1]
    return logged
