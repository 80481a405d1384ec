"""Calls to one DynamoDB table: their errors are ours, and what they read is whole."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's own name for it)
    HTTPClientError,
)

from waypost.core.errors import StoreUnavailable, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

Item = dict[str, Any]
"""An item as the low-level client has it: ``{"status": {"S": "LOST"}}``."""

BATCH: Final = 100
"""The most items that one BatchGetItem or TransactWriteItems takes."""
KEY_LIMIT: Final = 2_048
"""The most bytes that a hash key has."""
TRIES: Final = 5
"""So often in a row may a batch read yield nothing, with pauses of 0.75 s in all."""
_FIRST_PAUSE: Final = 0.05

_TRANSIENT: Final = frozenset(
    {
        "None",  # a member of a cancelled transaction that was all right itself
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_CREDENTIALS: Final = "check the credentials, and the clock"
_ADVICE: Final = {
    "AccessDeniedException": "grant that action on the table to whoever calls",
    "ResourceNotFoundException": "check its name, the account and the Region, and deploy the stack",
    "ValidationException": "check that the table has the keys and indexes of the stack's template",
    "ExpiredTokenException": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
}
_OTHER_ADVICE: Final = "a retry cannot help"

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class ConditionFailed(Exception):
    """The condition of a write did not hold, so nothing was written.

    Attributes:
        item: what is there instead, where it was asked for.
    """

    def __init__(self, item: Item | None) -> None:
        self.item = item
        super().__init__()


class Table:
    """One table."""

    def __init__(self, client: Any, name: str, key: str) -> None:
        """Call the table ``name``, whose hash key is ``key``."""
        self.name: Final = name
        self._client = client
        self._key = key

    def call(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Call an operation on this table.

        Raises:
            ConditionFailed: if the operation had a condition and it did not hold.
            StoreUnavailable: if a retry may help (throttled, timed out, not reached, 5xx).
            StoreUnusable: if not; the message says what to do.
        """
        return self._invoke(operation, TableName=self.name, **arguments)

    def transact(self, writes: Sequence[dict[str, Any]]) -> None:
        """Update items, each on its condition, all or none. Raises what `call` raises."""
        updates = [{"Update": {"TableName": self.name, **write}} for write in writes]
        self._invoke("transact_write_items", TransactItems=updates)

    def _invoke(self, operation: str, **arguments: object) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
        except ClientError as error:
            raise self._converted(error) from error
        except (ConnectionError, HTTPClientError) as error:
            raise StoreUnavailable(f"table {self.name} was not reached: {error}") from error
        except BotoCoreError as error:
            raise StoreUnusable(f"table {self.name} cannot be called: {error}") from error
        return answer

    def _converted(self, error: ClientError) -> Exception:
        answer = error.response
        code = answer["Error"]["Code"]
        reasons = {reason["Code"] for reason in answer.get("CancellationReasons", ())}
        if code == "ConditionalCheckFailedException" or "ConditionalCheckFailed" in reasons:
            return ConditionFailed(answer.get("Item"))
        message = f"table {self.name}: {error}"
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _TRANSIENT or status >= 500 or (reasons and reasons <= _TRANSIENT):  # noqa: PLR2004 (the server's errors in HTTP)
            return StoreUnavailable(message)
        return StoreUnusable(f"{message}; {_ADVICE.get(code, _OTHER_ADVICE)}")

    def put_new(self, item: Item) -> Item | None:
        """Put an item if its key is free; return None, or the item that has the key."""
        try:
            self.call(
                "put_item",
                Item=item,
                ConditionExpression=f"attribute_not_exists({self._key})",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failed:
            return failed.item or {}
        return None

    def pages(self, operation: str, **arguments: object) -> Iterator[Item]:
        """Return all that a query or scan finds, however many pages it comes in."""
        for page in self.answers(operation, **arguments):
            yield from page["Items"]

    def answers(self, operation: str, **arguments: object) -> Iterator[dict[str, Any]]:
        """Return the pages of a query or scan, one a call."""
        more: dict[str, Any] = {}
        while True:
            page = self.call(operation, **arguments, **more)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def get(self, keys: Collection[str], attributes: Sequence[str] = ()) -> dict[str, Item]:
        """Return items by key, consistently; those that are not there are left out.

        Args:
            keys: of the items; what cannot be a key is none.
            attributes: those to return beside the key; all if empty.

        Raises:
            StoreUnavailable: if the table kept some of them back for too long.
        """
        wanted = (k for k in dict.fromkeys(keys) if 0 < len(k.encode()) <= KEY_LIMIT)
        found: dict[str, Item] = {}
        while batch := list(islice(wanted, BATCH)):
            request: dict[str, Any] = {
                "Keys": [{self._key: {"S": key}} for key in batch],
                "ConsistentRead": True,
            }
            if attributes:
                names = {f"#{i}": name for i, name in enumerate((self._key, *attributes))}
                request["ProjectionExpression"] = ", ".join(names)
                request["ExpressionAttributeNames"] = names
            for item in self._get_batch(request):
                found[item[self._key]["S"]] = item
        return found

    def _get_batch(self, request: dict[str, Any]) -> Iterator[Item]:
        left: dict[str, Any] = {self.name: request}
        in_vain = 0
        while left:
            answer = self._invoke("batch_get_item", RequestItems=left)
            items = answer["Responses"].get(self.name, ())
            yield from items
            left = answer.get("UnprocessedKeys", {})
            in_vain = 0 if items else in_vain + 1
            if left and in_vain == TRIES:
                raise StoreUnavailable(f"table {self.name} is throttled")
            if left and in_vain:
                time.sleep(_FIRST_PAUSE * 2 ** (in_vain - 1))


def each(function: Callable[[_In], _Out], values: Sequence[_In], *, workers: int) -> Iterable[_Out]:
    """Return what a function gives for each value, called by so many threads at once.

    The first error is raised once the calls under way have ended; no further ones begin.
    """
    if workers == 1 or len(values) == 1:
        return [function(value) for value in values]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, values))
