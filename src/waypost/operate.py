"""What an operator does and sees: acts, mappings, retractions, imports, replays, timelines.

The command line calls these on the data folder itself, on the tables of a stack, or through a
running server, which calls them too: one code, one meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from waypost.core import times
from waypost.core.entries import (
    MAPPINGS,
    OPERATOR,
    Action,
    Entry,
    Unread,
    act,
    from_json,
    location_json,
    mapping,
    retraction,
)
from waypost.core.errors import InvalidUpdate, NotFound, Problem
from waypost.core.fields import decode
from waypost.core.incidents import incident_json, incidents, shipment_json
from waypost.core.shipments import Fold, Shipment, Thresholds, read_mappings
from waypost.core.statuses import Status
from waypost.core.updates import Event, ShipmentUpdate, digest
from waypost.ports import Fate, Metric, Rejection
from waypost.record import Recorded, read_event, record, record_entries, reject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from waypost.ports import Clock, Metrics, Store

SOURCE: Final = "logistics.shipments"
"""The source that the rule matches, and the sender of what is put or imported by hand."""
DETAIL_TYPE: Final = "Shipment Update"
"""The detail-type that the rule matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The operator's hands on one store. Every method may raise what a `Store` raises."""

    store: Store
    clock: Clock
    metrics: Metrics
    thresholds: Thresholds

    def put(self, detail: object, raw: str) -> Recorded:
        """Record one update as if it had come over the bus now."""
        now = self.clock.now()
        event = Event(
            id=self.clock.new_id(),
            source=SOURCE,
            time=now // times.SECOND * times.SECOND,
            detail=detail,
            raw=raw,
        )
        [result] = record([event], store=self.store, metrics=self.metrics, now=now)
        return result

    def take(self, lines: Sequence[str], *, quiet: bool) -> list[Recorded]:
        """Import lines of JSON: exported entries, EventBridge events, or bare details, mixed.

        What is none of these is quarantined. A bare detail must say when it occurred, for a file
        has no envelope to take the time from.

        Args:
            lines: without their line ends.
            quiet: whether what they amount to shall alert nobody.

        Returns:
            What became of them, not in their order.
        """
        now = self.clock.now()
        entries: list[Entry] = []
        events: list[Event] = []
        refused: list[Rejection] = []
        for line in lines:
            bare = Event(id="line:" + digest(line), source=SOURCE, time=None, detail={}, raw=line)
            try:
                said = _read_line(bare, now)
            except InvalidUpdate as error:
                refused.append(reject(bare, error.problems, now))
            else:
                events.append(said) if isinstance(said, Event) else entries.append(said)
        store, metrics = self.store, self.metrics
        if refused:
            store.reject(refused)
            metrics.add(Metric.REJECTED, len(refused))
        return [
            *refused,
            *record_entries(entries, store=store, metrics=metrics, now=now, quiet=quiet),
            *record(events, store=store, metrics=metrics, now=now, quiet=quiet),
        ]

    def act(self, shipment_id: str, action: Action, condition: Status) -> Recorded:
        """Acknowledge, resolve, mute or unmute a condition of a shipment.

        Raises:
            NotFound: if there is no such shipment, or nothing open to acknowledge or resolve.
        """
        now = self.clock.now()
        shipment = self.shipment(shipment_id, now)
        acted_on = [
            e for e in shipment.episodes if e.condition is condition and e.resolved_at is None
        ]
        if not acted_on and action in {Action.ACK, Action.RESOLVE}:
            message = f"{shipment_id} has no open {condition} incident"
            raise NotFound(message)
        entry = act(
            shipment_id,
            action,
            condition,
            event_id=self.clock.new_id(),
            event_time=max(now, *(e.newest for e in acted_on)) if acted_on else now,
            record_time=now,
        )
        return self._record(entry)

    def map_code(self, carrier: str | None, code: str, status: Status) -> Recorded:
        """Say what a carrier's code means; all shipments that have it are derived anew."""
        now = self.clock.now()
        entry = mapping(
            carrier,
            code,
            status,
            event_id=self.clock.new_id(),
            event_time=now,
            record_time=now,
        )
        return self._record(entry)

    def retract(self, shipment_id: str, event_id: str, reason: str | None) -> Recorded:
        """Take back what a sender said, for good.

        Raises:
            NotFound: if the shipment has no update of that id.
        """
        history = self.store.history(shipment_id)
        updates = [e for e in history if isinstance(e, ShipmentUpdate | Unread)]
        if all(e.event_id != event_id for e in updates):
            message = f"{shipment_id} has no update with the event id {event_id}"
            raise NotFound(message)
        now = self.clock.now()
        entry = retraction(
            shipment_id, event_id, sender=OPERATOR, event_time=now, record_time=now, reason=reason
        )
        return self._record(entry)

    def replay(self, rejection_id: str) -> Recorded:
        """Try a rejected event again; if it is recorded now, it is settled.

        Raises:
            NotFound: if there is none of that id.
        """
        now = self.clock.now()
        rejection = self.store.rejection(rejection_id)
        event = Event(
            id=rejection.envelope_id,
            source=rejection.source,
            time=rejection.envelope_time,
            detail=None,
            raw=rejection.raw,
        )
        try:
            said = _read_line(event, now)
        except InvalidUpdate as error:
            return reject(event, error.problems, now)
        store, metrics = self.store, self.metrics
        if isinstance(said, Event):
            [result] = record([said], store=store, metrics=metrics, now=now)
        else:
            [result] = record_entries([said], store=store, metrics=metrics, now=now)
        if not isinstance(result, Rejection):
            self.store.settle(rejection_id, Fate.REPLAYED)
        return result

    def drop(self, rejection_id: str) -> None:
        """Settle a rejected event as not wanted; it stays in the file.

        Raises:
            NotFound: if there is none of that id.
        """
        self.store.settle(rejection_id, Fate.DROPPED)

    def shipment(self, shipment_id: str, as_of: int) -> Shipment:
        """Return the state of a shipment, folded now from the log itself.

        Raises:
            NotFound: if the log has nothing of it.
        """
        return self._fold(shipment_id)[0].shipment(as_of)

    def track(self, shipment_id: str) -> dict[str, Any]:
        """Return where a shipment is, what is wrong, and its timeline, as of now.

        Raises:
            NotFound: if the log has nothing of it.
        """
        fold, history = self._fold(shipment_id)
        shipment = fold.shipment(self.clock.now())
        return {
            **shipment_json(shipment),
            "updates": [
                _update_json(entry, fold)
                for entry in sorted(history, key=fold.order)
                if isinstance(entry, ShipmentUpdate)
            ],
            "incidents": [incident_json(incident) for incident in incidents(shipment)],
        }

    def _fold(self, shipment_id: str) -> tuple[Fold, list[Entry]]:
        history = self.store.history(shipment_id)
        if not history or shipment_id == MAPPINGS:
            message = f"no shipment {shipment_id}"
            raise NotFound(message)
        mappings = read_mappings(self.store.history(MAPPINGS))
        return Fold.of(shipment_id, history, mappings, self.thresholds), history

    def _record(self, entry: Entry) -> Recorded:
        [result] = record_entries(
            [entry], store=self.store, metrics=self.metrics, now=entry.record_time
        )
        return result


