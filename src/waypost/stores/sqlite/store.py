"""The store of one machine: everything in one SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from waypost.ports import Changes, Fate, Followed
from waypost.stores.sqlite import log, outbox, quarantine, state
from waypost.stores.sqlite.database import BUSY_TIMEOUT, Database
from waypost.stores.sqlite.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from waypost.core.entries import Entry
    from waypost.core.shipments import Ref
    from waypost.ports import (
        AlertKind,
        Delivery,
        DeliveryState,
        IncidentQuery,
        Message,
        Outcome,
        Pending,
        Rejection,
        Save,
        Saved,
        ShipmentQuery,
    )


class SqliteStore:
    """A `LocalStore` in an SQLite file. Threads may share it, and processes the file.

    The port's docstrings say what each method promises.
    """

    def __init__(
        self, path: Path, *, create: bool = True, busy_timeout: float = BUSY_TIMEOUT
    ) -> None:
        """Open the file and bring its schema up to date.

        Args:
            path: of the file; beside it SQLite keeps ``-wal`` and ``-shm``.
            create: whether to make the file and its folder if they are not there.
            busy_timeout: seconds to wait for another process's write.

        Raises:
            StoreUnavailable: if it cannot be opened now.
            StoreUnusable: if it is missing, damaged, not ours, or newer than this code.
        """
        self._database = Database(path, create=create, busy_timeout=busy_timeout)
        self._tail = Tail()

    # --- The log and the quarantine

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        if not entries:
            return []
        with self._database.lock:
            with self._database.writing() as connection:
                before = log.last_position(connection)
                outcomes, appended = log.append(connection, entries, before, quiet=quiet)
            self._tail.extend(before, [(entry, quiet) for entry in appended])
        return outcomes

    def history(self, shipment_id: str) -> list[Entry]:
        return self.history_and_quiet(shipment_id)[0]

    def history_and_quiet(self, shipment_id: str) -> tuple[list[Entry], frozenset[Ref]]:
        with self._database.reading() as connection:
            return log.history(connection, shipment_id)

    def entries(self) -> Iterator[Entry]:
        return log.entries_in_order(self._database)

    def reject(self, rejections: Sequence[Rejection]) -> None:
        if rejections:
            with self._database.writing() as connection:
                quarantine.add(connection, rejections)

    def rejected(
        self, fate: Fate | None = Fate.OPEN, after: str | None = None, limit: int = 100
    ) -> list[Rejection]:
        with self._database.reading() as connection:
            return quarantine.listed(connection, fate, after, limit)

    def rejection(self, rejection_id: str) -> Rejection:
        with self._database.reading() as connection:
            return quarantine.one(connection, rejection_id)

    def settle(self, rejection_id: str, fate: Fate) -> None:
        with self._database.writing() as connection:
            quarantine.settle(connection, rejection_id, fate)

    # --- State

    def saved(self, shipment_ids: Sequence[str]) -> dict[str, Saved]:
        with self._database.reading() as connection:
            return state.saved(connection, shipment_ids)

    def save(self, saves: Sequence[Save]) -> None:
        if saves:
            # Nobody says when these alerts were decided; not before what they are about.
            opened = (alert.opened_at for save in saves for alert in save.alerts)
            self.commit(Followed(saves=tuple(saves), now=max(opened, default=0)))

    def shipment(self, shipment_id: str) -> dict[str, Any] | None:
        with self._database.reading() as connection:
            return state.shipment(connection, shipment_id)

    def shipments(self, query: ShipmentQuery) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            return state.shipments(connection, query)

    def incidents(self, query: IncidentQuery) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            return state.list_incidents(connection, query)

    def unmapped(self) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            return state.unmapped(connection)

    def due(self, now: int, limit: int) -> list[str]:
        with self._database.reading() as connection:
            return state.due(connection, now, limit)

    def undecided(self, limit: int) -> list[str]:
        with self._database.reading() as connection:
            return state.undecided(connection, limit)

    # --- Following

    def changes(self, limit: int) -> Changes:
        with self._database.reading() as connection:
            position, rejected_position, last = connection.execute(
                "SELECT position, rejected_position,"
                " (SELECT coalesce(max(position), 0) FROM log) FROM follower"
            ).fetchone()
            logged = self._tail.after(position, limit)  # what others add comes a call later
            if not logged and last > position:
                logged = log.logged_after(connection, position, limit)
            rejected_to, problems = quarantine.problems_after(connection, rejected_position, limit)
        return Changes(
            position=position + len(logged),
            entries=tuple(entry for entry, _ in logged),
            quiet=frozenset(
                (entry.shipment_id, (entry.sender, entry.event_id))
                for entry, quiet in logged
                if quiet
            ),
            rejected_position=rejected_to,
            rejections=problems,
        )

    def behind(self) -> int:
        with self._database.reading() as connection:
            [behind] = connection.execute(
                "SELECT (SELECT coalesce(max(position), 0) FROM log) - position FROM follower"
            ).fetchone()
        return int(behind)

    def refolds(self, now: int, limit: int) -> list[str]:
        with self._database.reading() as connection:
            return state.refolds(connection, now, limit)

    def refold_all(self) -> int:
        return state.refold_all(self._database)

    def unfoldable(self) -> dict[str, str]:
        with self._database.reading() as connection:
            return state.unfoldable(connection)

    def failing(self) -> dict[str, str]:
        with self._database.reading() as connection:
            return state.failing(connection)

    def retry_given_up(self) -> int:
        with self._database.writing() as connection:
            return state.retry_given_up(connection)

    def commit(self, followed: Followed) -> None:
        alerts = [alert for save in followed.saves for alert in save.alerts]
        with self._database.writing() as connection:
            state.save(connection, followed.saves)
            outbox.add_alerts(connection, alerts, followed.now)
            outbox.add_rejected(connection, followed.rejected, followed.now)
            state.requeue(
                connection,
                refolded=followed.refolded,
                recode=followed.recode,
                failed=followed.failed,
                now=followed.now,
            )
            connection.execute(
                "UPDATE follower SET position = coalesce(?, position),"
                " rejected_position = coalesce(?, rejected_position)",
                (followed.position, followed.rejected_position),
            )

    # --- The outbox

    def pending(self, kind: AlertKind, first: int) -> Pending | None:
        with self._database.reading() as connection:
            return outbox.pending(connection, kind, first)

    def post(self, message: Message, last: int, notifiers: Sequence[str]) -> None:
        with self._database.writing() as connection:
            outbox.post(connection, message, last, notifiers)

    def deliveries(self, notifier: str, now: int, limit: int) -> list[Delivery]:
        with self._database.reading() as connection:
            return outbox.deliveries(connection, notifier, now, limit)

    def delivered(
        self,
        message_id: str,
        notifier: str,
        state: DeliveryState,
        *,
        not_before: int = 0,
        error: str | None = None,
    ) -> None:
        with self._database.writing() as connection:
            outbox.delivered(
                connection, message_id, notifier, state, not_before=not_before, error=error
            )

    def alerts(
        self, state: DeliveryState | None = None, after: int = 0, limit: int = 100
    ) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            return outbox.ledger(connection, state, after, limit)

    def resend(self, message_id: str) -> int:
        with self._database.writing() as connection:
            return outbox.resend(connection, message_id)

    # --- The file

    def check(self) -> None:
        with self._database.writing() as connection:
            # There and back again: SQLite does not write what is there already.
            connection.execute("UPDATE follower SET position = position + 1")
            connection.execute("UPDATE follower SET position = position - 1")
        self._database.check_room()

    def close(self) -> None:
        self._database.close()
