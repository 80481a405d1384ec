"""The store in memory says what is right: all others do the same, whatever is done to them."""

from __future__ import annotations

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.clocks import NOON
from tests.support.stores import entries, folded, message, rejection
from waypost.core.entries import MAPPINGS, CodeMapping
from waypost.core.errors import NotFound, StateConflict
from waypost.core.shipments import code_key
from waypost.core.statuses import Status
from waypost.ports import (
    AlertKind,
    DeliveryState,
    Fate,
    Followed,
    IncidentQuery,
    LocalStore,
    ShipmentQuery,
)
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.core.entries import Entry

SHIPMENTS = st.sampled_from(["A", "B", "ç/ 1"])
EVENTS = st.sampled_from(["e1", "e2", "e3"])
NOTIFIERS = st.sampled_from(["mail", "hook"])
LIMITS = st.sampled_from([1, 3, 100])


def settled(store: LocalStore, do: Callable[[LocalStore], Any]) -> object:
    """Return what a call gave, or the type of the error that it may raise."""
    try:
        return do(store)
    except (NotFound, StateConflict) as error:
        return type(error)


class Agreement(RuleBasedStateMachine):
    """Does the same to a store in memory and to one in a file, and compares all that they say."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "waypost.db"
        self.model = MemoryStore()
        self.store = SqliteStore(self.path)
        self.now = NOON
        self.names = itertools.count()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def both(self, do: Callable[[LocalStore], Any]) -> None:
        assert settled(self.store, do) == settled(self.model, do)

    @rule(said=st.lists(entries(SHIPMENTS, EVENTS), max_size=6), quiet=st.booleans())
    def append(self, said: list[Entry], *, quiet: bool) -> None:
        self.both(lambda s: s.append(said, quiet=quiet))

    @rule(raws=st.lists(st.sampled_from("abcd"), max_size=3))
    def reject(self, raws: list[str]) -> None:
        self.both(lambda s: s.reject([rejection(raw, problem=raw) for raw in raws]))

    @rule(raw=st.sampled_from("abcd"), fate=st.sampled_from(Fate))
    def settle(self, raw: str, fate: Fate) -> None:
        self.both(lambda s: s.settle(rejection(raw).rejection_id, fate))

    @rule(deciding=st.booleans(), due=st.none() | st.integers(NOON, NOON + 3))
    def follow(self, *, deciding: bool, due: int | None) -> None:
        self.both(lambda s: self._follow(s, due, deciding=deciding))

    def _follow(self, store: LocalStore, due: int | None, *, deciding: bool) -> None:
        changes = store.changes(10_000)
        shipment_ids = sorted({e.shipment_id for e in changes.entries} - {MAPPINGS})
        store.commit(
            Followed(
                saves=tuple(
                    folded(store, i, now=self.now, deciding=deciding, due_at=due)
                    for i in shipment_ids
                ),
                position=changes.position,
                rejected_position=changes.rejected_position,
                rejected=dict.fromkeys(changes.rejections, 1),
                recode=tuple(
                    sorted(
                        code_key(e.carrier, e.code)
                        for e in changes.entries
                        if isinstance(e, CodeMapping)
                    )
                ),
                now=self.now,
            )
        )

    @rule(shipment_id=SHIPMENTS, version=st.integers(0, 2))
    def save(self, shipment_id: str, version: int) -> None:
        self.both(lambda s: s.save([folded(s, shipment_id, version=version)]))

    @rule(failed=st.lists(SHIPMENTS, unique=True), refolded=st.lists(SHIPMENTS, unique=True))
    def refold(self, failed: list[str], refolded: list[str]) -> None:
        self.both(
            lambda s: s.commit(
                Followed(
                    failed=dict.fromkeys(failed, "bug"), refolded=tuple(refolded), now=self.now
                )
            )
        )

    @rule()
    def refold_all(self) -> None:
        self.both(lambda s: s.refold_all())

    @rule(kind=st.sampled_from(AlertKind), notifiers=st.sets(NOTIFIERS))
    def post(self, kind: AlertKind, notifiers: set[str]) -> None:
        pending = self.model.pending(kind, 1)
        if pending is not None:
            posted = message(f"m{next(self.names)}", kind=kind, at=self.now)
            self.both(lambda s: s.post(posted, pending.last, sorted(notifiers)))

    @rule(number=st.integers(0, 3), notifier=NOTIFIERS, state=st.sampled_from(DeliveryState))
    def deliver(self, number: int, notifier: str, state: DeliveryState) -> None:
        at = self.now + 2
        self.both(
            lambda s: s.delivered(f"m{number}", notifier, state, not_before=at, error="refused")
        )

    @rule(number=st.integers(0, 3))
    def resend(self, number: int) -> None:
        self.both(lambda s: s.resend(f"m{number}"))

    @rule(millis=st.sampled_from([1, 1_000, 40_000]))
    def wait(self, millis: int) -> None:
        self.now += millis

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path, create=False)

    @rule(limit=LIMITS, condition=st.none() | st.sampled_from([Status.LOST, Status.DELAYED]))
    def list_in_pages(self, limit: int, condition: Status | None) -> None:
        self.both(lambda s: s.shipments(ShipmentQuery(limit=limit, condition=condition)))
        self.both(lambda s: s.incidents(IncidentQuery(limit=limit, condition=condition)))
        self.both(lambda s: s.incidents(IncidentQuery(limit=limit, is_open=condition is None)))
        self.both(lambda s: s.alerts(limit=limit))
        self.both(lambda s: s.rejected(limit=limit))
        self.both(lambda s: s.due(self.now, limit))
        self.both(lambda s: s.undecided(limit))

    @invariant()
    def the_log_is_the_same(self) -> None:
        self.both(lambda s: list(s.entries()))
        self.both(lambda s: sorted(map(repr, s.history("A"))))
        self.both(lambda s: s.rejected(None))
        self.both(lambda s: s.behind())

    @invariant()
    def what_follows_is_the_same(self) -> None:
        # Ties within one call may take their places in another order: nobody may rely on it.
        mine, model = self.store.changes(10_000), self.model.changes(10_000)
        assert sorted(map(repr, mine.entries)) == sorted(map(repr, model.entries))
        assert (mine.position, mine.quiet) == (model.position, model.quiet)
        assert mine.rejections == model.rejections
        assert mine.rejected_position == model.rejected_position

    @invariant()
    def the_state_is_the_same(self) -> None:
        self.both(lambda s: s.saved(["A", "B", "ç/ 1"]))
        self.both(lambda s: s.shipments(ShipmentQuery()))
        self.both(lambda s: s.incidents(IncidentQuery()))
        self.both(lambda s: s.unmapped())
        self.both(lambda s: s.refolds(self.now, 10))
        self.both(lambda s: s.unfoldable())

    @invariant()
    def the_outbox_is_the_same(self) -> None:
        self.both(lambda s: s.alerts())
        for kind in AlertKind:
            assert self.store.pending(kind, 2) == self.model.pending(kind, 2)
        for name in ("mail", "hook"):
            mine = self.store.deliveries(name, self.now, 3)
            assert mine == self.model.deliveries(name, self.now, 3)


Agreement.TestCase.settings = hypothesis.settings(
    max_examples=40, stateful_step_count=20, deadline=None
)
TestAgreement = Agreement.TestCase
