"""The fold: a shipment's whole history in, where it is and what is wrong with it out.

``state = fold(history, mappings[, thresholds, as_of])``, and a history is a *set*: no order of
arrival, duplicate, split or replay can change the state. The fold

1. keeps one fact per (sender, event id): the least by (event time, fingerprint);
2. drops what a retraction names;
3. reads UNKNOWN through the code mappings;
4. sorts by (event time, tie rank, event id, sender);
5. steps through them, clearing by the table in `waypost.core.statuses`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.core.entries import (
    OPERATOR,
    Act,
    Action,
    CodeMapping,
    Entry,
    Retraction,
)
from waypost.core.statuses import (
    ACT_RANK,
    CLEARING,
    CONDITIONS,
    Clears,
    Kind,
    Status,
    Trigger,
    tie_rank,
    trigger,
)
from waypost.core.times import HOUR
from waypost.core.updates import Location, ShipmentUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Ref = tuple[str, str]
"""Who said it and under which id: (sender, event id)."""
CodeKey = tuple[str, str]
"""A carrier and its code, in the form in which they are compared; no carrier is empty."""
Mappings = MappingProxyType[CodeKey, Status]

NO_MAPPINGS: Final[Mappings] = MappingProxyType({})


def code_key(carrier: str | None, code: str) -> CodeKey:
    """Return the form in which a carrier's code is compared: without case or outer space."""
    return (carrier or "").strip().upper(), code.strip().upper()


def read_mappings(entries: Iterable[Entry]) -> Mappings:
    """Return what each mapped code means: of several mappings the newest (time, id) wins."""
    newest: dict[CodeKey, tuple[int, str, Status]] = {}
    for entry in entries:
        if isinstance(entry, CodeMapping):
            key = code_key(entry.carrier, entry.code)
            said = (entry.event_time, entry.event_id, entry.status)
            if key not in newest or newest[key][:2] < said[:2]:
                newest[key] = said
    return MappingProxyType({key: said[2] for key, said in newest.items()})


