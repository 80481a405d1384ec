"""Has every shipment of the log folded that no state was saved of."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from waypost.stores.dynamodb.table import BATCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.aws_lambda.refolds import RefoldQueue
    from waypost.stores.dynamodb import DynamoStore


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What was done: so many shipments were looked at, so many sent to the re-fold queue."""

    shipments: int
    sent: int


def backfill(
    store: DynamoStore, queue: RefoldQueue, watch: Callable[[Backfilled], object]
) -> Backfilled:
    """Have what lacks a state folded, by the stack's notifier.

    It scans the log once; memory stays bounded. Interrupted, it can be done again: what has its
    state by then is left out, and to fold a shipment twice is harmless. It is as quiet as the log:
    rows of the first version alert nobody, others do if nobody was told of them.

    Args:
        store: of the stack.
        queue: its re-fold queue.
        watch: told how far it is, each 100 shipments.

    Raises:
        StoreUnavailable, StoreUnusable: it is not done; a repeat goes on.
    """
    ids = store.shipment_ids()
    done = Backfilled(0, 0)
    while batch := list(islice(ids, BATCH)):
        known = store.saved(batch)
        missing = [shipment_id for shipment_id in batch if shipment_id not in known]
        queue.add(missing)
        done = Backfilled(done.shipments + len(batch), done.sent + len(missing))
        watch(done)
    return done
