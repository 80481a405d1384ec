"""The store in memory says what is right: all others do the same, whatever is done to them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from moto import mock_aws

from tests.support.aws import aws_client
from tests.support.clocks import NOON
from tests.support.stores import entries, folded, message, rejection, update
from tests.support.tables import modelled_store, new_store
from waypost.core.entries import MAPPINGS, CodeMapping
from waypost.core.errors import NotFound, StateConflict
from waypost.core.keys import probes
from waypost.core.shipments import code_key
from waypost.core.statuses import Status
from waypost.core.times import parse_time
from waypost.ports import (
    AlertKind,
    DeliveryState,
    Fate,
    Followed,
    IncidentQuery,
    LocalStore,
    ShipmentQuery,
    Store,
)
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.core.entries import Entry
    from waypost.stores.dynamodb import DynamoStore

NAMES: Final = ("A", "B", "ç/ 1")
SHIPMENTS = st.sampled_from(NAMES)
EVENTS = st.sampled_from(["e1", "e2", "e3"])
RAWS = st.sampled_from("abcd")
LIMITS = st.sampled_from([1, 3, 100])
CONDITIONS = st.none() | st.sampled_from([Status.LOST, Status.DELAYED, Status.ON_HOLD])
NOTIFIERS = st.sampled_from(["mail", "hook"])
TURNS: Final = settings().max_examples
"""How hard the profile wants the machines to be tried."""


def settled(store: Any, do: Callable[[Any], Any]) -> object:
    """Return what a call gave, or the type of the error that it may raise."""
    try:
        return do(store)
    except (NotFound, StateConflict) as error:
        return type(error)


class Agreement(RuleBasedStateMachine):
    """Does the same to a store in memory and to another, and compares all that they say."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.model = MemoryStore()
        self.now = NOON
        self.is_full = False

    def both(self, do: Callable[[Store], Any]) -> None:
        assert settled(self.store, do) == settled(self.model, do)

    # --- The log

    @rule(said=st.lists(entries(SHIPMENTS, EVENTS), max_size=6), quiet=st.booleans())
    def append(self, said: list[Entry], *, quiet: bool) -> None:
        self.both(lambda s: s.append(said, quiet=quiet))

    @rule(every=st.integers(1, 3))
    def append_again(self, every: int) -> None:
        said = list(self.model.entries())[::every]
        self.both(lambda s: s.append(said))

    @precondition(lambda self: not self.is_full)
    @rule(event_id=EVENTS)
    def fill_all_keys_of_an_entry(self, event_id: str) -> None:
        self.is_full = True
        keys = list(probes(NOON + 9, event_id))
        fillers = [update("full", f"filler {key}", at=key) for key in keys[:-1]]
        last = update("full", event_id, at=NOON + 9)
        self.both(lambda s: s.append([*fillers, last, last, replace(last, fingerprint="f3")]))

    @invariant()
    def the_log_is_the_same(self) -> None:
        self.both(lambda s: list(s.entries()))
        self.both(lambda s: sorted(map(repr, s.history("A"))))

    # --- The quarantine

    @rule(raws=st.lists(RAWS, max_size=3, unique=True), problem=RAWS)
    def reject(self, raws: list[str], problem: str) -> None:
        self.now += 1  # what comes within one millisecond has no order
        came = [replace(rejection(raw, problem=problem), record_time=self.now) for raw in raws]
        self.both(lambda s: s.reject(came))

    @rule(raw=RAWS, fate=st.sampled_from(Fate))
    def settle(self, raw: str, fate: Fate) -> None:
        self.both(lambda s: s.settle(rejection(raw).rejection_id, fate))
        self.both(lambda s: s.rejection(rejection(raw).rejection_id))

    @rule(fate=st.none() | st.sampled_from(Fate), after=st.none() | RAWS, limit=LIMITS)
    def list_rejected(self, fate: Fate | None, after: str | None, limit: int) -> None:
        place = None if after is None else rejection(after).rejection_id
        self.both(lambda s: s.rejected(fate, place, limit))

    @invariant()
    def the_quarantine_is_the_same(self) -> None:
        self.both(lambda s: s.rejected(None))

    # --- The state

    @rule(
        ids=st.lists(SHIPMENTS, min_size=1, unique=True),
        deciding=st.booleans(),
        due=st.none() | st.integers(NOON, NOON + 3),
    )
    def save(self, ids: list[str], due: int | None, *, deciding: bool) -> None:
        self.both(lambda s: s.save([folded(s, i, deciding=deciding, due_at=due) for i in ids]))

    @rule(versions=st.lists(st.integers(0, 2), min_size=1, max_size=3))
    def save_what_may_be_stale(self, versions: list[int]) -> None:
        pairs = list(zip(NAMES, versions, strict=False))
        self.both(lambda s: s.save([folded(s, i, version=v) for i, v in pairs]))

    @rule(
        progress=st.none() | st.sampled_from([Status.IN_TRANSIT, Status.DELIVERED]),
        condition=CONDITIONS,
        carrier=st.sampled_from([None, None, "DHL", " dhl"]),
        since=st.none() | st.integers(NOON - 2, NOON + 2),
        after=st.none() | SHIPMENTS,
        limit=LIMITS,
    )
    def list_shipments(self, **wanted: Any) -> None:
        self.both(lambda s: s.shipments(ShipmentQuery(**wanted)))

    @rule(
        shipment_id=st.none() | SHIPMENTS,
        condition=CONDITIONS,
        is_open=st.none() | st.booleans(),
        after=st.none() | st.tuples(SHIPMENTS, st.integers(1, 2), st.sampled_from(["LOST", "M"])),
        limit=LIMITS,
    )
    def list_incidents(self, **wanted: Any) -> None:
        self.both(lambda s: s.incidents(IncidentQuery(**wanted)))

    @rule(limit=LIMITS, later=st.integers(0, 3))
    def list_what_is_to_be_done(self, limit: int, later: int) -> None:
        self.both(lambda s: s.due(NOON + later, limit))
        self.both(lambda s: s.undecided(limit))

    @invariant()
    def the_state_is_the_same(self) -> None:
        self.both(lambda s: s.saved(NAMES))
        self.both(lambda s: s.shipment("A"))
        self.both(lambda s: s.shipments(ShipmentQuery()))
        self.both(lambda s: s.incidents(IncidentQuery()))
        self.both(lambda s: s.unmapped())
        self.both(lambda s: s.due(NOON + 9, 10))

    @invariant()
    def pages_begin_and_end_at_the_same_place(self) -> None:
        dated = [s["lastEventTime"] for s in self.model.shipments(ShipmentQuery())]
        since = [ShipmentQuery(since=parse_time(text)[0]) for text in dated if text]
        self.both(lambda s: [s.shipments(query) for query in since])
        found = self.model.incidents(IncidentQuery(limit=2))
        after = [IncidentQuery(after=(i["shipmentId"], i["leg"], i["condition"])) for i in found]
        self.both(lambda s: [s.incidents(query) for query in after])