_SILENCE_HOURS: Final = MappingProxyType(
    {
        None: 168,
        Status.PENDING: 168,
        Status.INFO_RECEIVED: 120,
        Status.PICKED_UP: 72,
        Status.IN_TRANSIT: 120,
        Status.OUT_FOR_DELIVERY: 48,
        Status.DELIVERY_ATTEMPTED: 96,
        Status.AVAILABLE_FOR_PICKUP: 240,
        Status.RETURNING: 240,
    }
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """For how many hours an open shipment may be silent before it is STALLED.

    The defaults are ours: long enough that a weekend with a holiday alerts nobody. The first of
    these that is given wins: carrier and status, carrier, status, all, the default of the status.

    Attributes:
        hours: by (carrier in capitals or None for any, status or None for any).
    """

    hours: Mapping[tuple[str | None, Status | None], float] = field(default_factory=dict)

    def silence(self, carrier: str | None, progress: Status | None) -> int:
        """Return the longest silence allowed, in milliseconds."""
        name = carrier.strip().upper() if carrier else None
        for key in ((name, progress), (name, None), (None, progress), (None, None)):
            if key in self.hours:
                return int(self.hours[key] * HOUR)
        return _SILENCE_HOURS[progress] * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A stretch of time during which one thing was wrong.

    Attributes:
        leg: of the shipment, from 1.
        condition: what is wrong.
        opened_at: event time of the opening entry; for STALLED and LATE the deadline that passed.
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
        location: the last place that an update named.
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
        return tuple(c for c in CONDITIONS if c in now)

    @property
    def condition(self) -> Status | None:
        """The worst of what is wrong now."""
        return next(iter(self.conditions), None)


def fold(
    shipment_id: str,
    history: Iterable[Entry],
    mappings: Mappings = NO_MAPPINGS,
    *,
    thresholds: Thresholds | None = None,
    as_of: int | None = None,
) -> Shipment:
    """Return the state that a history amounts to.

    Args:
        shipment_id: whose.
        history: all its entries, in any order, duplicates or not.
        mappings: what unmapped codes mean.
        thresholds: how much silence is allowed; None leaves STALLED and LATE out.
        as_of: the instant at which STALLED and LATE are judged, epoch ms; without it only those
            that were over before the last update are known.
    """
    return Fold.of(shipment_id, history, mappings, thresholds).shipment(as_of)


class Fold:
    """A fold that is under way: the state so far, and what it takes to go on."""

    def __init__(
        self, shipment_id: str, mappings: Mappings, thresholds: Thresholds | None
    ) -> None:
        """Begin with an empty history."""
        self._id = shipment_id
        self._mappings = mappings
        self._thresholds = thresholds
        self._last_key: tuple[int, int, str, str] | None = None
        self._refs: dict[Ref, tuple[int, str]] = {}
        self._retractions: set[Ref] = set()
        self._conflicts = 0
        self._retracted = 0
        self._progress: Status | None = None
        self._progress_at: int | None = None
        self._leg = 1
        self._scanned = False
        self._ended = False
        self._open_since = 0
        self._eta: int | None = None
        self._eta_by: Ref = ("", "")
        self._location: Location | None = None
        self._carrier: str | None = None
        self._first: int | None = None
        self._last: int | None = None
        self._last_by: Ref = ("", "")
        self._updates = 0
        self._codes: dict[CodeKey, CodeUse] = {}
        self._closed: list[Episode] = []
        self._open: dict[tuple[int, Status], Episode] = {}
        self._muted: set[Status] = set()
        self._resolved: set[Status] = set()

    @classmethod
    def of(
        cls,
        shipment_id: str,
        history: Iterable[Entry],
        mappings: Mappings = NO_MAPPINGS,
        thresholds: Thresholds | None = None,
    ) -> Fold:
        """Fold a whole history."""
        self = cls(shipment_id, mappings, thresholds)
        facts: dict[Ref, Entry] = {}
        versions: set[tuple[Ref, int, str]] = set()
        for entry in history:
            ref = (entry.sender, entry.event_id)
            versions.add((ref, entry.event_time, entry.fingerprint))
            kept = facts.get(ref)
            if kept is None or _least(entry) < _least(kept):
                facts[ref] = entry
        self._refs = {ref: _least(entry) for ref, entry in facts.items()}
        self._conflicts = len(versions) - len(facts)
        self._retractions = {
            (e.sender, e.retracts) for e in facts.values() if isinstance(e, Retraction)
        }
        for entry in sorted(facts.values(), key=self.order):
            self._step(entry)
        return self

    def extend(self, entry: Entry) -> bool:
        """Take one more entry, if one step on top of the state gives what the full fold would.

        That is so where the entry is new, unretracted and last.

        Returns:
            False, with nothing changed, where the history has to be folded again.
        """
        ref = (entry.sender, entry.event_id)
        if (
            isinstance(entry, Retraction | CodeMapping)
            or ref in self._refs
            or self._is_retracted(entry)
            or (self._last_key is not None and self.order(entry) <= self._last_key)
        ):
            return False
        self._refs[ref] = _least(entry)
        self._step(entry)
        return True

    def shipment(self, as_of: int | None = None) -> Shipment:
        """Return the state; STALLED and LATE as of an instant, if one is given."""
        due = () if as_of is None else self._overdue(as_of + 1)
        episodes = (*self._closed, *self._open.values(), *due)
        return Shipment(
            shipment_id=self._id,
            progress=self._progress,
            progress_at=self._progress_at,
            leg=self._leg,
            eta=self._eta,
            location=self._location,
            carrier=self._carrier,
            first_event_time=self._first,
            last_event_time=self._last,
            updates=self._updates,
            conflicts=self._conflicts,
            retracted=self._retracted,
            codes=tuple(self._codes[key] for key in sorted(self._codes)),
            episodes=tuple(
                sorted(episodes, key=lambda e: (e.opened_at, e.leg, e.condition.severity))
                if len(episodes) > 1
                else episodes
            ),
        )

    def due(self, as_of: int) -> int | None:
        """Return the next instant after ``as_of`` at which silence or an ETA will matter."""
        return min((at for _, at, _ in self._deadlines() if at > as_of), default=None)

    def counts(self, update: ShipmentUpdate) -> bool:
        """Tell whether an update of the history counts: not taken back, and the least of its id."""
        ref = (update.sender, update.event_id)
        return not self._is_retracted(update) and self._refs.get(ref) == _least(update)

    def order(self, entry: Entry) -> tuple[int, int, str, str]:
        """Return an entry's place in the history: (event time, tie rank, event id, sender)."""
        rank = tie_rank(self.read(entry)) if isinstance(entry, ShipmentUpdate) else ACT_RANK
        return entry.event_time, rank, entry.event_id, entry.sender

    def read(self, update: ShipmentUpdate) -> Status:
        """Return what an update says, UNKNOWN being read through the mappings."""
        if update.status is not Status.UNKNOWN or not self._mappings:
            return update.status
        return self._mappings.get(code_key(update.carrier, update.code), Status.UNKNOWN)

    def _is_retracted(self, entry: Entry) -> bool:
        return isinstance(entry, ShipmentUpdate) and not self._retractions.isdisjoint(
            ((entry.sender, entry.event_id), (OPERATOR, entry.event_id))
        )

    def _step(self, entry: Entry) -> None:
        if isinstance(entry, Retraction | CodeMapping):
            return
        if self._is_retracted(entry):
            self._retracted += 1
            return
        self._last_key = self.order(entry)
        for episode in self._overdue(entry.event_time):
            self._open[episode.leg, episode.condition] = episode
        if isinstance(entry, Act):
            self._act(entry)
        else:
            self._update(entry)

    def _act(self, act: Act) -> None:
        match act.action:
            case Action.RESOLVE:
                self._resolved.add(act.condition)
            case Action.MUTE:
                self._muted.add(act.condition)
            case Action.UNMUTE:
                self._muted.discard(act.condition)
            case Action.ACK:
                pass
        for key, episode in list(self._open.items()):
            if episode.condition is not act.condition:
                continue
            match act.action:
                case Action.RESOLVE:
                    self._close(key, act.event_time)
                case Action.ACK:
                    self._open[key] = replace(episode, acknowledged=True)
                case Action.MUTE | Action.UNMUTE:
                    self._open[key] = replace(episode, muted=act.action is Action.MUTE)

    def _update(self, update: ShipmentUpdate) -> None:
        status = self.read(update)
        if update.status is Status.UNKNOWN:
            self._use_code(update, status)
        news = trigger(status)
        if status is Status.PICKED_UP and self._ended:
            news = Trigger.NEW_LEG
            self._leg += 1
            self._scanned = self._ended = False
            self._muted.clear()
        self._clear(news, status, update)
        if news in {Trigger.NEW_LEG, Trigger.RETURNING}:
            self._eta = None
        self._sign_of_life(update, status)
        if self._moves(status):
            self._progress_to(status, update.event_time)
        if status.kind is Kind.CONDITION:
            self._report(status, update)

    def _moves(self, status: Status) -> bool:
        if status.kind is Kind.PROGRESS and status.level < Status.PICKED_UP.level:
            return not (self._scanned or self._ended)
        return status.kind in {Kind.PROGRESS, Kind.TERMINAL}

    def _progress_to(self, status: Status, at: int) -> None:
        ends = status.kind is Kind.TERMINAL
        if self._has_ended() and not ends:
            self._open_since = at
        self._progress, self._progress_at = status, at
        self._ended |= ends
        self._scanned |= status.level >= Status.PICKED_UP.level and not ends

    def _has_ended(self) -> bool:
        return self._progress is not None and self._progress.kind is Kind.TERMINAL

    def _sign_of_life(self, update: ShipmentUpdate, status: Status) -> None:
        ref = (update.sender, update.event_id)
        self._updates += 1
        if self._first is None:
            self._first = update.event_time
        self._last, self._last_by = update.event_time, ref
        self._resolved.discard(Status.STALLED)
        self._carrier = update.carrier or self._carrier
        if update.eta is not None:
            self._eta, self._eta_by = update.eta, ref
            self._resolved.discard(Status.LATE)
        if update.location is not None and status is not Status.NOTE:
            self._location = update.location

    def _clear(self, news: Trigger, status: Status, update: ShipmentUpdate) -> None:
        if not self._open:
            return
        row = CLEARING[news]
        for key, episode in list(self._open.items()):
            cell = row[episode.condition]
            if (
                cell is Clears.YES
                or (cell is Clears.ADVANCED and status.level > episode.level)
                or (
                    cell is Clears.NEW_ETA
                    and update.eta is not None
                    and update.eta > update.event_time
                )
            ):
                self._close(key, update.event_time)

    def _close(self, key: tuple[int, Status], at: int) -> None:
        self._closed.append(replace(self._open.pop(key), resolved_at=at))

    def _report(self, condition: Status, update: ShipmentUpdate) -> None:
        key = (self._leg, condition)
        ref = (update.sender, update.event_id)
        episode = self._open.get(key)
        if episode is None:
            self._open[key] = self._episode(condition, update.event_time, ref, update)
        else:
            self._open[key] = replace(
                episode, members=(*episode.members, ref), newest=update.event_time
            )

    def _episode(
        self, condition: Status, at: int, ref: Ref, update: ShipmentUpdate | None = None
    ) -> Episode:
        return Episode(
            leg=self._leg,
            condition=condition,
            opened_at=at,
            opened_by=ref,
            level=self._progress.level if self._progress else -1,
            members=(ref,),
            newest=at,
            muted=condition in self._muted,
            location=update.location if update and update.location else self._location,
            carrier=self._carrier,
            reason_code=update.reason_code if update else None,
        )

    def _deadlines(self) -> list[tuple[Status, int, Ref]]:
        """Return what will become wrong by itself, when, and by which entry."""
        if self._thresholds is None or self._last is None or self._has_ended():
            return []
        deadlines = []
        if self._is_closed(Status.STALLED):
            allowed = self._thresholds.silence(self._carrier, self._progress)
            deadlines.append((Status.STALLED, self._last + allowed, self._last_by))
        if self._eta is not None and self._is_closed(Status.LATE):
            deadlines.append((Status.LATE, max(self._eta, self._open_since), self._eta_by))
        return deadlines

    def _is_closed(self, condition: Status) -> bool:
        return (self._leg, condition) not in self._open and condition not in self._resolved

    def _overdue(self, before: int) -> list[Episode]:
        if self._thresholds is None:
            return []
        return [self._episode(c, at, ref) for c, at, ref in self._deadlines() if at < before]

    def _use_code(self, update: ShipmentUpdate, status: Status) -> None:
        key = code_key(update.carrier, update.code)
        use = self._codes.get(key)
        self._codes[key] = CodeUse(
            carrier=use.carrier if use else update.carrier,
            code=use.code if use else update.code,
            status=status,
            count=use.count + 1 if use else 1,
            last_event_time=update.event_time,
        )


def _least(entry: Entry) -> tuple[int, str]:
    return entry.event_time, entry.fingerprint
