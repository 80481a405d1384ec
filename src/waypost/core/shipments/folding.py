"""The fold: a shipment's whole history in, where it is and what is wrong with it out.

``state = fold(history, mappings[, thresholds, as_of])``, and a history is a *set*: no order of
arrival, duplicate, split or replay can change the state. The fold

1. keeps one fact per (sender, event id): the least by (event time, UNKNOWN or not, fingerprint);
2. drops what a retraction names;
3. reads UNKNOWN through the code mappings;
4. sorts by (event time, tie rank, event id, sender);
5. steps through them, clearing by the table in `waypost.core.statuses`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from waypost.core.entries import (
    OPERATOR,
    Act,
    Action,
    CodeMapping,
    Entry,
    Retraction,
    Unread,
)
from waypost.core.shipments.mappings import NO_MAPPINGS, CodeKey, Mappings, code_key
from waypost.core.shipments.state import CodeUse, Episode, Ref, Shipment
from waypost.core.statuses import (
    ACT_RANK,
    CLEARING,
    Clears,
    Kind,
    Status,
    Trigger,
    trigger,
)
from waypost.core.updates import Location, ShipmentUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from waypost.core.shipments.thresholds import Thresholds

_Fact = ShipmentUpdate | Act
_Content = tuple[int, bool, str]  # what a fact says: of those that bear one id, the least is kept
_Key = tuple[int, Status]
_Deadline = tuple[Status, int, Ref]
_NO_REF: Final[Ref] = ("", "")


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
            that were due before the last entry are known.

    Raises:
        NewerEntry: if this version cannot read all of it.
    """
    return Fold.of(shipment_id, history, mappings, thresholds).shipment(as_of)


