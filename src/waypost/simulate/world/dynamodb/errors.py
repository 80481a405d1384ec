"""What DynamoDB's client raises, as botocore makes it of the service's answers.

Codes, messages and HTTP statuses are those of
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

_ENDPOINT: Final = "https://dynamodb.eu-central-1.amazonaws.com/"
_CONDITION_FAILED: Final = "The conditional request failed"


class NotModelled(Exception):
    """The model was asked for something that the service has and the model has not."""


def throttled(operation: str) -> ClientError:
    """Return the error of a call beyond the table's throughput, after the client's own retries."""
    return _error(
        operation,
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded. Consider "
        "increasing your provisioning level with the UpdateTable API.",
    )


def server_failed(operation: str) -> ClientError:
    """Return the error of a service that fails: whether the call took effect is not known."""
    return _error(operation, "InternalServerError", "Internal server error", status=500)


def timed_out() -> ReadTimeoutError:
    """Return the error of an answer that did not come: the call may have taken effect."""
    return ReadTimeoutError(endpoint_url=_ENDPOINT)


def no_such_table(operation: str) -> ClientError:
    """Return the error of a call on a table that does not exist."""
    return _error(operation, "ResourceNotFoundException", "Requested resource not found")


def invalid(operation: str, message: str) -> ClientError:
    """Return the error of a request that breaks a rule."""
    return _error(operation, "ValidationException", message)


def condition_failed(operation: str, item: dict[str, Any] | None) -> ClientError:
    """Return the error of a condition that did not hold, with the item if it was asked for."""
    more: dict[str, Any] = {} if item is None else {"Item": item}
    return _error(operation, "ConditionalCheckFailedException", _CONDITION_FAILED, **more)


def cancelled(operation: str, held: list[bool]) -> ClientError:
    """Return the error of a transaction in which some conditions did not hold."""
    codes = ["None" if holds else "ConditionalCheckFailed" for holds in held]
    return _error(
        operation,
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        f"[{', '.join(codes)}]",
        CancellationReasons=[
            {"Code": code} if holds else {"Code": code, "Message": _CONDITION_FAILED}
            for code, holds in zip(codes, held, strict=True)
        ],
    )


def _error(
    operation: str, code: str, message: str, *, status: int = 400, **members: Any
) -> ClientError:
    name = "".join(word.capitalize() for word in operation.split("_"))
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 0},
        "message": message,
        **members,
    }
    return ClientError(answer, name)
