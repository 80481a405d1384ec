"""The store in memory says what is right: the one in DynamoDB does the same.

It does so in the DynamoDB of moto, and in the one of the simulated world.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from moto import mock_aws

from tests.support.aws import aws_client
from tests.support.clocks import NOON
from tests.support.stores import entries, folded, rejection
from tests.support.tables import modelled_store, new_store
from waypost.core.errors import NotFound, StateConflict
from waypost.core.statuses import Status
from waypost.ports import Fate, IncidentQuery, ShipmentQuery
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.core.entries import Entry
    from waypost.ports import Store
    from waypost.stores.dynamodb import DynamoStore

NAMES = ["A", "B", "ç/ 1"]
SHIPMENTS = st.sampled_from(NAMES)
EVENTS = st.sampled_from(["e1", "e2", "e3"])
RAWS = st.sampled_from("abcd")


def settled(store: Store, do: Callable[[Store], Any]) -> object:
    """Return what a call gave, or the type of the error that it may raise."""
    try:
        return do(store)
    except (NotFound, StateConflict) as error:
        return type(error)


def told_of(store: DynamoStore | MemoryStore) -> list[dict[str, Any]]:
    """Return the ledger by key, without what each store numbers and dates in its own way."""
    rows = [row | {"alertId": 0, "createdAt": ""} for row in store.alerts()]
    return sorted(rows, key=lambda row: row["key"])


class Agreement(RuleBasedStateMachine):
    """Does the same to a store in memory and to two in DynamoDB, and compares what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.aws = mock_aws()
        self.aws.start()
        self.model = MemoryStore()
        self.stores = [new_store(aws_client("dynamodb")), modelled_store(page=3)]
        self.now = NOON

    def teardown(self) -> None:
        self.aws.stop()

    @invariant()
    def the_ledger_holds_the_same_alerts(self) -> None:
        right = told_of(self.model)
        assert [told_of(store) for store in self.stores] == [right, right]

    def all(self, do: Callable[[Store], Any]) -> None:
        right = settled(self.model, do)
        assert [settled(store, do) for store in self.stores] == [right, right]

    @rule(said=st.lists(entries(SHIPMENTS, EVENTS), max_size=6), quiet=st.booleans())
    def append(self, said: list[Entry], *, quiet: bool) -> None:
        self.all(lambda s: s.append(said, quiet=quiet))

    @rule(raws=st.lists(RAWS, max_size=3, unique=True))
    def reject(self, raws: list[str]) -> None:
        self.now += 1
        came = [replace(rejection(raw), record_time=self.now) for raw in raws]
        self.all(lambda s: s.reject(came))

    @rule(raw=RAWS, fate=st.sampled_from(Fate))
    def settle(self, raw: str, fate: Fate) -> None:
        self.all(lambda s: s.settle(rejection(raw).rejection_id, fate))

    @rule(shipment_id=SHIPMENTS, deciding=st.booleans(), due=st.none() | st.integers(0, 3))
    def follow(self, shipment_id: str, due: int | None, *, deciding: bool) -> None:
        due_at = None if due is None else NOON + due
        self.all(lambda s: s.save([folded(s, shipment_id, deciding=deciding, due_at=due_at)]))

    @rule(versions=st.lists(st.integers(0, 2), min_size=2, max_size=3))
    def save(self, versions: list[int]) -> None:
        self.all(
            lambda s: s.save(
                [folded(s, i, version=v) for i, v in zip(NAMES, versions, strict=False)]
            )
        )

    @rule(
        limit=st.sampled_from([1, 3, 100]),
        condition=st.none() | st.sampled_from([Status.LOST, Status.DELAYED, Status.ON_HOLD]),
        after=st.none() | SHIPMENTS,
    )
    def list_in_pages(self, limit: int, condition: Status | None, after: str | None) -> None:
        self.all(
            lambda s: s.shipments(ShipmentQuery(limit=limit, condition=condition, after=after))
        )
        place = None if after is None else (after, 1, "LOST")
        queries = [
            IncidentQuery(limit=limit, condition=condition, is_open=is_open, after=place)
            for is_open in (None, True, False)
        ]
        self.all(lambda s: [s.incidents(query) for query in queries])
        self.all(lambda s: s.rejected(limit=limit))
        self.all(lambda s: s.rejected(None, after=rejection("b").rejection_id))
        self.all(lambda s: s.due(NOON + 1, limit))
        self.all(lambda s: s.undecided(limit))

    @invariant()
    def the_log_is_the_same(self) -> None:
        self.all(lambda s: list(s.entries()))

    @invariant()
    def the_quarantine_is_the_same(self) -> None:
        self.all(lambda s: s.rejected(None))

    @invariant()
    def the_state_is_the_same(self) -> None:
        self.all(lambda s: s.saved(NAMES))
        self.all(lambda s: s.shipments(ShipmentQuery()))
        self.all(lambda s: s.incidents(IncidentQuery()))
        self.all(lambda s: s.unmapped())
        self.all(lambda s: s.due(NOON + 9, 10))


Agreement.TestCase.settings = hypothesis.settings(
    max_examples=12, stateful_step_count=12, deadline=None
)
TestAgreement = Agreement.TestCase
