"""A store in memory: what the port promises in its plainest form, for tests and as their oracle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from waypost.core.entries import MAPPINGS, Entry, identity
from waypost.core.errors import NotFound, StateConflict
from waypost.core.incidents import incident_json, incidents, shipment_json
from waypost.core.keys import probes
from waypost.core.shipments import CodeUse, code_key
from waypost.core.statuses import Status
from waypost.core.times import format_time
from waypost.ports import (
    LONGEST_PAUSE,
    Changes,
    Fate,
    Followed,
    IncidentQuery,
    Outcome,
    Rejection,
    Save,
    Saved,
    ShipmentQuery,
)
from waypost.stores.memory.outbox import MemoryOutbox, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from waypost.core.shipments import Ref

_FIRST_DELAY = 1_000
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Logged:
    entry: Entry
    quiet: bool


@dataclass(slots=True)
class _Refold:
    attempts: int = 0
    not_before: int = 0
    error: str | None = None


class MemoryStore(MemoryOutbox):
    """A `LocalStore` that is gone with its process. Threads may share it.

    The port's docstrings say what each method promises. Nothing is ever let go of.
    """

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self._log: list[_Logged] = []
        self._keys: dict[str, dict[int, Entry]] = {}
        self._rejected: dict[str, Rejection] = {}
        self._saves: dict[str, Save] = {}
        self._refolds: dict[str, _Refold] = {}
        self._position = 0
        self._rejected_position = 0

    # --- The log and the quarantine

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        with self._lock:
            return [self._append(entry, quiet=quiet) for entry in entries]

    def _append(self, entry: Entry, *, quiet: bool) -> Outcome:
        keys = self._keys.setdefault(entry.shipment_id, {})
        for key in probes(entry.event_time, entry.event_id):
            if key not in keys:
                keys[key] = entry
                self._log.append(_Logged(entry, quiet))
                return Outcome.APPENDED
            if identity(keys[key]) == identity(entry):
                return Outcome.DUPLICATE
        return Outcome.KEY_FULL

    def history(self, shipment_id: str) -> list[Entry]:
        with self._lock:
            return list(self._keys.get(shipment_id, {}).values())

    def history_and_quiet(self, shipment_id: str) -> tuple[list[Entry], frozenset[Ref]]:
        with self._lock:
            quiet = frozenset(
                (x.entry.sender, x.entry.event_id)
                for x in self._log
                if x.quiet and x.entry.shipment_id == shipment_id
            )
            return self.history(shipment_id), quiet

    def entries(self) -> Iterator[Entry]:
        with self._lock:
            log = [logged.entry for logged in self._log]
        return iter(
            sorted(
                log,
                key=lambda e: (e.shipment_id, e.event_time, e.event_id, e.sender, e.fingerprint),
            )
        )

    def reject(self, rejections: Sequence[Rejection]) -> None:
        with self._lock:
            for rejection in rejections:
                self._rejected.setdefault(rejection.rejection_id, rejection)

    def rejected(
        self, fate: Fate | None = Fate.OPEN, after: str | None = None, limit: int = 100
    ) -> list[Rejection]:
        with self._lock:
            ids = list(self._rejected)
            start = 0 if after is None else ids.index(self.rejection(after).rejection_id) + 1
            found = [self._rejected[i] for i in ids[start:]]
            return [r for r in found if fate in (None, r.fate)][:limit]

    def rejection(self, rejection_id: str) -> Rejection:
        with self._lock:
            if rejection_id not in self._rejected:
                raise NotFound(f"no rejected event {rejection_id}")
            return self._rejected[rejection_id]

    def settle(self, rejection_id: str, fate: Fate) -> None:
        with self._lock:
            self._rejected[rejection_id] = replace(self.rejection(rejection_id), fate=fate)

    # --- State

    def saved(self, shipment_ids: Sequence[str]) -> dict[str, Saved]:
        with self._lock:
            saves = [self._saves[i] for i in shipment_ids if i in self._saves]
            return {
                s.shipment.shipment_id: Saved(s.version, s.told, s.shipment.conflicts)
                for s in saves
            }

    def save(self, saves: Sequence[Save]) -> None:
        opened = (alert.opened_at for save in saves for alert in save.alerts)
        self.commit(Followed(saves=tuple(saves), now=max(opened, default=0)))

    def shipment(self, shipment_id: str) -> dict[str, Any] | None:
        with self._lock:
            save = self._saves.get(shipment_id)
            return plain(shipment_json(save.shipment)) if save else None

    def shipments(self, query: ShipmentQuery) -> list[dict[str, Any]]:
        with self._lock:
            found = [s.shipment for _, s in sorted(self._saves.items())]
        return [
            plain(shipment_json(s))
            for s in found
            if (query.after is None or s.shipment_id > query.after)
            and query.progress in (None, s.progress)
            and (query.condition is None or query.condition in s.conditions)
            and (query.carrier is None or _same_carrier(s.carrier, query.carrier))
            and (query.since is None or (s.last_event_time or 0) >= query.since)
        ][: query.limit]

    def incidents(self, query: IncidentQuery) -> list[dict[str, Any]]:
        with self._lock:
            found = [i for _, s in sorted(self._saves.items()) for i in incidents(s.shipment)]
        return [
            plain(incident_json(i))
            for i in found
            if query.shipment_id in (None, i.shipment_id)
            and query.condition in (None, i.condition)
            and query.is_open in (None, i.is_open)
            and (query.after is None or (i.shipment_id, i.leg, i.condition) > query.after)
        ][: query.limit]

    def unmapped(self) -> list[dict[str, Any]]:
        groups: dict[tuple[str, str], list[tuple[str, CodeUse]]] = {}
        with self._lock:
            for shipment_id, save in self._saves.items():
                for use in save.shipment.codes:
                    if use.status is Status.UNKNOWN:
                        key = code_key(use.carrier, use.code)
                        groups.setdefault(key, []).append((shipment_id, use))
        codes = [(key, _code_json(uses)) for key, uses in groups.items()]
        return [code for _, code in sorted(codes, key=lambda c: (-c[1]["count"], c[0]))]

    def due(self, now: int, limit: int) -> list[str]:
        with self._lock:
            found = [(s.due_at, i) for i, s in self._saves.items() if s.due_at is not None]
        return [i for due_at, i in sorted(found) if due_at <= now][:limit]

    def undecided(self, limit: int) -> list[str]:
        with self._lock:
            return sorted(i for i, s in self._saves.items() if s.undecided)[:limit]

    # --- Following

    def changes(self, limit: int) -> Changes:
        with self._lock:
            logged = self._log[self._position : self._position + limit]
            start = self._rejected_position
            rejections = list(self._rejected.values())[start : start + limit]
            return Changes(
                position=self._position + len(logged),
                entries=tuple(x.entry for x in logged),
                quiet=frozenset(
                    (x.entry.shipment_id, (x.entry.sender, x.entry.event_id))
                    for x in logged
                    if x.quiet
                ),
                rejected_position=start + len(rejections),
                rejections=tuple(str(r.problems[0]) for r in rejections),
            )

    def behind(self) -> int:
        with self._lock:
            return len(self._log) - self._position

    def refolds(self, now: int, limit: int) -> list[str]:
        with self._lock:
            found = [
                (r.not_before, i)
                for i, r in self._refolds.items()
                if r.attempts < _TRIES and not now < r.not_before <= now + LONGEST_PAUSE
            ]
        return [i for _, i in sorted(found)][:limit]

    def refold_all(self) -> int:
        with self._lock:
            ids = [i for i, keys in self._keys.items() if keys and i != MAPPINGS]
            for shipment_id in ids:
                self._refold(shipment_id)
            return len(ids)

    def _refold(self, shipment_id: str) -> None:
        """Have a shipment folded, as if it had not been tried; why it failed is still known."""
        before = self._refolds.get(shipment_id)
        self._refolds[shipment_id] = _Refold(error=before.error if before else None)

    def unfoldable(self) -> dict[str, str]:
        with self._lock:
            return {
                i: r.error or "" for i, r in sorted(self._refolds.items()) if r.attempts >= _TRIES
            }

    def failing(self) -> dict[str, str]:
        with self._lock:
            return {i: r.error for i, r in sorted(self._refolds.items()) if r.error is not None}

    def retry_given_up(self) -> int:
        with self._lock:
            given_up = self.unfoldable()
            for shipment_id in given_up:
                self._refold(shipment_id)
            return len(given_up)

    def commit(self, followed: Followed) -> None:
        with self._lock:
            self._check_versions(followed.saves)
            for save in followed.saves:
                self._saves[save.shipment.shipment_id] = replace(save, version=save.version + 1)
                for alert in save.alerts:
                    self._add_alert(alert, followed.now)
            self._add_rejected(followed.rejected, followed.now)
            self._requeue(followed)
            if followed.position is not None:
                self._position = followed.position
            if followed.rejected_position is not None:
                self._rejected_position = followed.rejected_position

    def _check_versions(self, saves: Iterable[Save]) -> None:
        versions = {i: s.version for i, s in self._saves.items()}
        for save in saves:
            shipment_id = save.shipment.shipment_id
            if versions.get(shipment_id, 0) != save.version:
                raise StateConflict(f"{shipment_id} was saved by somebody else")
            versions[shipment_id] = save.version + 1

    def _requeue(self, followed: Followed) -> None:
        for shipment_id in followed.refolded:
            self._refolds.pop(shipment_id, None)
        for shipment_id, save in self._saves.items():
            if any(code_key(c.carrier, c.code) in followed.recode for c in save.shipment.codes):
                self._refold(shipment_id)
        for shipment_id, error in followed.failed.items():
            before = self._refolds.get(shipment_id)
            attempts = min(before.attempts + 1, _TRIES) if before else 0
            not_before = followed.now + _FIRST_DELAY * 2**attempts
            self._refolds[shipment_id] = _Refold(attempts, not_before, error)

    # --- The memory

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


def _same_carrier(carrier: str | None, wanted: str) -> bool:
    return carrier is not None and code_key(carrier, "") == code_key(wanted, "")


def _code_json(uses: Sequence[tuple[str, CodeUse]]) -> dict[str, Any]:
    carriers = [use.carrier for _, use in uses if use.carrier is not None]
    return {
        "carrier": min(carriers, default=None),
        "code": min(use.code for _, use in uses),
        "count": sum(use.count for _, use in uses),
        "shipments": len(uses),
        "lastEventTime": format_time(max(use.last_event_time for _, use in uses)),
        "shipmentId": min(shipment_id for shipment_id, _ in uses),
    }