class Fold:
    """A fold that is under way: the state so far, and what it takes to go on."""

    def __init__(self, shipment_id: str, mappings: Mappings, thresholds: Thresholds | None) -> None:
        """Begin with an empty history."""
        # Thousands are kept in memory: what most of them lack takes none, being a constant.
        self._id = shipment_id
        self._mappings = mappings
        self._thresholds = thresholds
        self._last_key: tuple[int, int, str, str] | None = None
        self._refs: dict[Ref, _Content] = {}
        self._retractions: frozenset[Ref] = frozenset()
        self._conflicts = 0
        self._retracted = 0
        self._progress: Status | None = None
        self._progress_at: int | None = None
        self._leg = 1
        self._scanned = False
        self._ended = False
        self._eta: int | None = None
        self._eta_by: Ref = _NO_REF
        self._eta_since = 0
        self._location: Location | None = None
        self._carrier: str | None = None
        self._first: int | None = None
        self._last: int | None = None
        self._last_by: Ref = _NO_REF
        self._updates = 0
        self._codes: dict[CodeKey, CodeUse] = {}
        self._closed: tuple[Episode, ...] = ()
        self._open: dict[_Key, Episode] = {}
        self._muted: frozenset[Status] = frozenset()
        self._resolved: frozenset[Status] = frozenset()
        self._deadlines: list[_Deadline] = []

    @classmethod
    def of(
        cls,
        shipment_id: str,
        history: Iterable[Entry],
        mappings: Mappings = NO_MAPPINGS,
        thresholds: Thresholds | None = None,
    ) -> Fold:
        """Fold a whole history.

        Raises:
            NewerEntry: if this version cannot read all of it.
        """
        self = cls(shipment_id, mappings, thresholds)
        retractions: set[Ref] = set()
        facts: dict[Ref, _Fact] = {}
        others: set[tuple[Ref, _Content]] = set()
        for entry in history:
            if isinstance(entry, Unread):
                raise entry.error
            if isinstance(entry, Retraction):
                retractions.add((entry.sender, entry.retracts))
                continue
            if isinstance(entry, CodeMapping):
                continue
            ref = (entry.sender, entry.event_id)
            kept = facts.setdefault(ref, entry)
            if kept is not entry:
                others |= {(ref, _least(entry)), (ref, _least(kept))}
                facts[ref] = min(kept, entry, key=_least)
        self._retractions = frozenset(retractions)
        self._conflicts = len(others) - len({ref for ref, _ in others})
        self._refs = {ref: _least(fact) for ref, fact in facts.items()}
        for fact in sorted(facts.values(), key=self.order):
            self._step(fact)
        return self

    def extend(self, entry: Entry) -> bool:
        """Take one more entry, if one step on top of the state gives what the full fold would.

        That is so where the entry is new, unretracted and last.

        Returns:
            False, with nothing changed, where the history has to be folded again.
        """
        ref = (entry.sender, entry.event_id)
        if (
            isinstance(entry, Retraction | CodeMapping | Unread)
            or ref in self._refs
            or self._is_retracted(entry)
            or (self._last_key is not None and self.order(entry) < self._last_key)
        ):
            return False
        self._refs[ref] = _least(entry)
        self._step(entry)
        return True

    def shipment(self, as_of: int | None = None) -> Shipment:
        """Return the state; STALLED and LATE as of an instant, if one is given."""
        episodes = [*self._closed, *self._open.values()]
        if as_of is not None and self._thresholds is not None:
            # An entry dated ahead of now may have opened what is not due yet.
            episodes = [e for e in episodes if e.opened_at <= as_of or not _is_derived(e)]
            episodes += self._overdue(as_of)
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
            ),
        )

    def due(self, as_of: int) -> int | None:
        """Return the next instant after ``as_of`` at which silence or an ETA will matter."""
        ahead = [episode.opened_at for episode in (*self._closed, *self._open.values())]
        ahead += [at for _, at, _ in self._deadlines]
        return min((at for at in ahead if at > as_of), default=None)

    def counts(self, update: ShipmentUpdate) -> bool:
        """Tell whether an update of the history counts: not taken back, and the least of its id."""
        ref = (update.sender, update.event_id)
        return not self._is_retracted(update) and self._refs.get(ref) == _least(update)

    def order(self, entry: Entry) -> tuple[int, int, str, str]:
        """Return an entry's place in the history: (event time, tie rank, event id, sender)."""
        rank = self.read(entry).tie_rank if isinstance(entry, ShipmentUpdate) else ACT_RANK
        return entry.event_time, rank, entry.event_id, entry.sender

    def read(self, update: ShipmentUpdate) -> Status:
        """Return what an update says, UNKNOWN being read through the mappings."""
        if update.status is not Status.UNKNOWN or not self._mappings:
            return update.status
        means = self._mappings.get(code_key(update.carrier, update.code), Status.UNKNOWN)
        if isinstance(means, Unread):
            raise means.error
        return means

    def _is_retracted(self, fact: _Fact) -> bool:
        return (
            bool(self._retractions)
            and isinstance(fact, ShipmentUpdate)
            and not self._retractions.isdisjoint(
                ((fact.sender, fact.event_id), (OPERATOR, fact.event_id))
            )
        )

    def _step(self, fact: _Fact) -> None:
        if self._is_retracted(fact):
            self._retracted += 1
            return
        self._last_key = self.order(fact)
        # An update at the very deadline is in time; an act comes after all of its millisecond.
        is_act = isinstance(fact, Act)
        for episode in self._overdue(fact.event_time if is_act else fact.event_time - 1):
            self._open[episode.leg, episode.condition] = episode
        if isinstance(fact, Act):
            self._act(fact)
        else:
            self._update(fact)
        self._deadlines = self._find_deadlines()

    def _act(self, act: Act) -> None:
        match act.action:
            case Action.RESOLVE:
                self._resolved |= {act.condition}
            case Action.MUTE:
                self._muted |= {act.condition}
            case Action.UNMUTE:
                self._muted -= {act.condition}
            case Action.ACK:
                pass
        for key in [key for key in self._open if key[1] is act.condition]:
            self._act_on(key, act)

    def _act_on(self, key: _Key, act: Act) -> None:
        match act.action:
            case Action.RESOLVE:
                self._close(key, act.event_time)
            case Action.ACK:
                self._open[key] = replace(self._open[key], acknowledged=True)
            case Action.MUTE | Action.UNMUTE:
                self._open[key] = replace(self._open[key], muted=act.action is Action.MUTE)

    def _update(self, update: ShipmentUpdate) -> None:
        status = self.read(update)
        if update.status is Status.UNKNOWN:
            self._use_code(update, status)
        news = trigger(status)
        if status is Status.PICKED_UP and self._ended:
            news = Trigger.NEW_LEG
            self._leg += 1
            self._ended = False
            self._muted = frozenset()
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
            self._eta_since = at
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
        self._resolved -= {Status.STALLED}
        if update.eta is not None:
            self._eta, self._eta_by, self._eta_since = update.eta, ref, update.event_time
            self._resolved -= {Status.LATE}
        if status is not Status.NOTE:
            self._carrier = update.carrier or self._carrier
            self._location = update.location or self._location

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

    def _close(self, key: _Key, at: int) -> None:
        self._closed += (replace(self._open.pop(key), resolved_at=at),)

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

    def _find_deadlines(self) -> list[_Deadline]:
        """Return what will become wrong by itself, when, and by which entry."""
        if self._thresholds is None or self._last is None or self._has_ended():
            return []
        deadlines = []
        if self._is_closed(Status.STALLED):
            allowed = self._thresholds.silence(self._carrier, self._progress)
            deadlines.append((Status.STALLED, self._last + allowed, self._last_by))
        if self._eta is not None and self._is_closed(Status.LATE):
            # Not before the estimate was made, or the shipment was under way again.
            deadlines.append((Status.LATE, max(self._eta, self._eta_since), self._eta_by))
        return deadlines

    def _is_closed(self, condition: Status) -> bool:
        return (self._leg, condition) not in self._open and condition not in self._resolved

    def _overdue(self, as_of: int) -> list[Episode]:
        return [self._episode(c, at, ref) for c, at, ref in self._deadlines if at <= as_of]

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


def _least(fact: _Fact) -> _Content:
    # A word that was unknown once is known to later versions: what says more is the fact.
    is_unknown = isinstance(fact, ShipmentUpdate) and fact.status is Status.UNKNOWN
    return fact.event_time, is_unknown, fact.fingerprint


def _is_derived(episode: Episode) -> bool:
    return episode.condition.kind is Kind.DERIVED
