"""What must hold of one machine beside the laws of every home."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from waypost.core.entries import identity
from waypost.core.updates import ShipmentUpdate
from waypost.ports import AlertKind, DeliveryState, Metric
from waypost.simulate.world.laws import (
    DERIVED,
    every_open_incident_is_covered,
    every_update_is_kept_once,
    nobody_hears_again,
    nothing_is_made_up,
    state_is_the_fold_of_the_log,
)
from waypost.simulate.world.machine.home import BATCH, WINDOW
from waypost.simulate.world.scenario import START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.simulate.world.laws import Law
    from waypost.simulate.world.machine.running import MachineWorld

_ALL: Final = 1_000_000


def who_counts_as_told_has_an_alert(world: MachineWorld) -> Iterator[str]:
    """Who counts as told of an incident has an alert about it in the ledger: one commit made both."""
    noted = {(row.get("shipmentId"), row.get("condition")) for row in _ledger(world)}
    for shipment_id, state in world.states.items():
        if world.quiet.get(shipment_id):
            continue  # who was told of it counts as told of what joins it
        for condition, _, event_id in state.told:
            if (shipment_id, condition) not in noted:
                yield f"{shipment_id} counts as told of {condition} ({event_id}), and nobody was"


def every_alert_reached_people(world: MachineWorld) -> Iterator[str]:
    """Every alert of the ledger is in a message, and people got that message."""
    arrived = {message.message_id for message in world.messages}
    for row in _ledger(world):
        about = row.get("key") or f"alert {row['alertId']}"
        if row["messageId"] not in arrived:
            yield f"{about} never reached anybody"
        if any(d["state"] != DeliveryState.SENT for d in row["deliveries"]):
            yield f"{about} is not noted as sent"


def an_alert_is_in_one_message(world: MachineWorld) -> Iterator[str]:
    """An alert is in one message alone (I3)."""
    messages: dict[str, str] = {}
    for message in world.messages:
        for alert in message.alerts:
            if "key" in alert:
                first = messages.setdefault(alert["key"], message.message_id)
                if first != message.message_id:
                    yield f"{alert['key']} is in two messages"


def what_came_quietly_alerts_nobody(world: MachineWorld) -> Iterator[str]:
    """No alert is opened by what came quietly, but for silence."""
    loud = {
        (update.shipment_id, update.sender, update.event_id)
        for _, update in world.read(world.loud)
        if update is not None
    }
    for message in world.messages:
        for alert in message.alerts:
            if "key" not in alert or alert["condition"] in DERIVED:
                continue  # silence after a quiet import is news
            ref = (alert["sender"], alert["eventId"])
            is_quiet = ref in world.quiet.get(alert["shipmentId"], ())
            if is_quiet and (alert["shipmentId"], *ref) not in loud:
                yield f"{alert['key']} came quietly"


def a_message_is_sent_again_only_in_doubt(world: MachineWorld) -> Iterator[str]:
    """A message comes twice only where a fault or a death fell between sending and noting (I3)."""
    times = Counter(message.message_id for message in world.messages)
    again = times.total() - len(times)
    doubts = (
        sum(actor == "deliverer" for actor, _ in world.calls.struck)
        + len(world.machine.lives)
        - 1
        + len(world.scenario.plan.outages)
    )
    if again > doubts:
        yield f"{again} messages came again, and {doubts} times was there a doubt"


def a_storm_is_a_handful_of_messages(world: MachineWorld) -> Iterator[str]:
    """A storm is a message at once, and then one a window; it counts every incident."""
    if not world.scenario.is_storm:
        return
    messages = [m for m in world.messages if m.kind is AlertKind.INCIDENT]
    windows = (world.scenario.end - START) // WINDOW + 2
    if len(messages) > windows:
        yield f"{len(world.accepted)} incidents were {len(messages)} messages"
    told = sum(message.total for message in messages)
    if told != len(world.histories):
        yield f"{len(world.histories)} incidents were counted as {told}"


def nothing_is_in_flight(world: MachineWorld) -> Iterator[str]:
    """After a quiet time nothing is under way, and no shipment is given up."""
    if not world.is_at_rest:
        yield "something is still under way"
    for shipment_id, error in world.machine.store.unfoldable().items():
        yield f"{shipment_id} cannot be folded: {error}"


def threads_fail_only_where_a_service_did(world: MachineWorld) -> Iterator[str]:
    """A thread fails only where the file or the mail server did: with an error that says so."""
    for life in world.machine.lives:
        for name, thread in life.threads.items():
            for error in thread.bugs:
                yield f"the {name} met {error!r}"


def numbers_are_true(world: MachineWorld) -> Iterator[str]:
    """Metrics say what happened: exactly, or within one commit for each one whose end is unknown."""
    counted = _counted(world, Metric.UPDATES)
    imported = {identity(deed.entry) for deed in world.done}
    updates = [e for e in world.log if isinstance(e, ShipmentUpdate)]
    kept = sum(identity(update) not in imported for update in updates)
    doubts = _doubts(world, "writer")
    if abs(counted - kept) > doubts * BATCH:
        yield f"{counted:g} updates were counted, {kept} are in the log ({doubts} doubts)"
    alerts = sum(row["kind"] == AlertKind.INCIDENT for row in _ledger(world))
    counted = _counted(world, Metric.ALERTS)
    if counted != alerts and not _doubts(world, "follower"):
        yield f"{counted:g} alerts were counted, {alerts} are in the ledger"


def _doubts(world: MachineWorld, thread: str) -> int:
    struck = sum(actor == thread for actor, _ in world.calls.struck)
    return struck + len(world.machine.lives) - 1 + len(world.scenario.plan.outages)


def _counted(world: MachineWorld, metric: Metric) -> float:
    return sum(
        value
        for life in world.machine.lives
        for (name, _), value in life.metrics.values().items()
        if name is metric
    )


def _ledger(world: MachineWorld) -> list[dict[str, Any]]:
    return world.machine.store.alerts(limit=_ALL)


AT_REST: Final[tuple[Law[MachineWorld], ...]] = (
    every_update_is_kept_once,
    nothing_is_made_up,
    who_counts_as_told_has_an_alert,
    an_alert_is_in_one_message,
    what_came_quietly_alerts_nobody,
    a_message_is_sent_again_only_in_doubt,
    threads_fail_only_where_a_service_did,
)
"""What holds at every quiet point."""
MENDED: Final[tuple[Law[MachineWorld], ...]] = (
    *AT_REST,
    nothing_is_in_flight,
    state_is_the_fold_of_the_log,
    every_open_incident_is_covered,
    every_alert_reached_people,
    numbers_are_true,
    a_storm_is_a_handful_of_messages,
)
"""What holds once nothing goes wrong any more, and what was given up was sent again."""
AGAIN: Final[tuple[Law[MachineWorld], ...]] = (
    every_update_is_kept_once,
    nothing_is_made_up,
    nobody_hears_again,
    state_is_the_fold_of_the_log,
    nothing_is_in_flight,
)
"""What holds after everything was folded or sent again."""
