"""Why a call is answered with an error: one closed table, in the names that AWS uses."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Self

from starlette.exceptions import HTTPException

from waypost.core.errors import (
    InvalidUpdate,
    NewerEntry,
    NotFound,
    StoreUnavailable,
    StoreUnusable,
    WaypostError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from waypost.core.errors import Problem


class Reason(Enum):
    """A kind of refusal: the error's name on the wire and its HTTP status.

    SDKs try again after THROTTLED, UNAVAILABLE and INTERNAL, and after no other.
    """

    code: str
    status: int

    def __new__(cls, code: str, status: int) -> Self:
        """Make a member from one row of the table below."""
        member = object.__new__(cls)
        member._value_ = code
        member.code = code
        member.status = status
        return member

    MALFORMED = "SerializationException", 400
    """The body is not JSON, or has a value of the wrong type."""
    INVALID = "ValidationException", 400
    """The body is well-formed and breaks a rule."""
    UNKNOWN_OPERATION = "UnknownOperationException", 400
    TOO_LARGE = "RequestEntityTooLargeException", 413
    TOO_SLOW = "RequestTimeoutException", 408
    TOO_MANY_HEADERS = "RequestHeaderFieldsTooLargeException", 431
    BAD_HTTP = "BadRequestException", 400
    NOT_FOUND = "ResourceNotFoundException", 404
    WRONG_METHOD = "MethodNotAllowedException", 405
    UNPROCESSABLE = "UnprocessableEntityException", 422
    """An operator's call has problems; all of them are listed."""

    UNSIGNED = "MissingAuthenticationToken", 403
    UNKNOWN_KEY = "UnrecognizedClientException", 403
    INCOMPLETE_SIGNATURE = "IncompleteSignature", 400
    BAD_SIGNATURE = "InvalidSignatureException", 403
    FOREIGN = "AccessDeniedException", 403
    """Without access keys: the call does not come from a program on this machine."""

    THROTTLED = "ThrottlingException", 400
    """More is waiting than may wait."""
    UNAVAILABLE = "ServiceUnavailable", 503
    INTERNAL = "InternalException", 500


class Refusal(WaypostError):
    """A call that is answered with an error.

    Attributes:
        reason: the kind.
        message: what was wrong and what to do. It repeats no payload and no secret.
        problems: everything that was wrong, where there is more to say than the message.
    """

    def __init__(self, reason: Reason, message: str, problems: Iterable[Problem] = ()) -> None:
        self.reason = reason
        self.message = message
        self.problems = tuple(problems)
        super().__init__(f"{reason.code}: {message}")


_ROUTING: Final = {
    404: (Reason.NOT_FOUND, "There is nothing at this path."),
    405: (Reason.WRONG_METHOD, "This path does not take this method."),
}
"""What Starlette's router raises."""


def as_refusal(error: Exception) -> Refusal:
    """Return how to answer a call that ended in this error."""
    problems: tuple[Problem, ...] = ()
    match error:
        case Refusal():
            reason, message, problems = error.reason, error.message, error.problems
        case InvalidUpdate():
            reason, message = Reason.UNPROCESSABLE, "The call has problems."
            problems = error.problems
        case RecursionError():
            reason, message = Reason.UNPROCESSABLE, "The call is nested too deeply."
        case NotFound():
            reason, message = Reason.NOT_FOUND, f"Not found: {error}."
        case StoreUnavailable():
            reason, message = Reason.UNAVAILABLE, f"The store is unavailable: {error}"
        case StoreUnusable() | NewerEntry():
            reason, message = Reason.INTERNAL, f"The store cannot be used: {error}"
        case HTTPException():
            reason, message = _ROUTING[error.status_code]
        case _:
            reason, message = Reason.INTERNAL, "Something unexpected happened; see the log."
    return Refusal(reason, message, problems)
