"""The kinds of entries: all are facts, appended once and replayed for ever."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from waypost.core.errors import NewerEntry
from waypost.core.statuses import Status
from waypost.core.updates import ShipmentUpdate, digest

OPERATOR: Final = "waypost.operator"
"""The sender of everything that a person does here; no producer may claim it."""
MAPPINGS: Final = "\x1fmappings"
"""The reserved shipment id of code mappings: not printable, so no producer can use it."""
RETRACTS: Final = "retract:"
"""A retraction's event id is this and the id that it retracts."""


class Action(StrEnum):
    """What an operator can do to a condition of a shipment."""

    ACK = "ack"
    """Seen: no further alert for the open episode."""
    RESOLVE = "resolve"
    """Over: closes the open episode."""
    MUTE = "mute"
    """No alerts for this condition until unmuted, or until the number is used anew."""
    UNMUTE = "unmute"
    """Alerts again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """A sender takes back what it said (EPCIS errorDeclaration, DCSA retractedEventID). Final.

    Attributes:
        retracts: the event id that is taken back: the same sender's, or, from an operator, any
            sender's. It works whenever it comes, before its target too.
        reason: why, as the sender says it.
    """

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    retracts: str
    reason: str | None = None
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An operator did something about a condition of a shipment."""

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    action: Action
    condition: Status
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMapping:
    """An operator said what a carrier's code means; it re-derives history, and changes no row.

    Attributes:
        carrier: whose code, compared without case; None for updates that name no carrier.
        code: the code, or the word where the sender has none, compared without case.
        status: what it means; UNKNOWN takes an earlier mapping back.
    """

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    carrier: str | None
    code: str
    status: Status
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """An entry that this version cannot read: a newer one wrote it, in words of its own.

    It is a fact like any other, known by the identity that entries of every version have. Stores
    return it and never take it. Whoever has to know what it says raises its `error`.

    Attributes:
        word: the first word that is unknown here, with what it is: ``kind inspection``.
        code: of what is kept under `MAPPINGS`: (carrier, code) whose meaning it gives; else None.
    """

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    fingerprint: str
    word: str
    code: tuple[str | None, str] | None = None

    @property
    def error(self) -> NewerEntry:
        """What to raise where it matters what the entry says."""
        if self.code is not None:
            return NewerEntry(f"the mapping of {' '.join(filter(None, self.code))}", self.word)
        return NewerEntry(f"an entry of {self.shipment_id}", self.word)


Entry = ShipmentUpdate | Retraction | Act | CodeMapping | Unread


def identity(entry: Entry) -> tuple[str, str, str, int, str]:
    """Return what makes two entries the same: if all of it is equal, one is a DUPLICATE."""
    return (
        entry.shipment_id,
        entry.sender,
        entry.event_id,
        entry.event_time,
        entry.fingerprint,
    )


def retraction(
    shipment_id: str,
    retracts: str,
    *,
    sender: str,
    event_time: int,
    record_time: int,
    reason: str | None = None,
) -> Retraction:
    """Make the retraction of an event id."""
    return Retraction(
        shipment_id=shipment_id,
        sender=sender,
        event_id=RETRACTS + retracts,
        event_time=event_time,
        record_time=record_time,
        retracts=retracts,
        reason=reason,
        fingerprint=digest("retraction", retracts),
    )


def act(
    shipment_id: str,
    action: Action,
    condition: Status,
    *,
    event_id: str,
    event_time: int,
    record_time: int,
) -> Act:
    """Make an operator's act. ``event_time`` is no earlier than the newest member acted on."""
    return Act(
        shipment_id=shipment_id,
        sender=OPERATOR,
        event_id=event_id,
        event_time=event_time,
        record_time=record_time,
        action=action,
        condition=condition,
        fingerprint=digest("act", action.value, condition.value),
    )


def mapping(
    carrier: str | None,
    code: str,
    status: Status,
    *,
    event_id: str,
    event_time: int,
    record_time: int,
) -> CodeMapping:
    """Make the mapping of a carrier's code to a status."""
    return CodeMapping(
        shipment_id=MAPPINGS,
        sender=OPERATOR,
        event_id=event_id,
        event_time=event_time,
        record_time=record_time,
        carrier=carrier,
        code=code,
        status=status,
        fingerprint=digest("mapping", carrier, code, status.value),
    )
