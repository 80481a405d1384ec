"""What must hold at every quiet point, whatever went wrong: each a function named after it.

An invariant yields what it found instead; nothing if it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from waypost.core.entries import MAPPINGS, identity
from waypost.core.errors import WaypostError
from waypost.core.fields import decode
from waypost.core.incidents import incident_json, incidents, shipment_json
from waypost.core.shipments import Episode, Fold, Ref, read_mappings
from waypost.core.statuses import Kind, Status
from waypost.core.times import parse_time
from waypost.core.updates import ShipmentUpdate
from waypost.ports import AlertKind, Metric
from waypost.simulate.world.aws import LOGS, REJECTED, STATE
from waypost.simulate.world.faults import FaultKind
from waypost.simulate.world.running import World
from waypost.simulate.world.scenario import START
from waypost.simulate.world.shipped import number
from waypost.simulate.world.stream import SHARDS
from waypost.simulate.world.watching import Published, ToldRef, read_metrics, read_told
from waypost.stores.dynamodb.items import read_entry
from waypost.stores.dynamodb.texts import pack_json, unpack, unpack_json

if TYPE_CHECKING:
    from waypost.core.entries import Entry

Check = Callable[[World], Iterator[str]]

_EVEN_IF_OVER: Final = frozenset({Status.LOST, Status.DAMAGED})
_ORDERS: Final = 3
"""In so many other orders is each history folded."""
_DERIVED: Final = frozenset(s.value for s in Status if s.kind is Kind.DERIVED)
_UNKNOWN_END: Final = frozenset(
    {
        FaultKind.CRASH_BEFORE,
        FaultKind.CRASH_AFTER,
        FaultKind.ANSWER_LOST,
        FaultKind.LATE,
        FaultKind.TWICE,
        FaultKind.SLOW,
        FaultKind.ZOMBIE,
    }
)
"""After these, a function may have done what it could not count."""


def every_update_is_kept_once(world: World) -> Iterator[str]:
    """Every accepted update is in the log exactly once, or in quarantine, or in a dead-letter queue."""
    times = Counter(identity(entry) for entry in world.log)
    for key, count in times.items():
        if count > 1:
            yield f"{key} is in the log {count} times"
    quarantined = set(_quarantined(world))
    dead = "".join(body for bodies in world.home.dead_letters.values() for body in bodies)
    for event_id, update in world.updates():
        if update is not None and identity(update) in times:
            continue
        if event_id not in quarantined and f'"{event_id}"' not in dead:
            yield f"{event_id} is nowhere"
    for deed in world.done:
        if identity(deed.entry) not in times:
            yield f"{deed.entry.event_id} of the operator is not in the log"


def nothing_is_made_up(world: World) -> Iterator[str]:
    """Nothing is in the log or in quarantine that was not sent, and it is as it was sent."""
    sent = {_content(update) for _, update in world.updates() if update is not None}
    sent |= {_content(deed.entry) for deed in world.scenario.deeds}
    for entry in world.log:
        if _content(entry) not in sent:
            yield f"{entry.event_id} of {entry.shipment_id} is in the log and was not sent like that"
    accepted = {sending.event["id"] for sending in world.accepted}
    for event_id in _quarantined(world):
        if event_id not in accepted:
            yield f"{event_id} is in quarantine and was not sent"


def _quarantined(world: World) -> Iterator[str]:
    """Yield the ids of the events in quarantine: some are there whole, with their envelope."""
    for item in world.home.items(REJECTED):
        raw = decode(unpack(item["rawEvent"]))
        if isinstance(raw, dict) and "detail-type" in raw:
            yield str(raw["id"])
        else:
            yield item["envelopeId"]["S"]


def _content(entry: Entry) -> Entry:
    return replace(entry, record_time=0)


def state_is_the_fold_of_the_log(world: World) -> Iterator[str]:
    """The saved state is, byte for byte, the fold of the set of entries, in whatever order (I1)."""
    mappings = read_mappings(world.log)
    states = {item["shipmentId"]["S"]: item for item in world.home.items(STATE)}
    histories = world.histories
    for shipment_id in states.keys() ^ histories.keys():
        yield f"{shipment_id} has a state or entries, and not both"
    for shipment_id in sorted(states.keys() & histories.keys()):
        history = histories[shipment_id]
        saved = tuple(unpack(states[shipment_id][part]) for part in ("state", "incidents"))
        for entries in (history, *(_rearranged(history, chance) for chance in range(_ORDERS))):
            shipment = Fold.of(shipment_id, entries, mappings, world.thresholds).shipment(
                world.kernel.now
            )
            cases = [incident_json(incident) for incident in incidents(shipment)]
            expected = tuple(unpack(pack_json(part)) for part in (shipment_json(shipment), cases))
            if saved != expected:
                yield f"{shipment_id} is saved as {saved}, and its log amounts to {expected}"
                break


def _rearranged(history: list[Entry], seed: int) -> list[Entry]:
    """Return a history as it might have come just as well: in another order, at other times."""
    rng = Random(seed)
    times = [entry.record_time for entry in history]
    rng.shuffle(times)
    pairs = list(zip(history, times, strict=True))
    rng.shuffle(pairs)
    return [replace(entry, record_time=time) for entry, time in pairs]


def a_journey_ends_where_it_did(world: World) -> Iterator[str]:
    """A shipment is where its journey has come to, if all of that was said and nothing else."""
    late = _refused(world)
    states = {item["shipmentId"]["S"]: item for item in world.home.items(STATE)}
    for shipment_id, (progress, leg) in world.scenario.endings.items():
        if shipment_id in states and shipment_id not in late:
            state = unpack_json(states[shipment_id]["state"])
            if (state["progress"], state["leg"]) != (progress, leg):
                said = f"{state['progress']} on leg {state['leg']}"
                yield f"{shipment_id} is said to be {said}, and is {progress} on leg {leg}"


def _refused(world: World) -> set[str]:
    """Return the shipments of which a good update was refused, by a clock that was days behind."""
    rejected = set(_quarantined(world))
    return {u.shipment_id for i, u in world.updates() if i in rejected and u is not None}


def every_open_incident_is_covered(world: World) -> Iterator[str]:
    """Every open critical episode is covered, muted, acknowledged or quiet (I2)."""
    mappings = read_mappings(world.log)
    told = {item["shipmentId"]["S"]: read_told(item) for item in world.home.items(STATE)}
    quiet = _quiet_refs(world)
    for shipment_id, history in world.histories.items():
        shipment = Fold.of(shipment_id, history, mappings, world.thresholds).shipment(
            world.kernel.now
        )
        for episode in shipment.episodes:
            if _calls_for_alert(episode) and not _is_covered(
                episode, told.get(shipment_id, frozenset()), quiet.get(shipment_id, frozenset())
            ):
                yield f"nobody was told that {shipment_id} is {episode.condition}"


def _calls_for_alert(episode: Episode) -> bool:
    return (
        episode.condition.critical
        and not (episode.acknowledged or episode.muted)
        and (episode.resolved_at is None or episode.condition in _EVEN_IF_OVER)
    )


def _is_covered(episode: Episode, told: frozenset[ToldRef], quiet: frozenset[Ref]) -> bool:
    return any((episode.condition.value, *ref) in told or ref in quiet for ref in episode.members)


def _quiet_refs(world: World) -> dict[str, frozenset[Ref]]:
    refs: dict[str, frozenset[Ref]] = {}
    for item in world.home.items(LOGS):
        if "quiet" in item:
            ref = (item["sender"]["S"], item["eventId"]["S"])
            shipment_id = item["shipmentId"]["S"]
            refs[shipment_id] = refs.get(shipment_id, frozenset()) | {ref}
    return refs


def who_counts_as_told_was_told(world: World) -> Iterator[str]:
    """Nobody counts as told of an incident before a message about one of that shipment took effect."""
    if any(published.is_cut for published in world.home.watch.published):
        return  # a message that lists fifty stands for all of its storm
    first: dict[tuple[str, str], int] = {}
    for published in world.home.watch.published:
        for alert in published.message.alerts:
            first.setdefault((alert["shipmentId"], alert["condition"]), published.at)
    quiet = _quiet_refs(world)
    for shipment_id, saves in world.home.watch.saves.items():
        for save in saves:
            for condition, sender, ref in save.told:
                at = first.get((shipment_id, condition))
                is_told = at is not None and at <= save.at
                if not is_told and not quiet.get(shipment_id):
                    yield f"{shipment_id} was saved as told of {condition} ({sender} {ref}): untrue"


def an_alert_comes_once(world: World) -> Iterator[str]:
    """Nobody is alerted of an episode that the sender knew somebody had been told of (I3)."""
    for published in world.home.watch.published:
        for alert in published.message.alerts:
            members = _members(world, alert, published)
            known = published.knowledge.told.get(alert["shipmentId"], frozenset())
            if members & known:
                yield f"{alert['key']} was sent again, though the state said who was told"


def _members(world: World, alert: dict[str, Any], published: Published) -> frozenset[ToldRef]:
    """Return the members of the episode that an alert is about, as its sender had read them."""
    items = published.knowledge.items
    history = [read_entry(item) for item in items.get(alert["shipmentId"], ())]
    mappings = read_mappings(read_entry(item) for item in items.get(MAPPINGS, ()))
    fold = Fold.of(alert["shipmentId"], history, mappings, world.thresholds)
    opening = (alert["sender"], alert["eventId"])
    return frozenset(
        (episode.condition.value, *ref)
        for episode in fold.shipment(published.message.created_at).episodes
        if episode.opened_by == opening and episode.condition == alert["condition"]
        for ref in episode.members
    )


def nobody_hears_again(world: World) -> Iterator[str]:
    """To fold everything again, or to send everything again, alerts nobody (I4)."""
    since, count = world.marked
    late = _refused(world)
    for published in world.home.watch.published[count:]:
        for alert in published.message.alerts:
            is_due = parse_time(alert["openedAt"])[0] >= since
            is_new = alert["condition"] in _DERIVED and is_due
            if not is_new and alert["shipmentId"] not in late:
                yield f"{alert['key']} was sent again"


def a_storm_is_a_handful_of_messages(world: World) -> Iterator[str]:
    """A storm is one message a window and shard, and one more each time a batch is full."""
    if not world.scenario.is_storm:
        return
    messages = [p for p in world.home.watch.published if p.message.kind is AlertKind.INCIDENT]
    window = 1_000 * number("NotifierMapping", "MaximumBatchingWindowInSeconds")
    windows = (world.scenario.end - START) // window + 2
    full = len(world.accepted) // number("NotifierMapping", "BatchSize")
    if len(messages) > SHARDS * windows + full:
        yield f"{len(world.accepted)} incidents were {len(messages)} messages"
    told = sum(sum(p.message.counts.values()) for p in messages)
    if told != len(world.histories):
        yield f"{len(world.histories)} incidents were counted as {told}"


def nothing_is_in_flight(world: World) -> Iterator[str]:
    """After a redrive and a quiet time nothing is under way and no queue holds anything."""
    if not world.is_at_rest:
        yield "something is still under way"
    for name, bodies in world.home.dead_letters.items():
        if bodies:
            yield f"{name} holds {len(bodies)} messages"


def functions_raise_only_their_own_errors(world: World) -> Iterator[str]:
    """A function fails only where a service did: with an error of ours that says so."""
    for function in world.home.functions.values():
        for error in function.errors:
            if not isinstance(error, WaypostError):
                yield f"{function.name} raised {error!r}"


def numbers_are_true(world: World) -> Iterator[str]:
    """Metrics say what happened: exactly, or within one batch for each call that was lost."""
    logs = {name: read_metrics(f.logs) for name, f in world.home.functions.items()}
    recorded = sum(
        value for (name, _), value in logs["processor"].items() if name == Metric.UPDATES.value
    )
    imported = {identity(deed.entry) for deed in world.done}
    kept = [e for e in world.log if isinstance(e, ShipmentUpdate) and identity(e) not in imported]
    slack = number("IngestMapping", "BatchSize") * _lost(world, "processor")
    if abs(recorded - len(kept)) > slack:
        yield f"{recorded:g} updates were counted, {len(kept)} are in the log (within {slack})"
    raised = sum(
        value
        for name in ("notifier", "sweep")
        for (metric, _), value in logs[name].items()
        if metric == Metric.ALERTS.value
    )
    told = sum(
        sum(p.message.counts.values())
        for p in world.home.watch.published
        if p.message.kind is AlertKind.INCIDENT
    )
    slack = number("NotifierMapping", "BatchSize") * _lost(world, "notifier", "sweep")
    if abs(raised - told) > slack:
        yield f"{raised:g} alerts were counted, {told} were sent (within {slack})"


def _lost(world: World, *actors: str) -> int:
    return sum(
        actor in actors and fault.kind in _UNKNOWN_END
        for (actor, _), fault in world.calls.struck.items()
    )


AT_REST: Final[tuple[Check, ...]] = (
    every_update_is_kept_once,
    nothing_is_made_up,
    who_counts_as_told_was_told,
    an_alert_comes_once,
    functions_raise_only_their_own_errors,
)
"""What holds at every quiet point."""
MENDED: Final[tuple[Check, ...]] = (
    *AT_REST,
    nothing_is_in_flight,
    state_is_the_fold_of_the_log,
    a_journey_ends_where_it_did,
    every_open_incident_is_covered,
    numbers_are_true,
    a_storm_is_a_handful_of_messages,
)
"""What holds once the operator has sent on all dead letters."""
AGAIN: Final[tuple[Check, ...]] = (
    every_update_is_kept_once,
    nothing_is_made_up,
    nobody_hears_again,
    state_is_the_fold_of_the_log,
    nothing_is_in_flight,
)
"""What holds after everything was folded or sent again."""
