"""DynamoDB streams, and the mapping that hands their records to a function.

Modelled from
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html:

* a stream has each change once, those of one item in their order; a shard is read in order by one
  invocation at a time, and shards independently;
* records live for 24 hours;
* a batch ends with its size or with the window that its first record opened;
* a batch that fails is halved, and tried again until it succeeds or its records are too old; then
  the destination for failures gets where they are in the stream, not what they say;
* of a batch that the function says failed from some record on, that record is the next to be read;
* what the filter leaves out is skipped.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from waypost.core.times import HOUR, SECOND, format_time
from waypost.simulate.world.functions import MINUTE, Answer

if TYPE_CHECKING:
    from waypost.simulate.world.faults import Calls
    from waypost.simulate.world.functions import Function
    from waypost.simulate.world.kernel import Kernel
    from waypost.simulate.world.queue import Queue

RETENTION: Final = 24 * HOUR
"""How long a record lives."""
SHARDS: Final = 2
"""How many shards a stream has; the number is AWS's to choose, and ours is small to see both."""
PAGE: Final = 1_000
"""The most records of one GetRecords (its API reference)."""
_FIRST_PAUSE: Final = SECOND
_LONGEST_PAUSE: Final = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Change:
    """A record of a stream.

    Attributes:
        number: its sequence number.
        at: when the change was made, epoch ms.
        record: as GetRecords has it.
    """

    number: int
    at: int
    record: dict[str, Any]


class Shard:
    """A part of a stream: the changes of some items, in their order."""

    def __init__(self, arn: str, name: str) -> None:
        """Begin empty; it is a part of the stream ``arn``."""
        self.arn = arn
        self.name = name
        self.changes: list[Change] = []
        self.arrived: Callable[[], None] = _nobody

    def of(self, number: int) -> int:
        """Return the place of the first change with at least this sequence number."""
        return next(
            (i for i, change in enumerate(self.changes) if change.number >= number),
            len(self.changes),
        )


class Stream:
    """The stream of one table."""

    def __init__(self, kernel: Kernel, arn: str) -> None:
        """Begin empty."""
        self.shards = [Shard(arn, f"{arn.split('/')[1]} shard {i}") for i in range(SHARDS)]
        self._kernel = kernel

    def add(self, record: dict[str, Any]) -> None:
        """Add the record of a change."""
        keys = record["dynamodb"]["Keys"]
        hashed = keys.get("shipmentId") or keys["rejectionId"]
        shard = self.shards[zlib.crc32(hashed["S"].encode()) % SHARDS]
        number = int(record["dynamodb"]["SequenceNumber"])
        shard.changes.append(Change(number, self._kernel.now, record))
        self._kernel.after(0, shard.arrived)


