"""The outbox: the ledger of alerts, the messages made of them, and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from waypost.core.errors import NotFound
from waypost.core.incidents import alert_json
from waypost.core.times import format_time
from waypost.ports import LONGEST_PAUSE, AlertKind, Delivery, DeliveryState, Message, Pending
from waypost.stores.sqlite.database import fetch, insert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from sqlite3 import Connection

    from waypost.core.incidents import Alert


def add_alerts(connection: Connection, alerts: Iterable[Alert], now: int) -> None:
    """Add alerts to the ledger within a transaction; a key that is there is not added again."""
    rows = [
        (
            AlertKind.INCIDENT,
            alert.key,
            now,
            _json({alert.condition.value: 1}),
            _json(alert_json(alert)),
        )
        for alert in alerts
    ]
    _add(connection, rows)


def add_rejected(connection: Connection, counts: Mapping[str, int], now: int) -> None:
    """Add one alert of what was rejected, by problem, to the ledger within a transaction."""
    if counts:
        body = {"counts": dict(counts)}
        _add(connection, [(AlertKind.REJECTED, None, now, _json(dict(counts)), _json(body))])


def _add(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    into = "alerts (kind, key, created_at, counts, body)"
    insert(connection, into, rows, "ON CONFLICT (key) DO NOTHING")


def pending(connection: Connection, kind: AlertKind, first: int) -> Pending | None:
    """Return what is in no message yet, None if nothing."""
    waiting = "alerts WHERE message_id IS NULL AND kind = ? AND number <= ?"
    [last] = connection.execute(
        "SELECT max(number) FROM alerts WHERE message_id IS NULL AND kind = ?", (kind,)
    ).fetchone()
    if last is None:
        return None
    counts: dict[str, int] = {}
    for (text,) in fetch(connection, "counts", waiting, kind, last):
        for name, count in orjson.loads(text).items():
            counts[name] = counts.get(name, 0) + count
    rows = fetch(
        connection,
        "number, kind, created_at, body",
        f"{waiting} ORDER BY number LIMIT ?",
        kind,
        last,
        first,
    )
    [last_message_at] = connection.execute(
        "SELECT max(created_at) FROM messages WHERE kind = ?", (kind,)
    ).fetchone()
    return Pending(
        kind=kind,
        last=last,
        counts=counts,
        first=tuple(_alert(*row) for row in sorted(rows)),
        last_message_at=last_message_at,
    )


def post(connection: Connection, message: Message, last: int, notifiers: Sequence[str]) -> None:
    """Make a message of all pending alerts of its kind up to ``last``, within a transaction."""
    insert(
        connection,
        "messages (message_id, created_at, kind, subject, text, counts, alerts)",
        [
            (
                message.message_id,
                message.created_at,
                message.kind,
                message.subject,
                message.text,
                _json(dict(message.counts)),
                _json(message.alerts),
            )
        ],
        "ON CONFLICT (message_id) DO NOTHING",
    )
    connection.execute(
        "UPDATE alerts SET message_id = ? WHERE message_id IS NULL AND kind = ? AND number <= ?",
        (message.message_id, message.kind, last),
    )
    insert(
        connection,
        "deliveries (message_id, notifier, state, attempts, not_before)",
        [(message.message_id, name, DeliveryState.WAITING, 0, 0) for name in notifiers],
        "ON CONFLICT (message_id, notifier) DO NOTHING",
    )


def deliveries(connection: Connection, notifier: str, now: int, limit: int) -> list[Delivery]:
    """Return the deliveries of a notifier that are waiting and may be tried, oldest first."""
    rows = connection.execute(
        "SELECT attempts, not_before, error, messages.message_id, created_at, kind, subject, text,"
        " counts, alerts FROM deliveries JOIN messages USING (message_id)"
        " WHERE notifier = ? AND state = 'waiting' AND not_before NOT BETWEEN ? AND ?"
        " ORDER BY deliveries.number LIMIT ?",
        (notifier, now + 1, now + LONGEST_PAUSE, limit),
    ).fetchall()
    return [
        Delivery(
            message=_message(message),
            notifier=notifier,
            state=DeliveryState.WAITING,
            attempts=attempts,
            not_before=not_before,
            error=error,
        )
        for attempts, not_before, error, *message in rows
    ]


def _message(row: Sequence[Any]) -> Message:
    message_id, created_at, kind, subject, text, counts, alerts = row
    return Message(
        message_id=message_id,
        created_at=created_at,
        kind=AlertKind(kind),
        subject=subject,
        text=text,
        counts=orjson.loads(counts),
        alerts=tuple(orjson.loads(alerts)),
    )


def delivered(
    connection: Connection,
    message_id: str,
    notifier: str,
    state: DeliveryState,
    *,
    not_before: int,
    error: str | None,
) -> None:
    """Note an attempt, within a transaction.

    Raises:
        NotFound: if there is no such delivery.
    """
    done = connection.execute(
        "UPDATE deliveries SET state = ?, attempts = attempts + 1, not_before = ?, error = ?"
        " WHERE message_id = ? AND notifier = ?",
        (state, not_before, error, message_id, notifier),
    )
    if not done.rowcount:
        raise NotFound(f"no message {message_id} for {notifier}")


def resend(connection: Connection, message_id: str) -> int:
    """Let the dead deliveries of a message be tried again, from the first attempt on.

    Raises:
        NotFound: if there is no message of that id.
    """
    known = connection.execute(
        "SELECT 1 FROM messages WHERE message_id = ?", (message_id,)
    ).fetchone()
    if known is None:
        raise NotFound(f"no message {message_id}")
    return connection.execute(
        "UPDATE deliveries SET state = ?, attempts = 0, not_before = 0"
        " WHERE message_id = ? AND state = ?",
        (DeliveryState.WAITING, message_id, DeliveryState.DEAD),
    ).rowcount


def ledger(
    connection: Connection, state: DeliveryState | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return the alerts in the order in which they were decided, with their deliveries."""
    rows = connection.execute(
        "SELECT number, kind, created_at, body, message_id FROM alerts WHERE number > ?1"
        " AND (?2 IS NULL OR message_id IN (SELECT message_id FROM deliveries WHERE state = ?2))"
        " ORDER BY number LIMIT ?3",
        (after, state, limit),
    ).fetchall()
    sendings: dict[str, list[dict[str, Any]]] = {}
    ids = _json([*{row[4] for row in rows if row[4]}])
    for message_id, notifier, at, attempts, error in connection.execute(
        "SELECT message_id, notifier, state, attempts, error FROM deliveries"
        " WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY number",
        (ids,),
    ).fetchall():
        sendings.setdefault(message_id, []).append(
            {"notifier": notifier, "state": at, "attempts": attempts, "error": error}
        )
    return [
        {
            **_alert(*row),
            "messageId": message_id,
            "deliveries": sendings.get(message_id, []),
        }
        for *row, message_id in rows
    ]


def _alert(number: int, kind: str, created_at: int, body: str) -> dict[str, Any]:
    return {
        "alertId": number,
        "kind": kind,
        "createdAt": format_time(created_at),
        **orjson.loads(body),
    }


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
