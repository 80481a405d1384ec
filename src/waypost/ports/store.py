"""The log, the quarantine and the derived state: what both homes have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from waypost.core.entries import Entry
    from waypost.core.errors import Problem
    from waypost.core.incidents import Alert, Told
    from waypost.core.shipments import Ref, Shipment
    from waypost.core.statuses import Status


class Outcome(StrEnum):
    """What became of an entry that was to be appended."""

    APPENDED = "appended"
    DUPLICATE = "duplicate"
    """The very same entry is there already. This is success."""
    KEY_FULL = "key full"
    """All keys that the entry may have are taken by others: it was not appended."""


class Fate(StrEnum):
    """What became of a rejected event."""

    OPEN = "open"
    REPLAYED = "replayed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An event that could not be recorded, kept whole with its reasons.

    Attributes:
        rejection_id: 16 hexadecimal digits, a hash of what came in: the same delivery has the
            same id.
        record_time: when it came, epoch ms.
        source: who sent it, as the envelope says.
        envelope_id: the envelope's id.
        envelope_time: the envelope's time, epoch ms; None where the route has none.
        raw: the payload as it came in.
        problems: all that is wrong with it, at least one.
        fate: whether it still waits for somebody.
    """

    rejection_id: str
    record_time: int
    source: str
    envelope_id: str
    envelope_time: int | None
    raw: str
    problems: tuple[Problem, ...]
    fate: Fate = Fate.OPEN


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved of a shipment, as far as the next decision needs it.

    Attributes:
        version: counts the saves from 1; 0 if it was never saved.
        told: who was told of what.
        conflicts: how many conflicts it had.
        quiet: as in its last `Save`, where the log is followed by shipment; else 0.
    """

    version: int
    told: Told
    conflicts: int
    quiet: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """The message in which people were told of the alerts of a `Save` before it is saved.

    Attributes:
        message_id: its id.
        notifier: the name of who sent it.
        at: when, epoch ms.
    """

    message_id: str
    notifier: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """A folded shipment that is to be saved.

    Attributes:
        shipment: the state, with STALLED and LATE as of now.
        told: who will have been told of what.
        version: of the `Saved` that the decision was made on.
        due_at: the next instant at which silence or an ETA matters, epoch ms.
        undecided: it calls for an alert, which is decided when the alert window drains.
        alerts: what to tell people: noted in the ledger in one with the rest, or not at all; an
            alert whose key is there already is not noted again.
        sent: how they were told of all ``alerts`` already; None where the store's outbox does it.
        quiet: how many entries it was folded with that came in quietly.
    """

    shipment: Shipment
    told: Told
    version: int
    due_at: int | None
    undecided: bool = False
    alerts: tuple[Alert, ...] = ()
    sent: Sent | None = None
    quiet: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentQuery:
    """Which shipments to list; all that is given must hold.

    Attributes:
        progress: one of these.
        condition: this is wrong with it now (among others).
        carrier: its carrier, without case.
        since: its last update happened at or after this, epoch ms.
        after: list from the shipment id that follows this one.
        limit: at most so many.
    """

    progress: Status | None = None
    condition: Status | None = None
    carrier: str | None = None
    since: int | None = None
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentQuery:
    """Which incidents to list; all that is given must hold.

    Attributes:
        shipment_id: of this shipment.
        condition: this is wrong.
        is_open: wrong now (True), over (False), either (None).
        after: list from what follows this (shipment id, leg, condition).
        limit: at most so many.
    """

    shipment_id: str | None = None
    condition: Status | None = None
    is_open: bool | None = None
    after: tuple[str, int, str] | None = None
    limit: int = 100


class Store(Protocol):
    """The log, the quarantine and the derived state.

    Every method raises StoreUnavailable where a retry may help, StoreUnusable where not; then
    nothing has changed, or, if the answer was lost, all of it has and a repeat is harmless.
    """

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        """Append entries that are not there yet, durably, and say what became of each.

        Two entries are the same if their `identity` is equal; within one call too. The entry's
        key is (shipment id, event time) or, where another entry has that, the next one that
        `waypost.core.keys.probes` gives. With ``quiet``, what the entries amount to alerts nobody.
        """

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Keep rejected events, durably; one whose id is there already changes nothing."""

    def history(self, shipment_id: str) -> list[Entry]:
        """Return all entries of a shipment, in no particular order; consistent, never stale."""

    def history_and_quiet(self, shipment_id: str) -> tuple[list[Entry], frozenset[Ref]]:
        """Return what `history` does, and which entries of it were appended quietly."""

    def saved(self, shipment_ids: Sequence[str]) -> dict[str, Saved]:
        """Return what was saved of the shipments; one that never was is left out."""

    def save(self, saves: Sequence[Save]) -> None:
        """Save folded shipments with their incidents and alerts.

        Raises:
            StateConflict: if one was saved by somebody else since; nothing has changed then, but
                of more than 100 saves some may have been done.
        """

    def shipment(self, shipment_id: str) -> dict[str, Any] | None:
        """Return the saved JSON of one shipment (`shipment_json`), None if there is none."""

    def shipments(self, query: ShipmentQuery) -> list[dict[str, Any]]:
        """Return saved shipments (`shipment_json`), by shipment id."""

    def incidents(self, query: IncidentQuery) -> list[dict[str, Any]]:
        """Return saved incidents (`incident_json`), by (shipment id, leg, condition)."""

    def entries(self) -> Iterator[Entry]:
        """Return the whole log by (shipment id, event time, event id, sender, fingerprint).

        It may be long: memory stays bounded, and what is appended meanwhile may or may not
        be among it.
        """

    def rejected(
        self, fate: Fate | None = Fate.OPEN, after: str | None = None, limit: int = 100
    ) -> list[Rejection]:
        """Return rejected events in the order in which they came, from what follows ``after``.

        The order is by record time, and within one call of `reject` as they were given.

        Raises:
            NotFound: if there is none of the id ``after``.
        """

    def rejection(self, rejection_id: str) -> Rejection:
        """Return one rejected event.

        Raises:
            NotFound: if there is none of that id.
        """

    def settle(self, rejection_id: str, fate: Fate) -> None:
        """Note what became of a rejected event.

        Raises:
            NotFound: if there is none of that id.
        """

    def unmapped(self) -> list[dict[str, Any]]:
        """Return the codes that nobody has mapped, the most frequent first.

        Each has ``carrier, code, count, shipments, lastEventTime`` and a ``shipmentId``, the
        least, as an example.
        """

    def due(self, now: int, limit: int) -> list[str]:
        """Return shipments whose ``due_at`` has come, the longest overdue first."""

    def undecided(self, limit: int) -> list[str]:
        """Return shipments that were saved as ``undecided``, by shipment id."""
