"""The processor: records what the bus delivers, and does nothing else."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from waypost.aws_lambda.environment import (
    CONNECTIONS,
    SLOWEST_CALL,
    client,
    explain,
    flushing,
    read,
)
from waypost.aws_lambda.workers import Workers
from waypost.clock import SystemClock
from waypost.core.errors import InvalidUpdate, StoreUnavailable
from waypost.core.fields import decode
from waypost.core.updates import Event
from waypost.metrics.emf import EmfMetrics
from waypost.ports import Metric, Rejection
from waypost.record import read_event, record, reject
from waypost.stores.dynamodb import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from waypost.aws_lambda.environment import Context, Handler
    from waypost.ports import Clock, Metrics, Store

RESERVE: Final = SLOWEST_CALL
"""Milliseconds that have to be left for another message to be begun."""
_log: Final = logging.getLogger(__name__)


def build(env: Mapping[str, str]) -> Handler:
    """Put the function together.

    Raises:
        InvalidSettings: with everything that the environment lacks.
    """
    names = read(env, "REJECTED_TABLE")
    clock = SystemClock()
    metrics = EmfMetrics(environment=names["ENVIRONMENT"], clock=clock)
    store = DynamoStore(
        client("dynamodb"),
        logs=names["DYNAMODB_TABLE"],
        state="",  # recording has none
        rejected=names["REJECTED_TABLE"],
    )
    return flushing(metrics, Processor(store, clock=clock, metrics=metrics).handle)


class Processor:
    """Records events. What can never be recorded is quarantined, what cannot be now is left."""

    def __init__(
        self, store: Store, *, clock: Clock, metrics: Metrics, workers: int = CONNECTIONS
    ) -> None:
        """Record in ``store``, with so many `Workers`."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._workers = Workers(workers)

    def handle(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Record a batch of SQS messages, each an EventBridge event; or one such event itself.

        Args:
            event: what Lambda was invoked with.
            context: says how much time is left. Messages that there is no time for are left.

        Returns:
            Of a batch, the messages that are to be delivered again (ReportBatchItemFailures).

        Raises:
            StoreUnavailable: the one event is to be delivered again; of a batch, never.
            Exception: a bug, or a store that cannot be used; raised after the rest of the batch
                was tried. All is delivered again, and what was recorded is a duplicate then.
        """
        if "Records" not in event:
            self._record(json.dumps(event), "invoked")
            return {}
        messages = event["Records"]
        errors = self._workers.each(partial(self._try, context), messages)
        for error in errors:
            if error is not None and not isinstance(error, StoreUnavailable):
                raise error
        left = [m["messageId"] for m, error in zip(messages, errors, strict=True) if error]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in left]}

    def _try(self, context: Context, message: Mapping[str, Any]) -> Exception | None:
        """Settle a message; return what was in the way, if anything was."""
        message_id = message["messageId"]
        if context.get_remaining_time_in_millis() < RESERVE:
            return StoreUnavailable("no time is left")
        try:
            self._record(message["body"], message_id)
        except StoreUnavailable as error:
            _log.warning("message %s: %s", message_id, error)
            return error
        except Exception as error:  # noqa: BLE001 (raised once the others of the batch were tried)
            _log.error("message %s: %s", message_id, explain(error))
            return error
        return None

    def _record(self, text: str, delivery: str) -> None:
        now = self._clock.now()
        try:
            event = read_event(decode(text), now)
        except InvalidUpdate as error:
            # Without a time: whoever replays it reads the envelope again.
            bare = Event(id=delivery, source="", time=None, detail=None, raw=text)
            rejection = reject(bare, error.problems, now)
            self._store.reject([rejection])
            self._metrics.add(Metric.REJECTED)
            _say(rejection)
        else:
            # A replay tells of the past: a log that has it knows a duplicate, and a fresh one is
            # to be filled, not to alert anybody.
            [result] = record(
                [event],
                store=self._store,
                metrics=self._metrics,
                now=now,
                quiet=event.is_replay,
            )
            if isinstance(result, Rejection):
                _say(result)


def _say(rejection: Rejection) -> None:
    """Log why an event was rejected: the dashboard counts these lines by ``problem``."""
    _log.warning("event rejected", extra={"problem": str(rejection.problems[0])})