class FileAgreement(Agreement):
    """The store in a file, with all that a store on one machine can do besides."""

    store: SqliteStore

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "waypost.db"
        self.store = SqliteStore(self.path)
        self.names = itertools.count()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def local(self, do: Callable[[LocalStore], Any]) -> None:
        assert settled(self.store, do) == settled(self.model, do)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path, create=False)

    @rule(millis=st.sampled_from([1, 1_000, 40_000]))
    def wait(self, millis: int) -> None:
        self.now += millis

    # --- Following

    @rule(deciding=st.booleans(), due=st.none() | st.integers(NOON, NOON + 3))
    def follow(self, *, deciding: bool, due: int | None) -> None:
        self.local(lambda s: self._follow(s, due, deciding=deciding))

    def _follow(self, store: LocalStore, due: int | None, *, deciding: bool) -> None:
        changes = store.changes(10_000)
        ids = sorted({e.shipment_id for e in changes.entries} - {MAPPINGS})
        codes = [e for e in changes.entries if isinstance(e, CodeMapping)]
        store.commit(
            Followed(
                saves=tuple(
                    folded(store, i, now=self.now, deciding=deciding, due_at=due) for i in ids
                ),
                position=changes.position,
                rejected_position=changes.rejected_position,
                rejected=dict.fromkeys(changes.rejections, 1),
                recode=tuple(sorted(code_key(e.carrier, e.code) for e in codes)),
                now=self.now,
            )
        )

    @rule(failed=st.lists(SHIPMENTS, unique=True), refolded=st.lists(SHIPMENTS, unique=True))
    def refold(self, failed: list[str], refolded: list[str]) -> None:
        followed = Followed(
            failed=dict.fromkeys(failed, "bug"), refolded=tuple(refolded), now=self.now
        )
        self.local(lambda s: s.commit(followed))

    @rule()
    def refold_all(self) -> None:
        self.local(lambda s: s.refold_all())

    @invariant()
    def what_follows_is_the_same(self) -> None:
        # Ties within one call may take their places in another order: nobody may rely on it.
        mine, model = self.store.changes(10_000), self.model.changes(10_000)
        assert sorted(map(repr, mine.entries)) == sorted(map(repr, model.entries))
        assert (mine.position, mine.quiet) == (model.position, model.quiet)
        assert mine.rejections == model.rejections
        assert mine.rejected_position == model.rejected_position
        self.local(lambda s: s.behind())
        self.local(lambda s: s.refolds(self.now, 10))
        self.local(lambda s: s.unfoldable())

    # --- The outbox

    @rule(kind=st.sampled_from(AlertKind), notifiers=st.sets(NOTIFIERS))
    def post(self, kind: AlertKind, notifiers: set[str]) -> None:
        pending = self.model.pending(kind, 1)
        if pending is not None:
            posted = message(f"m{next(self.names)}", kind=kind, at=self.now)
            self.local(lambda s: s.post(posted, pending.last, sorted(notifiers)))

    @rule(number=st.integers(0, 3), notifier=NOTIFIERS, state=st.sampled_from(DeliveryState))
    def deliver(self, number: int, notifier: str, state: DeliveryState) -> None:
        at = self.now + 2
        self.local(
            lambda s: s.delivered(f"m{number}", notifier, state, not_before=at, error="refused")
        )

    @rule(number=st.integers(0, 3))
    def resend(self, number: int) -> None:
        self.local(lambda s: s.resend(f"m{number}"))

    @rule(state=st.none() | st.sampled_from(DeliveryState), after=st.integers(0, 3), limit=LIMITS)
    def list_alerts(self, state: DeliveryState | None, after: int, limit: int) -> None:
        self.local(lambda s: s.alerts(state, after, limit))

    @invariant()
    def the_outbox_is_the_same(self) -> None:
        self.local(lambda s: s.alerts())
        self.local(lambda s: [s.pending(kind, 2) for kind in AlertKind])
        self.local(lambda s: [s.deliveries(name, self.now, 3) for name in ("mail", "hook")])


