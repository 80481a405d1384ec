"""What must hold of the home on AWS at every quiet point, beside the laws of every home."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from waypost.core.entries import MAPPINGS, identity
from waypost.core.errors import WaypostError
from waypost.core.shipments import Fold, read_mappings
from waypost.core.updates import ShipmentUpdate
from waypost.ports import AlertKind, Metric
from waypost.simulate.world.faults import FaultKind
from waypost.simulate.world.laws import (
    Law,
    a_journey_ends_where_it_did,
    every_open_incident_is_covered,
    every_update_is_kept_once,
    nobody_hears_again,
    nothing_is_made_up,
    state_is_the_fold_of_the_log,
)
from waypost.simulate.world.running import World
from waypost.simulate.world.scenario import START
from waypost.simulate.world.shipped import number
from waypost.simulate.world.stream import SHARDS
from waypost.simulate.world.watching import Published, ToldRef, read_metrics
from waypost.stores.dynamodb.items import read_entry

if TYPE_CHECKING:
    pass

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


def who_counts_as_told_was_told(world: World) -> Iterator[str]:
    """Nobody counts as told of an incident before a message about one of that shipment took effect."""
    if any(published.is_cut for published in world.home.watch.published):
        return  # a message that lists fifty stands for all of its storm
    first: dict[tuple[str, str], int] = {}
    for published in world.home.watch.published:
        for alert in published.message.alerts:
            first.setdefault((alert["shipmentId"], alert["condition"]), published.at)
    quiet = world.quiet
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


AT_REST: Final[tuple[Law[World], ...]] = (
    every_update_is_kept_once,
    nothing_is_made_up,
    who_counts_as_told_was_told,
    an_alert_comes_once,
    functions_raise_only_their_own_errors,
)
"""What holds at every quiet point."""
MENDED: Final[tuple[Law[World], ...]] = (
    *AT_REST,
    nothing_is_in_flight,
    state_is_the_fold_of_the_log,
    a_journey_ends_where_it_did,
    every_open_incident_is_covered,
    numbers_are_true,
    a_storm_is_a_handful_of_messages,
)
"""What holds once the operator has sent on all dead letters."""
AGAIN: Final[tuple[Law[World], ...]] = (
    every_update_is_kept_once,
    nothing_is_made_up,
    nobody_hears_again,
    state_is_the_fold_of_the_log,
    nothing_is_in_flight,
)
"""What holds after everything was folded or sent again."""
