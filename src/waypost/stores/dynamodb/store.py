"""The store of the serverless home: three DynamoDB tables."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from waypost.core.entries import MAPPINGS
from waypost.ports import Fate
from waypost.stores.dynamodb.log import Log
from waypost.stores.dynamodb.quarantine import Quarantine

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterator, Sequence

    from waypost.core.entries import Entry
    from waypost.core.shipments import CodeKey, Ref
    from waypost.ports import IncidentQuery, Outcome, Rejection, Save, Saved, ShipmentQuery
    from waypost.stores.dynamodb.state import State


class DynamoStore:
    """A `Store` in three tables. Threads and processes may share them.

    The port's docstrings say what each method promises. What is atomic here:

    * `append`: each entry. Where a call fails, some may be there; a repeat is harmless.
    * `save`: one shipment, or up to 100 (and 4 MB) in one call; more go 100 at a time, and a
      conflict leaves those before it saved. Saving several at once costs twice as much.
    * `reject`: each event; their order is by millisecond, and within one call.

    The alerts of a `Save` are published by who saves it, before; they are noted in the shipment's
    own item, by the write that saves ``told``. What the indexes say (all lists, `due` and `undecided`) is a proposal, a moment
    late; what is then read of the shipments they name is not.
    """

    def __init__(
        self,
        client: Any,
        *,
        logs: str,
        state: str,
        rejected: str,
        workers: int = 8,
        read_limit: int = 1_000_000,
    ) -> None:
        """Use three tables that exist.

        Args:
            client: a DynamoDB client of boto3 or botocore, with the caller's time-outs and retries.
            logs: the table of updates.
            state: the table of shipments.
            rejected: the table of rejected events.
            workers: so many calls are made at once; the client needs as many connections.
            read_limit: the most shipments that one listing looks through (`alerts` may go beyond
                by a page), or whose ids `entries` sorts in memory; beyond it they raise
                StoreUnusable.
        """
        self._log = Log(client, logs, workers=workers, read_limit=read_limit)
        self._quarantine = Quarantine(client, rejected, workers=workers)
        self._client = client
        self._state_table = state
        self._read_limit = read_limit

    @cached_property
    def _state(self) -> State:
        from waypost.stores.dynamodb.state import State  # who only records starts without it

        return State(self._client, self._state_table, read_limit=self._read_limit)

    # --- The log and the quarantine

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        return self._log.append(entries, quiet=quiet)

    def history(self, shipment_id: str) -> list[Entry]:
        return self._log.history(shipment_id)[0]

    def history_and_quiet(self, shipment_id: str) -> tuple[list[Entry], frozenset[Ref]]:
        """Return a shipment's history, and which of its entries shall alert nobody.

        To that belongs all that was recorded before there were event ids: somebody was told.
        """
        return self._log.history(shipment_id)

    def entries(self) -> Iterator[Entry]:
        return self._log.entries()

    def shipment_ids(self) -> Iterator[str]:
        """Return every shipment of the log, by a scan, in no order; memory stays bounded."""
        return (i for i in self._log.shipment_ids() if i != MAPPINGS)

    def reject(self, rejections: Sequence[Rejection]) -> None:
        self._quarantine.add(rejections)

    def rejected(
        self, fate: Fate | None = Fate.OPEN, after: str | None = None, limit: int = 100
    ) -> list[Rejection]:
        return self._quarantine.listed(fate, after, limit)

    def rejection(self, rejection_id: str) -> Rejection:
        return self._quarantine.one(rejection_id)

    def settle(self, rejection_id: str, fate: Fate) -> None:
        self._quarantine.settle(rejection_id, fate)

    # --- State

    def saved(self, shipment_ids: Sequence[str]) -> dict[str, Saved]:
        return self._state.saved(shipment_ids)

    def save(self, saves: Sequence[Save]) -> None:
        self._state.save(saves)

    def shipment(self, shipment_id: str) -> dict[str, Any] | None:
        return self._state.shipment(shipment_id)

    def shipments(self, query: ShipmentQuery) -> list[dict[str, Any]]:
        return self._state.shipments(query)

    def incidents(self, query: IncidentQuery) -> list[dict[str, Any]]:
        return self._state.incidents(query)

    def open_incidents(self) -> tuple[Counter[str], bool]:
        """Count the open incidents by condition, a moment late, and tell whether those are all.

        It reads at most one page (1 MB) of each shard of the index ``open``: some 10,000 shipments.
        """
        return self._state.open_incidents()

    def unmapped(self) -> list[dict[str, Any]]:
        return self._state.unmapped()

    def with_codes(self, keys: Collection[CodeKey], after: str | None = None) -> Iterator[str]:
        """Return the shipments that have one of these codes: what a new mapping re-folds.

        They come by shipment id, from what follows ``after``.
        """
        return self._state.with_codes(keys, after)

    def alerts(
        self, after: str | None = None, limit: int = 100, *, shipment_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the ledger of alerts in the order in which they were sent.

        Of one shipment that is one read. Of all it is a **Scan** of the whole table of shipments,
        each time, and a moment late. The newest 100 alerts of a shipment are kept. Rejected events
        are not among them: their digests have no shipment, and the quarantine lists them.

        Args:
            after: those that follow the alert of this id.
            limit: at most so many.
            shipment_id: of this shipment only.

        Returns:
            Each as `LocalStore.alerts` has it; ``alertId`` is the time at which it was sent and a
            hash of its key, so ids sort in that order.

        Raises:
            StoreUnusable: if there are more shipments than may be looked through.
        """
        return self._state.alerts(shipment_id, after, limit)

    def due(self, now: int, limit: int) -> list[str]:
        return self._state.due(now, limit)

    def undecided(self, limit: int) -> list[str]:
        return self._state.undecided(limit)
