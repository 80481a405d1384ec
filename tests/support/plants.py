"""Bugs to plant in Waypost's home on AWS: each is one that a careful programmer could have made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from waypost.aws_lambda import following, notifier, processor, refolds
from waypost.core import incidents, keys
from waypost.core.entries import identity
from waypost.core.errors import NotifyFailed, StoreUnavailable
from waypost.core.shipments import folding
from waypost.core.statuses import Kind, Status
from waypost.core.times import format_time
from waypost.follow.digest import compose
from waypost.ports import AlertKind, Metric, Outcome
from waypost.record import record
from waypost.stores.dynamodb import log, quarantine, state
from waypost.stores.dynamodb.items import is_same, read_entry, to_item
from waypost.stores.dynamodb.table import Table
from waypost.stores.dynamodb.texts import unpack_json

if TYPE_CHECKING:
    import pytest

    from waypost.core.entries import Entry
    from waypost.stores.dynamodb.table import Item


@dataclass(frozen=True)
class Plant:
    """A bug.

    Attributes:
        name: in a few words.
        story: what goes wrong, and for whom.
        breaks: the invariants that it may break.
        plant: puts it into the code.
        in_storms: only a storm shows it.
    """

    name: str
    story: str
    breaks: frozenset[str]
    plant: Callable[[pytest.MonkeyPatch], None]
    in_storms: bool


PLANTS: Final[list[Plant]] = []


_Patching = Callable[["pytest.MonkeyPatch"], None]


def planted(story: str, *breaks: str, in_storms: bool = False) -> Callable[[_Patching], _Patching]:
    """List a bug, named after the function that plants it."""

    def add(plant: _Patching) -> _Patching:
        name = plant.__name__.replace("_", " ")
        PLANTS.append(Plant(name, story, frozenset(breaks), plant, in_storms))
        return plant

    return add


# ------------------------------------------------------------------------------------ recording


@planted(
    "A batch whose store was throttled is acknowledged: SQS deletes what nobody recorded.",
    "every_update_is_kept_once",
)
def acknowledge_in_spite_of_an_error(patch: pytest.MonkeyPatch) -> None:
    def attempt(self: Any, _: Any, message: Mapping[str, Any]) -> None:
        with suppress(StoreUnavailable):
            self._record(message["body"], message["messageId"])

    patch.setattr(processor.Processor, "_try", attempt)


@planted(
    "An event id that is there already is a duplicate, whatever else it says: conflicts are lost.",
    "every_update_is_kept_once",
)
def unique_event_id(patch: pytest.MonkeyPatch) -> None:
    def is_same_id(item: Item, entry: Entry) -> bool:
        return identity(read_entry(item))[:3] == identity(entry)[:3]

    patch.setattr(log, "is_same", is_same_id)


@planted(
    "Whatever has the key already is the same update: of two scans in one second one is lost.",
    "every_update_is_kept_once",
)
def duplicate_by_key_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(log, "is_same", lambda *_: True)


@planted(
    "Probing looks at one key and writes to the next: a third update of one time overwrites.",
    "every_update_is_kept_once",
    "numbers_are_true",
)
def probing_off_by_one(patch: pytest.MonkeyPatch) -> None:
    def append(self: Any, entry: Entry, *, quiet: bool) -> Outcome:
        item = to_item(entry, quiet=quiet)
        for key, following_key in pairwise(keys.probes(entry.event_time, entry.event_id)):
            occupant = self._table.put_new({**item, "timestamp": {"N": str(key)}})
            if occupant is None:
                return Outcome.APPENDED
            if is_same(occupant, entry):
                return Outcome.DUPLICATE
            self._table.call("put_item", Item={**item, "timestamp": {"N": str(following_key)}})
            return Outcome.APPENDED
        return Outcome.KEY_FULL

    patch.setattr(log.Log, "_append", append)


@planted(
    "What has to be quarantined is logged and dropped.",
    "every_update_is_kept_once",
)
def rejects_are_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(quarantine.Quarantine, "add", lambda *_: None)


@planted(
    "Updates are counted before they are durable: a retry counts them again.",
    "numbers_are_true",
)
def counted_before_durable(patch: pytest.MonkeyPatch) -> None:
    real = record

    def early(events: Any, *, metrics: Any, **rest: Any) -> Any:
        metrics.add(Metric.UPDATES, len(events), "IN_TRANSIT")
        return real(events, metrics=metrics, **rest)

    patch.setattr(processor, "record", early)


# ------------------------------------------------------------------------------------- folding


@planted(
    "A terminal status stays: a parcel scanned as delivered by mistake never moves again.",
    "a_journey_ends_where_it_did",
)
def terminal_sticky(patch: pytest.MonkeyPatch) -> None:
    real = folding.Fold._moves

    def moves(self: Any, status: Status) -> bool:
        return not (self._ended and status.kind is Kind.PROGRESS) and real(self, status)

    patch.setattr(folding.Fold, "_moves", moves)


@planted(
    "Of updates of one instant the one that came last wins: state depends on arrival.",
    "state_is_the_fold_of_the_log",
)
def ties_by_arrival(patch: pytest.MonkeyPatch) -> None:
    def order(_: Any, entry: Entry) -> tuple[int, int, str, str]:
        return entry.event_time, entry.record_time, entry.event_id, entry.sender

    patch.setattr(folding.Fold, "order", order)


@planted(
    "State is saved if its last event is newer than the saved one's: late events change nothing.",
    "state_is_the_fold_of_the_log",
    "every_open_incident_is_covered",
    "nothing_is_in_flight",
    "a_journey_ends_where_it_did",
    "nobody_hears_again",
)
def last_timestamp_instead_of_version(patch: pytest.MonkeyPatch) -> None:
    real = state.State.save

    def save(self: Any, saves: Iterable[Any]) -> None:
        for one in saves:
            shipment_id = one.shipment.shipment_id
            before = self._table.get([shipment_id], ["state", "version"]).get(shipment_id)
            saved = unpack_json(before["state"])["lastEventTime"] if before else None
            last = one.shipment.last_event_time
            if saved is None or (last is not None and saved < format_time(last)):
                version = int(before["version"]["N"]) if before else 0
                real(self, [replace(one, version=version)])

    patch.setattr(state.State, "save", save)


@planted(
    "Whoever saves last wins: a slow worker overwrites what a faster one has saved.",
    "state_is_the_fold_of_the_log",
    "a_journey_ends_where_it_did",
    "every_open_incident_is_covered",
    "an_alert_comes_once",
    "nobody_hears_again",
    "who_counts_as_told_was_told",
)
def save_without_condition(patch: pytest.MonkeyPatch) -> None:
    real = state.State._write

    def write(self: Any, save: Any) -> dict[str, Any]:
        request = real(self, save)
        del request["ConditionExpression"]
        request["ExpressionAttributeValues"].pop(":read", None)
        return request

    patch.setattr(state.State, "_write", write)


@planted(
    "A mapping is recorded, and the shipments that have its code are not folded again.",
    "state_is_the_fold_of_the_log",
    "every_open_incident_is_covered",
)
def mapping_changes_only_the_future(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(refolds.RefoldQueue, "add_codes", lambda *_, **__: None)


@planted(
    "A shipment that could not be followed is logged, and the stream moves on.",
    "state_is_the_fold_of_the_log",
    "every_open_incident_is_covered",
    "nobody_hears_again",
)
def failed_shipments_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(refolds.RefoldQueue, "add", lambda *_: None)


@planted(
    "The message of the re-fold queue is acknowledged before its shipment is folded.",
    "state_is_the_fold_of_the_log",
    "every_open_incident_is_covered",
    "nobody_hears_again",
)
def refold_deleted_before_the_fold(patch: pytest.MonkeyPatch) -> None:
    real = notifier.Notifier._follow_queue

    def follow_queue(self: Any, messages: Any, context: Any) -> list[str]:
        with suppress(StoreUnavailable):
            real(self, messages, context)
        return []

    patch.setattr(notifier.Notifier, "_follow_queue", follow_queue)


@planted(
    "The notifier catches the store's errors: the stream takes a failed batch for done.",
    "state_is_the_fold_of_the_log",
    "every_open_incident_is_covered",
)
def stream_batch_swallowed(patch: pytest.MonkeyPatch) -> None:
    real = notifier.Notifier.handle

    def handle(self: Any, event: Any, context: Any) -> dict[str, Any]:
        try:
            return real(self, event, context)
        except StoreUnavailable:
            return {"batchItemFailures": []}

    patch.setattr(notifier.Notifier, "handle", handle)


# ------------------------------------------------------------------------------------- telling


@planted(
    "Who is told is saved before anybody is: when the topic is gone, nobody ever is.",
    "who_counts_as_told_was_told",
    "every_open_incident_is_covered",
)
def mark_before_publish(patch: pytest.MonkeyPatch) -> None:
    real = following.Following._tell

    def follow(self: Any, shipment_ids: Iterable[str], **_: Any) -> Any:
        ids = list(dict.fromkeys(shipment_ids))
        outcome = following.Round()
        if not ids:
            return outcome
        now = self._clock.now()
        folded = self._fold_all(ids, self._store.saved(ids), now, lambda: True, outcome)
        self._save_all(folded, [one.save for one in folded], outcome, now)
        try:
            real(self, [alert for one in folded for alert in one.save.alerts], now)
        except NotifyFailed as error:
            outcome.unsent = error
        return outcome

    patch.setattr(following.Following, "follow", follow)


@planted(
    "A duplicate is left at once, and with it what has still to be done for the original: "
    "a shipment of which nothing is new is not looked at again.",
    "comes_to_rest",
    "nothing_is_in_flight",
    "state_is_the_fold_of_the_log",
    "every_open_incident_is_covered",
)
def return_early_on_duplicate(patch: pytest.MonkeyPatch) -> None:
    real = following.Following.follow

    def follow(self: Any, shipment_ids: Iterable[str], **options: Any) -> Any:
        def is_new(shipment_id: str) -> bool:
            saved = self._store.shipment(shipment_id)
            history = self._store.history(shipment_id)
            return saved is None or saved["updates"] < len(history)

        return real(self, [i for i in dict.fromkeys(shipment_ids) if is_new(i)], **options)

    patch.setattr(following.Following, "follow", follow)


@planted(
    "Only the opening entry counts as told: a late one that moves the opening alerts anew.",
    "an_alert_comes_once",
)
def told_by_opening_member_only(patch: pytest.MonkeyPatch) -> None:
    real = incidents._told_by
    patch.setattr(incidents, "_told_by", lambda condition, members: real(condition, members[:1]))


@planted(
    "A message that could not be published is logged, and not saved as pending.",
    "every_open_incident_is_covered",
)
def publish_failure_not_pending(patch: pytest.MonkeyPatch) -> None:
    real = following._Folded.judged_again

    def judged_again(self: Any, *args: Any, **kwargs: Any) -> Any:
        return replace(real(self, *args, **kwargs), undecided=False)

    patch.setattr(following._Folded, "judged_again", judged_again)


@planted(
    "What was lost and found between two batches is not worth an alert.",
    "every_open_incident_is_covered",
)
def over_before_anybody_was_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(incidents, "_EVEN_IF_OVER", frozenset())


@planted(
    "Every alert is a message of its own: a storm floods the inbox.",
    "a_storm_is_a_handful_of_messages",
    in_storms=True,
)
def no_digest(patch: pytest.MonkeyPatch) -> None:
    real = following.Following._tell

    def tell(self: Any, alerts: Any, now: int) -> Any:
        sent = None
        for alert in alerts:
            sent = real(self, [alert], now)
        return sent

    patch.setattr(following.Following, "_tell", tell)


@planted(
    "A message counts only the incidents that it lists: of a storm most are never mentioned.",
    "a_storm_is_a_handful_of_messages",
    "numbers_are_true",
    "who_counts_as_told_was_told",
    in_storms=True,
)
def count_cut_with_the_list(patch: pytest.MonkeyPatch) -> None:
    real = compose

    def cut(kind: AlertKind, counts: Any, first: Any, **rest: Any) -> Any:
        if kind is AlertKind.INCIDENT:
            counts = Counter(alert["condition"] for alert in first)
        return real(kind, counts, first, **rest)

    patch.setattr(following, "compose", cut)


@planted(
    "A re-fold forgets who was told.",
    "an_alert_comes_once",
    "nobody_hears_again",
)
def told_is_not_read(patch: pytest.MonkeyPatch) -> None:
    real = state.State.saved

    def saved(self: Any, shipment_ids: Any) -> Any:
        found = real(self, shipment_ids)
        return {i: replace(one, told=incidents.NOBODY_TOLD) for i, one in found.items()}

    patch.setattr(state.State, "saved", saved)


@planted(
    "The sweep looks for silence only, and not for those whom nobody was told of.",
    "nothing_is_in_flight",
    "every_open_incident_is_covered",
)
def sweep_without_the_untold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(state.State, "undecided", lambda *_: [])


@planted(
    "Histories are read as they were a moment ago, which is cheaper.",
    "state_is_the_fold_of_the_log",
    "every_open_incident_is_covered",
    "nobody_hears_again",
)
def history_read_stale(patch: pytest.MonkeyPatch) -> None:
    real = Table.pages

    def pages(self: Any, operation: str, **arguments: Any) -> Any:
        arguments.pop("ConsistentRead", None)
        return real(self, operation, **arguments)

    patch.setattr(Table, "pages", pages)
