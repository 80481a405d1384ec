"""What Lambda gives a function: environment variables, events, the time that is left, clients."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import botocore.session
from botocore.config import Config

from waypost import __version__
from waypost.core.errors import InvalidSettings, Problem, WaypostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from waypost.metrics.emf import EmfMetrics

CONTRACT: Final = ("DYNAMODB_TABLE", "SNS_TOPIC_ARN", "ENVIRONMENT")
"""Every function has these, whether it reads them or not: people's own tools look for them."""
SLOWEST_CALL: Final = 12_000
"""Milliseconds that one call of a `client` takes at most: 3 tries of 3 s, and pauses of 1 and 2 s."""
CONNECTIONS: Final = 10
"""So many calls may a `client` have under way: what botocore holds unless told otherwise."""


class Context(Protocol):
    """What Lambda says about an invocation, as far as it matters here."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""


Handler = Callable[[dict[str, Any], Context], dict[str, Any]]
"""A function as Lambda calls it: with an event, for an answer."""


def read(env: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return the variables that every function needs, and the named ones; blank is missing.

    Raises:
        InvalidSettings: with all that are missing.
    """
    found = {name: env.get(name, "").strip() for name in (*CONTRACT, *names)}
    missing = [Problem(name, "is not set") for name, value in found.items() if not value]
    if missing:
        raise InvalidSettings(missing)
    return found


def flushing(metrics: EmfMetrics, handle: Handler) -> Handler:
    """Return a function that publishes its numbers at the end, however it ends."""

    def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
        try:
            return handle(event, context)
        finally:
            metrics.flush()

    return handler


def explain(error: Exception) -> str:
    """Return what an error may say in a log: of a bug no text, for it may quote what a sender wrote."""
    if isinstance(error, WaypostError):
        return f"{type(error).__name__}: {error}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, {frame.filename} line {frame.lineno}"


def client(service: str) -> Any:
    """Return a client of an AWS service that gives up well before its function would.

    With botocore's own limits of 60 s a service that hangs would outlive the invocation, and
    nobody would learn why it ended. Parameters are not validated here, which would be an eighth of
    a call's CPU: they are built from checked types, and AWS refuses what is wrong all the same.
    """
    config = Config(
        user_agent=f"waypost/{__version__}",  # botocore's own is put together anew for each call
        max_pool_connections=CONNECTIONS,
        connect_timeout=1,
        read_timeout=2,
        parameter_validation=False,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    return botocore.session.get_session().create_client(service, config=config)
