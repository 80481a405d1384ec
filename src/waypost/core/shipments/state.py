"""The state of a shipment: what a fold makes of its history."""

from __future__ import annotations

from dataclasses import dataclass

from waypost.core.statuses import CONDITIONS, Status
from waypost.core.updates import Location

Ref = tuple[str, str]
"""Who said it and under which id: (sender, event id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A stretch of time during which one thing was wrong.

    Attributes:
        leg: of the shipment, from 1.
        condition: what is wrong.
        opened_at: event time of the opening entry; for STALLED and LATE the deadline that passed
            (of an ETA that had passed when it was given, that moment).
        opened_by: the opening entry; for STALLED the last sign of life, for LATE the estimate.
        level: of progress when it opened; -1 if there was none.
        members: the opening entry and its repeats.
        newest: event time of the newest member.
        resolved_at: when it was over, None while it is open.
        acknowledged: an operator has seen it.
        muted: an operator wants no alert of it.
        location: where the opening entry said it happened.
        carrier: who carries it, as far as known at the opening.
        reason_code: the opening entry's.
    """

    leg: int
    condition: Status
    opened_at: int
    opened_by: Ref
    level: int
    members: tuple[Ref, ...]
    newest: int
    resolved_at: int | None = None
    acknowledged: bool = False
    muted: bool = False
    location: Location | None = None
    carrier: str | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUse:
    """A code that our vocabulary lacks: how often this shipment's history has it, as what."""

    carrier: str | None
    code: str
    status: Status
    count: int
    last_event_time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Where a shipment is and what is wrong with it. Nothing here depends on arrival.

    Attributes:
        shipment_id: its number.
        progress: the last status that counts; None before the first.
        progress_at: when that was, epoch ms.
        leg: 1, and one more each time the number is used anew.
        eta: the newest estimate of its arrival, epoch ms.
        location: the last place that an update named; a NOTE is no report of a place.
        carrier: the last carrier that an update named.
        first_event_time: of the first update, epoch ms; None if all are retracted.
        last_event_time: of the last update, epoch ms: its last sign of life.
        updates: how many updates count (retracted and conflicting ones do not).
        conflicts: how many entries say something else under an id that is already used.
        retracted: how many updates were taken back.
        codes: the codes that our vocabulary lacks.
        episodes: all that was ever wrong, by opening time.
    """

    shipment_id: str
    progress: Status | None
    progress_at: int | None
    leg: int
    eta: int | None
    location: Location | None
    carrier: str | None
    first_event_time: int | None
    last_event_time: int | None
    updates: int
    conflicts: int
    retracted: int
    codes: tuple[CodeUse, ...]
    episodes: tuple[Episode, ...]

    @property
    def conditions(self) -> tuple[Status, ...]:
        """What is wrong now, worst first."""
        now = {e.condition for e in self.episodes if e.resolved_at is None}
        return tuple(sorted(now, key=CONDITIONS.index))

    @property
    def condition(self) -> Status | None:
        """The worst of what is wrong now."""
        return next(iter(self.conditions), None)
