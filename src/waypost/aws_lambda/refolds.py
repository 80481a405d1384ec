"""The queue of shipments that are to be folded again, by the function that reads it."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from waypost.core.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from waypost.core.shipments import CodeKey

BATCH: Final = 10
"""The most messages that SQS takes in one call."""
DELAY: Final = 60
"""Seconds until a new mapping is acted on: who folded a shipment without it has saved it by then."""


class RefoldQueue:
    """An SQS queue. A message is ``{"shipmentId"}``, or ``{"codes", "after"}`` for a new mapping.

    What fails again and again ends in the queue's dead-letter queue.
    """

    def __init__(self, connect: Callable[[], Any], url: str) -> None:
        """Connect to nobody yet: most runs have nothing to send.

        Args:
            connect: gives an SQS client of botocore.
            url: of the queue.
        """
        self._connect = connect
        self._client: Any = None
        self._url = url

    def add(self, shipment_ids: Iterable[str]) -> None:
        """Have shipments folded again.

        Raises:
            StoreUnavailable: some are not in the queue; doing it again is harmless.
        """
        ids = iter(shipment_ids)
        while batch := list(islice(ids, BATCH)):
            self._send([{"shipmentId": shipment_id} for shipment_id in batch], delay=0)

    def add_codes(self, keys: Collection[CodeKey], after: str | None = None) -> None:
        """Have all shipments folded again that have one of these codes, from one on.

        Raises:
            StoreUnavailable: as `add`.
        """
        self._send([{"codes": sorted(keys), "after": after}], delay=0 if after else DELAY)

    def _send(self, bodies: list[dict[str, Any]], *, delay: int) -> None:
        if self._client is None:
            self._client = self._connect()
        entries = [
            {"Id": str(number), "MessageBody": json.dumps(body), "DelaySeconds": delay}
            for number, body in enumerate(bodies)
        ]
        try:
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"the re-fold queue: {error}") from error
        if failed := answer.get("Failed"):
            raise StoreUnavailable(f"the re-fold queue took not all: {failed[0]['Code']}")
