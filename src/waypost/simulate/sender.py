"""Sends details over the real wire: EventBridge's PutEvents, by boto3, in batches of ten."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol

from waypost.core.errors import WaypostError
from waypost.operate import DETAIL_TYPE, SOURCE
from waypost.simulate.journeys import Detail

BATCH: Final = 10
"""The most entries that one PutEvents call takes."""
ATTEMPTS: Final = 5
"""So often an entry is sent that the bus refuses; then `send` gives up."""

_FIRST_WAIT: Final = 0.1


class EventsClient(Protocol):
    """The one call of boto3's ``events`` client that is used here."""

    def put_events(self, *, Entries: Sequence[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 (boto3's own spelling)
        """Put at most ten entries on the bus; the answer's entries are in the same order."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a sending.

    Attributes:
        sent: details that the bus took.
        retried: how many more times entries had to be sent.
    """

    sent: int = 0
    retried: int = 0


class SendFailed(WaypostError):
    """The bus did not take some details, and no further were sent; sending all again is safe.

    Attributes:
        counts: what was sent before, the taken part of the last batch included.
        failed: the details that were not taken, or of which that is not known.
    """

    def __init__(self, message: str, counts: Counts, failed: Sequence[Detail]) -> None:
        self.counts = counts
        self.failed = tuple(failed)
        super().__init__(message)


def events_client(
    endpoint_url: str,
    access_key: str | None = None,
    secret: str | None = None,
    region: str = "us-east-1",
) -> EventsClient:
    """Make a boto3 client for a bus: signed with the key if there is one, else unsigned.

    It waits 2 s for a connection and 10 s for an answer, and tries three times in all, with the
    standard back-off.
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 3},
        signature_version=None if access_key else UNSIGNED,
    )
    client: EventsClient = boto3.session.Session().client(
        "events",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=config,
    )
    return client


def send(
    details: Iterable[Detail],
    client: EventsClient,
    *,
    attempts: int = ATTEMPTS,
    wait: Callable[[float], object] = time.sleep,
    on_batch: Callable[[int], object] = lambda _: None,
) -> Counts:
    """Send details in their order, and return once the bus has taken all of them.

    Entries that the bus refuses are sent again after 0.1 s, doubling each time.

    Args:
        details: what to send; taken in as needed, ten at a time.
        client: of `events_client`, or like it.
        attempts: how often an entry is sent at most.
        wait: waits for some seconds.
        on_batch: told how many the bus took, after each batch.

    Raises:
        SendFailed: an entry was refused ``attempts`` times, or the bus could not be reached.
    """
    waiting = iter(details)
    counts = Counts()
    while batch := list(islice(waiting, BATCH)):
        before = counts.sent
        counts = _send_batch(batch, client, counts, attempts, wait)
        on_batch(counts.sent - before)
    return counts


def _send_batch(
    batch: list[Detail],
    client: EventsClient,
    counts: Counts,
    attempts: int,
    wait: Callable[[float], object],
) -> Counts:
    refused = [(detail, "") for detail in batch]
    for attempt in range(attempts):
        if attempt:
            wait(_FIRST_WAIT * 2 ** (attempt - 1))
            counts = Counts(counts.sent, counts.retried + len(refused))
        trying = [detail for detail, _ in refused]
        refused = _put(trying, client, counts)
        counts = Counts(counts.sent + len(trying) - len(refused), counts.retried)
        if not refused:
            return counts
    message = f"the bus refused {len(refused)} updates {attempts} times: {refused[0][1]}"
    raise SendFailed(message, counts, [detail for detail, _ in refused])


def _put(batch: Sequence[Detail], client: EventsClient, counts: Counts) -> list[tuple[Detail, str]]:
    """Put a batch on the bus; return what it refused, and why."""
    from botocore.exceptions import BotoCoreError, ClientError

    entries = [
        {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
        for detail in batch
    ]
    try:
        answer = client.put_events(Entries=entries)
    except (BotoCoreError, ClientError) as error:
        raise SendFailed(f"the bus did not take the call: {error}", counts, batch) from error
    if not answer["FailedEntryCount"]:
        return []
    return [
        (detail, f"{result['ErrorCode']}: {result.get('ErrorMessage', '')}")
        for detail, result in zip(batch, answer["Entries"], strict=True)
        if "ErrorCode" in result
    ]