class StreamMapping:
    """Hands the records of one shard to a function, in order.

    Attributes:
        dropped: records that nobody followed and no destination got: they grew too old unread.
    """

    def __init__(
        self,
        calls: Calls,
        shard: Shard,
        function: Function,
        dead: Queue,
        *,
        batch: int,
        window: int,
        max_age: int,
    ) -> None:
        """Read one shard; times in ms."""
        self._kernel = calls.kernel
        self._calls = calls
        self._shard = shard
        self._function = function
        self._dead = dead
        self._batch = batch
        self._window = window
        self._max_age = max_age
        self._next = 0
        self._busy = False
        self._polls = 0
        self.dropped: list[Change] = []
        shard.arrived = self._wake

    @property
    def is_idle(self) -> bool:
        """Whether it has handed over all that there is."""
        return not self._busy and self._next == len(self._shard.changes)

    def _wake(self) -> None:
        if self._busy or self._next == len(self._shard.changes):
            return
        self._busy = True
        self._polls += 1
        delay = self._calls.chance.between(100, 900, "read", self._shard.name, self._polls)
        self._kernel.after(delay + self._window, self._read)

    def _read(self) -> None:
        self._forget()
        rest = self._shard.changes[self._next :]
        wanted = [change for change in rest if _is_wanted(change)][: self._batch]
        end = wanted[-1].number if len(wanted) == self._batch else None
        stop = len(self._shard.changes) if end is None else self._shard.of(end + 1)
        self._hand_over([wanted] if wanted else [], stop, 0)

    def _forget(self) -> None:
        """Skip what the stream has no more: it was never read."""
        oldest = self._kernel.now - RETENTION
        while self._next < len(self._shard.changes) and self._shard.changes[self._next].at < oldest:
            self.dropped.append(self._shard.changes[self._next])
            self._next += 1

    def _hand_over(self, batches: list[list[Change]], stop: int, failures: int) -> None:
        """Hand over batches one after the other; then what follows is read."""
        if not batches:
            self._next, self._busy = stop, False
            self._wake()
            return
        young = [c for c in batches[0] if self._kernel.now - c.at <= self._max_age]
        if len(young) < len(batches[0]):
            self._give_up(batches[0][: len(batches[0]) - len(young)])
            rest = [young, *batches[1:]] if young else batches[1:]
            self._hand_over(rest, stop, failures)
            return
        records = [_as_event(change, self._shard.arn) for change in young]
        numbers = f"{young[0].number} to {young[-1].number}"
        self._kernel.note(self._shard.name, f"hands over {numbers}")
        self._function.invoke(
            {"Records": records}, lambda answer: self._end(batches, stop, failures, answer)
        )

    def _end(self, batches: list[list[Change]], stop: int, failures: int, answer: Answer) -> None:
        batch, rest = batches[0], batches[1:]
        fault = self._calls.meet(f"{self._shard.name} mapping", "note how far it has read")
        if answer.ok and fault is not None:
            self._later(lambda: self._hand_over(batches, stop, 0), 0)
        elif answer.ok:
            self._kernel.after(1, lambda: self._hand_over(_left(batch, answer) + rest, stop, 0))
        else:
            half = len(batch) // 2
            halves = [batch[:half], batch[half:]] if half else [batch]
            self._later(lambda: self._hand_over(halves + rest, stop, failures + 1), failures)

    def _later(self, action: Callable[[], None], failures: int) -> None:
        self._kernel.after(min(_FIRST_PAUSE * 2 ** min(failures, 20), _LONGEST_PAUSE), action)

    def _give_up(self, changes: list[Change]) -> None:
        self._kernel.note(self._shard.name, f"gives up {len(changes)} records: too old")
        info = {
            "shardId": self._shard.name,
            "startSequenceNumber": str(changes[0].number),
            "endSequenceNumber": str(changes[-1].number),
            "approximateArrivalOfFirstRecord": format_time(changes[0].at),
            "approximateArrivalOfLastRecord": format_time(changes[-1].at),
            "batchSize": len(changes),
            "streamArn": self._shard.arn,
        }
        context = {"condition": "RecordAgeExceeded"}
        self._dead.send(json.dumps({"requestContext": context, "DDBStreamBatchInfo": info}))


def _left(batch: list[Change], answer: Answer) -> list[list[Change]]:
    """Return the rest of a batch from the first record on that the function reported failed."""
    said = (answer.value or {}).get("batchItemFailures") or []
    failed = [int(failure["itemIdentifier"]) for failure in said]
    rest = [change for change in batch if failed and change.number >= min(failed)]
    return [rest] if rest else []


def _is_wanted(change: Change) -> bool:
    return bool(change.record["eventName"] == "INSERT")


def _as_event(change: Change, arn: str) -> dict[str, Any]:
    """Return a record as Lambda hands it over: JSON, what is binary in base64."""
    record = {**change.record, "eventSource": "aws:dynamodb", "eventSourceARN": arn}
    text: dict[str, Any] = json.loads(json.dumps(record, default=_in_json))
    return text


def _in_json(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _nobody() -> None:
    """Nobody reads it."""


class StreamsModel:
    """The client of DynamoDB Streams: the operations that Waypost calls."""

    def __init__(self, kernel: Kernel, streams: list[Stream]) -> None:
        """Serve these streams."""
        self._kernel = kernel
        self._shards = {(shard.arn, shard.name): shard for s in streams for shard in s.shards}

    def get_shard_iterator(
        self,
        *,
        StreamArn: str,  # noqa: N803 (botocore's own spelling)
        ShardId: str,  # noqa: N803 (as above)
        ShardIteratorType: str,  # noqa: ARG002, N803 (as above; there is one type)
        SequenceNumber: str,  # noqa: N803 (as above)
    ) -> dict[str, Any]:
        """Return where to read from; refused once that is gone."""
        shard = self._shards[StreamArn, ShardId]
        start = shard.of(int(SequenceNumber))
        if shard.changes[start].at < self._kernel.now - RETENTION:
            error = {"Code": "TrimmedDataAccessException", "Message": "too old"}
            answer: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "GetShardIterator")
        return {"ShardIterator": f"{StreamArn}|{ShardId}|{start}"}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 (as above)
        """Return some records."""
        arn, shard_id, start = ShardIterator.split("|")
        changes = self._shards[arn, shard_id].changes[int(start) : int(start) + PAGE]
        following = int(start) + len(changes)
        return {
            "Records": [change.record for change in changes],
            "NextShardIterator": f"{arn}|{shard_id}|{following}",
        }
