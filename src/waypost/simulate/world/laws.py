"""What must hold of every home at its quiet points: each a function named after it.

A law yields what it found instead; nothing if it holds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar

from waypost.core.entries import identity
from waypost.core.incidents import incident_json, incidents, shipment_json
from waypost.core.shipments import Episode, Fold, Ref, read_mappings
from waypost.core.statuses import Kind, Status
from waypost.core.times import parse_time
from waypost.ports import AlertKind

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from waypost.core.entries import Entry
    from waypost.simulate.world.seen import Seen

_World = TypeVar("_World")
Law = Callable[[_World], Iterator[str]]

_EVEN_IF_OVER: Final = frozenset({Status.LOST, Status.DAMAGED})
DERIVED: Final = frozenset(s.value for s in Status if s.kind is Kind.DERIVED)
"""Conditions that nobody reports: they follow from silence."""
_ORDERS: Final = 3
"""In so many other orders is each history folded."""


def every_update_is_kept_once(world: Seen) -> Iterator[str]:
    """Every accepted update is in the log exactly once, or in quarantine, or waits for an operator."""
    times = Counter(identity(entry) for entry in world.log)
    for key, count in times.items():
        if count > 1:
            yield f"{key} is in the log {count} times"
    quarantined, given_up = set(world.quarantined), world.given_up
    for event_id, update in world.read(world.accepted):
        if update is not None and identity(update) in times:
            continue
        if event_id not in quarantined and f'"{event_id}"' not in given_up:
            yield f"{event_id} is nowhere"
    for deed in world.done:
        if identity(deed.entry) not in times:
            yield f"{deed.entry.event_id} of the operator is not in the log"


def nothing_is_made_up(world: Seen) -> Iterator[str]:
    """Nothing is in the log or in quarantine that was not sent, and it is as it was sent."""
    updates = dict(world.read(world.tried))
    sent = {_content(update) for update in updates.values() if update is not None}
    sent |= {_content(deed.entry) for deed in world.scenario.deeds}
    for entry in world.log:
        if _content(entry) not in sent:
            yield f"{entry.event_id} of {entry.shipment_id} is in the log and was not sent like that"
    for event_id in world.quarantined:
        if event_id not in updates:
            yield f"{event_id} is in quarantine and was not sent"


def _content(entry: Entry) -> Entry:
    return replace(entry, record_time=0)


def state_is_the_fold_of_the_log(world: Seen) -> Iterator[str]:
    """The saved state is, byte for byte, the fold of the set of entries, in whatever order (I1)."""
    mappings = read_mappings(world.log)
    states, histories = world.states, world.histories
    for shipment_id in sorted(states.keys() ^ histories.keys()):
        yield f"{shipment_id} has a state or entries, and not both"
    for shipment_id in sorted(states.keys() & histories.keys()):
        history = histories[shipment_id]
        saved = _text(states[shipment_id].shipment), _text(states[shipment_id].incidents)
        for entries in (history, *(_rearranged(history, chance) for chance in range(_ORDERS))):
            fold = Fold.of(shipment_id, entries, mappings, world.thresholds)
            shipment = fold.shipment(world.kernel.now)
            cases = [incident_json(incident) for incident in incidents(shipment)]
            expected = _text(shipment_json(shipment)), _text(cases)
            if saved != expected:
                yield f"{shipment_id} is saved as {saved}, and its log amounts to {expected}"
                break


def _rearranged(history: Sequence[Entry], seed: int) -> list[Entry]:
    """Return a history as it might have come just as well: in another order, at other times."""
    rng = Random(seed)
    times = [entry.record_time for entry in history]
    rng.shuffle(times)
    pairs = list(zip(history, times, strict=True))
    rng.shuffle(pairs)
    return [replace(entry, record_time=time) for entry, time in pairs]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def a_journey_ends_where_it_did(world: Seen) -> Iterator[str]:
    """A shipment is where its journey has come to, if all of that was said and nothing else."""
    late = _refused(world)
    states = world.states
    for shipment_id, (progress, leg) in world.scenario.endings.items():
        if shipment_id in states and shipment_id not in late:
            state = states[shipment_id].shipment
            if (state["progress"], state["leg"]) != (progress, leg):
                said = f"{state['progress']} on leg {state['leg']}"
                yield f"{shipment_id} is said to be {said}, and is {progress} on leg {leg}"


def _refused(world: Seen) -> set[str]:
    """Return the shipments of which a good update was refused, by a clock that was days behind."""
    rejected, updates = set(world.quarantined), world.read(world.accepted)
    return {u.shipment_id for event_id, u in updates if event_id in rejected and u is not None}


def every_open_incident_is_covered(world: Seen) -> Iterator[str]:
    """Every open critical episode is covered, muted, acknowledged or quiet (I2)."""
    mappings = read_mappings(world.log)
    states, quiet = world.states, world.quiet
    for shipment_id, history in world.histories.items():
        fold = Fold.of(shipment_id, history, mappings, world.thresholds)
        told = states[shipment_id].told if shipment_id in states else frozenset()
        for episode in fold.shipment(world.kernel.now).episodes:
            if _calls_for_alert(episode) and not _is_covered(
                episode, told, quiet.get(shipment_id, frozenset())
            ):
                yield f"nobody was told that {shipment_id} is {episode.condition}"


def _calls_for_alert(episode: Episode) -> bool:
    return (
        episode.condition.critical
        and not (episode.acknowledged or episode.muted)
        and (episode.resolved_at is None or episode.condition in _EVEN_IF_OVER)
    )


def _is_covered(
    episode: Episode, told: AbstractSet[tuple[str, str, str]], quiet: AbstractSet[Ref]
) -> bool:
    return any((episode.condition.value, *ref) in told or ref in quiet for ref in episode.members)


def nobody_hears_again(world: Seen) -> Iterator[str]:
    """To fold everything again, or to send everything again, alerts nobody (I4)."""
    since, count = world.marked
    late = _refused(world)
    later = [m for m in world.messages[count:] if m.kind is AlertKind.INCIDENT]
    for alert in chain.from_iterable(message.alerts for message in later):
        is_due = parse_time(alert["openedAt"])[0] >= since
        is_new = alert["condition"] in DERIVED and is_due
        if not is_new and alert["shipmentId"] not in late:
            yield f"{alert['key']} was sent again"
