"""The notifier: follows what the streams and the re-fold queue say has changed."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from waypost.aws_lambda.environment import SLOWEST_CALL, client, flushing
from waypost.aws_lambda.refolds import RefoldQueue
from waypost.aws_lambda.wiring import wire
from waypost.core.entries import MAPPINGS
from waypost.core.shipments import CodeKey, code_key
from waypost.stores.dynamodb.quarantine import read_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from waypost.aws_lambda.environment import Context, Handler
    from waypost.aws_lambda.following import FollowedStore, Following

PAGE: Final = 100
"""So many shipments with a code are put into the queue between two looks at the time."""
RESERVE: Final = 3 * SLOWEST_CALL
"""Milliseconds that are kept for the calls after such a page."""

_log: Final = logging.getLogger(__name__)


def build(env: Mapping[str, str]) -> Handler:
    """Put the function together.

    Raises:
        InvalidSettings: with what the environment lacks.
    """
    parts = wire(env, "REFOLD_QUEUE_URL")
    queue = RefoldQueue(lambda: client("sqs"), parts.names["REFOLD_QUEUE_URL"])
    return flushing(parts.metrics, Notifier(parts.store, parts.following, queue).handle)


@dataclass(slots=True)
class _News:
    """What new items of the streams are about."""

    shipments: list[str] = field(default_factory=list)
    codes: set[CodeKey] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, records: Iterable[Mapping[str, Any]]) -> _News:
        """Read the records of a stream: of the log, or of the quarantine."""
        news = cls()
        for record in records:
            if record["eventName"] != "INSERT":
                continue  # an act of ours on the quarantine, or of somebody else on the log
            item = record["dynamodb"]["NewImage"]
            if "rejectionId" in item:
                news.problems.append(str(read_problems(item)[0]))
            elif item["shipmentId"]["S"] == MAPPINGS:
                carrier = item["carrier"]["S"] if "carrier" in item else None
                news.codes.add(code_key(carrier, item["code"]["S"]))
            else:
                news.shipments.append(item["shipmentId"]["S"])
        return news


class Notifier:
    """Turns batches of changes into rounds of following."""

    def __init__(self, store: FollowedStore, following: Following, queue: RefoldQueue) -> None:
        """Follow with ``following``; what cannot be folded goes to ``queue``."""
        self._store = store
        self._following = following
        self._queue = queue

    def handle(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Follow a batch: records of a stream, or messages of the re-fold queue.

        Args:
            event: what Lambda was invoked with.
            context: says how much time is left.

        Returns:
            The messages that are to be delivered again (ReportBatchItemFailures); of a stream none.

        Raises:
            StoreUnavailable: the whole batch is to be delivered again, which is harmless.
            NotifyFailed: likewise; nobody was told of rejected events.
        """
        records = event["Records"]
        queued = [record for record in records if record["eventSource"] == "aws:sqs"]
        failed = self._follow_queue(queued, context) if queued else []
        if not queued:
            self._follow_stream(records)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _follow_stream(self, records: Iterable[Mapping[str, Any]]) -> None:
        news = _News.read(records)
        if news.codes:
            self._queue.add_codes(news.codes)
        self._queue.add(self._following.follow(news.shipments).failed)
        self._following.report(news.problems)

    def _follow_queue(self, messages: Iterable[Mapping[str, Any]], context: Context) -> list[str]:
        bad: list[str] = []
        shipments: dict[str, str] = {}
        for message in messages:
            message_id = message["messageId"]
            asked = _read_asked(message["body"])
            if asked is None:
                _log.error("message %s is none of ours", message_id)
                bad.append(message_id)
            elif isinstance(asked, str):
                shipments[message_id] = asked
            else:
                self._requeue(*asked, context)
        failed = set(self._following.follow(shipments.values()).failed)
        return bad + [message_id for message_id, i in shipments.items() if i in failed]

    def _requeue(self, keys: set[CodeKey], after: str | None, context: Context) -> None:
        ids = self._store.with_codes(keys, after)
        while page := list(islice(ids, PAGE)):
            self._queue.add(page)
            if context.get_remaining_time_in_millis() < RESERVE:
                self._queue.add_codes(keys, after=page[-1])
                return


def _read_asked(text: str) -> str | tuple[set[CodeKey], str | None] | None:
    """Return what a message of the queue asks for: one shipment, or all that have some codes."""
    try:
        body = json.loads(text)
        if "codes" in body:
            return {code_key(*pair) for pair in body["codes"]}, body["after"]
        shipment_id = body["shipmentId"]
    except (KeyError, TypeError, ValueError):
        return None
    return shipment_id if isinstance(shipment_id, str) else None
