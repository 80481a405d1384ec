"""Stage 1, record: an event becomes a log entry or a reasoned rejection, once and for ever.

Nothing else happens here: no alert, no fold, no call to anything but the store can delay or lose
an update.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from waypost.core import times
from waypost.core.entries import OPERATOR, to_json
from waypost.core.errors import InvalidUpdate, Problem
from waypost.core.fields import MISSING, Fields
from waypost.core.updates import EVENT_ID_LIMIT, Event, ShipmentUpdate, digest, parse
from waypost.ports import Metric, Outcome, Rejection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from waypost.core.entries import Entry
    from waypost.ports import Metrics, Store

Recorded = Outcome | Rejection
"""What became of an event: appended, a duplicate, or kept in quarantine."""

_REPLAY: Final = "replay-name"
"""EventBridge gives this member to an event that it replays from an archive, and to no other.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
"""
_KEY_FULL = Problem("", "too many other entries of this shipment have the same time")


def record(
    events: Sequence[Event], *, store: Store, metrics: Metrics, now: int, quiet: bool = False
) -> list[Recorded]:
    """Record events, or quarantine those that are no updates; all is durable when it returns.

    Args:
        events: what came in; an event that was recorded before is a duplicate, and success.
        store: where to.
        metrics: counts what happened, once it is durable.
        now: the time at which they are recorded, epoch ms.
        quiet: whether what they amount to shall alert nobody.

    Returns:
        What became of each, in their order.

    Raises:
        StoreUnavailable: it is not known what was recorded; sending all again is safe.
        StoreUnusable: likewise, and a retry cannot help.
    """
    judged = [_judge(event, now) for event in events]
    updates = [j for j in judged if isinstance(j, ShipmentUpdate)]
    outcomes = iter(store.append(updates, quiet=quiet) if updates else ())
    results = [
        _settle(event, next(outcomes), now) if isinstance(j, ShipmentUpdate) else j
        for event, j in zip(events, judged, strict=True)
    ]
    _quarantine(results, store)
    _count(zip(judged, results, strict=True), metrics)
    return results


def record_entries(
    entries: Sequence[Entry], *, store: Store, metrics: Metrics, now: int, quiet: bool = False
) -> list[Recorded]:
    """Record what is an entry already: an operator's acts and mappings, an export read again.

    Args, result and errors are as for `record`.
    """
    outcomes = store.append(entries, quiet=quiet)
    results = [
        _settle(_as_event(entry), outcome, now) if outcome is Outcome.KEY_FULL else outcome
        for entry, outcome in zip(entries, outcomes, strict=True)
    ]
    _quarantine(results, store)
    _count(zip(entries, results, strict=True), metrics)
    return results


def read_event(value: object, now: int) -> Event:
    """Read the JSON of an EventBridge event, as the bus hands it to its targets.

    Raises:
        InvalidUpdate: if it is none; with all the problems of the envelope, not of the detail.
    """
    fields = Fields(value)
    event_id = fields.text("id", EVENT_ID_LIMIT, required=True)
    source = fields.text("source", EVENT_ID_LIMIT, required=True)
    if source == OPERATOR:
        fields.note("source", f"must not be {OPERATOR}, which sends no updates")
    latest = now + times.MAX_AHEAD
    words = "more than a day ahead of now"
    time = fields.time("time", latest=latest, latest_words=words, required=True)
    if "detail" not in fields:
        fields.note("detail", MISSING)
    fields.check()
    detail = fields.get("detail")
    return Event(
        id=event_id or "",
        source=source or "",
        time=time[0] if time else None,
        detail=detail,
        raw=json.dumps(detail),
        is_replay=_REPLAY in fields,
    )


def reject(event: Event, problems: Iterable[Problem], now: int) -> Rejection:
    """Return the rejection of an event; its id is the same for the same delivery."""
    return Rejection(
        rejection_id=digest(event.source, event.id, event.raw)[:16],
        record_time=now,
        source=event.source,
        envelope_id=event.id,
        envelope_time=event.time,
        raw=event.raw,
        problems=tuple(problems),
    )


def _judge(event: Event, now: int) -> ShipmentUpdate | Rejection:
    try:
        return parse(event, now=now)
    except InvalidUpdate as error:
        return reject(event, error.problems, now)


def _settle(event: Event, outcome: Outcome, now: int) -> Recorded:
    return reject(event, [_KEY_FULL], now) if outcome is Outcome.KEY_FULL else outcome


def _as_event(entry: Entry) -> Event:
    raw = json.dumps(to_json(entry))
    return Event(id=entry.event_id, source=entry.sender, time=None, detail={}, raw=raw)


def _quarantine(results: Sequence[Recorded], store: Store) -> None:
    rejections = [r for r in results if isinstance(r, Rejection)]
    if rejections:
        store.reject(rejections)


def _count(recorded: Iterable[tuple[object, Recorded]], metrics: Metrics) -> None:
    for said, result in recorded:
        if isinstance(result, Rejection):
            metrics.add(Metric.REJECTED)
        elif result is Outcome.DUPLICATE:
            metrics.add(Metric.DUPLICATES)
        elif isinstance(said, ShipmentUpdate):
            metrics.add(Metric.UPDATES, 1, said.status.value)
