"""What the functions that follow have in common, put together from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waypost.aws_lambda.environment import client, read
from waypost.aws_lambda.following import Following
from waypost.clock import SystemClock
from waypost.core.errors import InvalidSettings, Problem
from waypost.core.shipments import Thresholds
from waypost.metrics.emf import EmfMetrics
from waypost.notifiers.sns import SnsNotifier
from waypost.stores.dynamodb import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Mapping

_YEAR: Final = 8_760
"""The most hours that a shipment may be silent."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What was put together.

    Attributes:
        names: the environment variables that were asked for.
    """

    names: Mapping[str, str]
    store: DynamoStore
    following: Following
    clock: SystemClock
    metrics: EmfMetrics


def wire(env: Mapping[str, str], *names: str) -> Parts:
    """Put together what follows; it needs its tables, and the variables in ``names`` beside.

    Raises:
        InvalidSettings: with what the environment lacks.
    """
    found = read(env, "STATE_TABLE", "REJECTED_TABLE", *names)
    clock = SystemClock()
    metrics = EmfMetrics(environment=found["ENVIRONMENT"], clock=clock)
    store = DynamoStore(
        client("dynamodb"),
        logs=found["DYNAMODB_TABLE"],
        state=found["STATE_TABLE"],
        rejected=found["REJECTED_TABLE"],
    )
    following = Following(
        store,
        SnsNotifier(lambda: client("sns"), found["SNS_TOPIC_ARN"]),
        clock=clock,
        metrics=metrics,
        thresholds=read_thresholds(env),
        environment=found["ENVIRONMENT"],
    )
    return Parts(found, store, following, clock, metrics)


def read_thresholds(env: Mapping[str, str]) -> Thresholds:
    """Return how long shipments may be silent; without STALLED_HOURS, the defaults by status.

    Raises:
        InvalidSettings: if it is no number of hours.
    """
    text = env.get("STALLED_HOURS", "").strip()
    if not text:
        return Thresholds()
    try:
        hours = float(text)
    except ValueError:
        hours = 0
    if not 0 < hours <= _YEAR:
        problem = Problem("STALLED_HOURS", "must be a number of hours above 0, up to 8760")
        raise InvalidSettings([problem])
    return Thresholds({(None, None): hours})
