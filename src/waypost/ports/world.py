"""Time and names, and where numbers go."""

from __future__ import annotations

from enum import Enum
from typing import Protocol, Self


class Clock(Protocol):
    """Where time and fresh names come from."""

    def now(self) -> int:
        """Return the present in epoch milliseconds. It may jump, forward or back."""

    def new_id(self) -> str:
        """Return a random UUID."""


class MetricKind(Enum):
    """How a metric moves."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Metric(Enum):
    """The closed set of metrics: name, kind, labels, when it moves and what to do then.

    The names are CloudWatch's form; the Prometheus sink writes them as ``waypost_snake_case``.
    """

    label_names: tuple[str, ...]
    kind: MetricKind
    help: str

    def __new__(cls, name: str, kind: MetricKind, labels: tuple[str, ...], text: str) -> Self:
        """Make a member from one row of the table below."""
        member = object.__new__(cls)
        member._value_ = name
        member.kind = kind
        member.label_names = labels
        member.help = text
        return member

    UPDATES = (
        "ShipmentUpdatesProcessed",
        MetricKind.COUNTER,
        ("Status",),
        "Updates recorded, by status. Flat while you expect traffic: look at the producers.",
    )
    DUPLICATES = (
        "DuplicatesIgnored",
        MetricKind.COUNTER,
        (),
        "Updates that were there already. Ordinary; a jump means that a producer sends again.",
    )
    CONFLICTS = (
        "ConflictsFound",
        MetricKind.COUNTER,
        (),
        "Entries that say something else under an id already used. Ask the sender.",
    )
    REJECTED = (
        "ProcessingErrors",
        MetricKind.COUNTER,
        (),
        "Events put into quarantine. See `waypost rejected list`.",
    )
    UNROUTED = (
        "EventsNotRouted",
        MetricKind.COUNTER,
        (),
        "Events accepted that the rule does not match. A producer's source or detail-type drifts.",
    )
    REFUSED = (
        "CallsRefused",
        MetricKind.COUNTER,
        ("Reason",),
        "Calls answered with an error, by its name: bad signature, too large, busy, store down.",
    )
    ALERTS = (
        "AlertsRaised",
        MetricKind.COUNTER,
        ("Condition",),
        "Incidents that people are told of, by condition.",
    )
    MESSAGES = (
        "MessagesDelivered",
        MetricKind.COUNTER,
        ("Notifier", "Outcome"),
        "Attempts to deliver a message: sent, failed (will be tried again), dead (given up).",
    )
    BEHIND = (
        "EntriesBehind",
        MetricKind.GAUGE,
        (),
        "Entries recorded and not yet followed. Growing: the follower is too slow or stuck.",
    )
    UNFOLDABLE = (
        "ShipmentsUnfoldable",
        MetricKind.GAUGE,
        (),
        "Shipments given up after 5 failed folds: `waypost doctor` says why. A bug: please report.",
    )


class Metrics(Protocol):
    """Where numbers go. It never waits, and fails only where the code is wrong (ValueError).

    So a metric cannot delay or lose an update.
    """

    def add(self, metric: Metric, value: float = 1, *labels: str) -> None:
        """Add to a counter; labels in the order of ``label_names``."""

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