def ledger(store: DynamoStore | MemoryStore) -> list[dict[str, Any]]:
    """Return the alerts by key, without what each store numbers and dates in its own way."""
    rows = [row | {"alertId": 0, "createdAt": ""} for row in store.alerts()]
    return sorted(rows, key=lambda row: row["key"])


class TableAgreement(Agreement):
    """The store in DynamoDB, as the simulated world has it: three items a page."""

    store: DynamoStore

    def __init__(self) -> None:
        super().__init__()
        self.store = self.new()

    def new(self) -> DynamoStore:
        return modelled_store(page=3)

    @invariant()
    def the_ledger_holds_the_same_alerts(self) -> None:
        assert ledger(self.store) == ledger(self.model)


class MotoAgreement(TableAgreement):
    """The same as moto has it, which is slower by far, and made by others."""

    def new(self) -> DynamoStore:
        self.is_full = True  # 64 keys take moto seconds
        self.aws = mock_aws()
        self.aws.start()
        return new_store(aws_client("dynamodb"))

    def teardown(self) -> None:
        self.aws.stop()


def test_the_file_does_the_same() -> None:
    run_state_machine_as_test(
        FileAgreement, settings=settings(max_examples=TURNS // 2, stateful_step_count=30)
    )


def test_the_tables_do_the_same() -> None:
    run_state_machine_as_test(
        TableAgreement, settings=settings(max_examples=TURNS // 4, stateful_step_count=20)
    )


def test_the_tables_do_the_same_as_moto_has_them() -> None:
    run_state_machine_as_test(
        MotoAgreement, settings=settings(max_examples=TURNS // 25, stateful_step_count=8)
    )