def derive(
    store: Store, thresholds: Thresholds | None = None, as_of: int | None = None
) -> Iterator[Shipment]:
    """Fold every shipment of the log, by shipment id, from the log itself.

    Without ``as_of`` nothing of it depends on a clock or on the order of arrival.
    """
    mappings = read_mappings(store.history(MAPPINGS))
    judged = thresholds if as_of is not None else None
    for shipment_id, history in groupby(store.entries(), key=lambda entry: entry.shipment_id):
        if shipment_id != MAPPINGS:
            yield Fold.of(shipment_id, history, mappings, judged).shipment(as_of)


def _read_line(event: Event, now: int) -> Event | Entry:
    value = decode(event.raw)
    if isinstance(value, dict) and event.time is None:
        if "kind" in value and "recordTime" in value:
            return from_json(value, now=now)
        if "detail-type" in value and "detail" in value:
            return _read_event(value, now)
    return Event(id=event.id, source=event.source, time=event.time, detail=value, raw=event.raw)


def _read_event(value: dict[str, Any], now: int) -> Event:
    event = read_event(value, now)
    if event.source != SOURCE or value["detail-type"] != DETAIL_TYPE:
        message = f"must have the source {SOURCE} and the detail-type {DETAIL_TYPE}"
        raise InvalidUpdate([Problem("", message)])
    return event


def _update_json(update: ShipmentUpdate, fold: Fold) -> dict[str, Any]:
    return {
        "eventId": update.event_id,
        "sender": update.sender,
        "status": fold.read(update),
        "statusWord": update.status_word,
        "statusCode": update.status_code,
        "reasonCode": update.reason_code,
        "eventTime": times.format_time(update.event_time),
        "recordTime": times.format_time(update.record_time),
        "zone": update.zone,
        "location": location_json(update.location),
        "carrier": update.carrier,
        "eta": None if update.eta is None else times.format_time(update.eta),
        "description": update.description,
        "counts": fold.counts(update),
    }
