"""The ports: what the two stages need of the world, with their edges written down.

Every adapter of a port passes the same contract suite (``tests/contract``).
"""

from waypost.ports.local import Changes, Followed, LocalStore
from waypost.ports.outbox import (
    LONGEST_PAUSE,
    AlertKind,
    Delivery,
    DeliveryState,
    Message,
    Notifier,
    Pending,
)
from waypost.ports.store import (
    Fate,
    IncidentQuery,
    Outcome,
    Rejection,
    Save,
    Saved,
    Sent,
    ShipmentQuery,
    Store,
)
from waypost.ports.world import Clock, Metric, MetricKind, Metrics

__all__ = [
    "LONGEST_PAUSE",
    "AlertKind",
    "Changes",
    "Clock",
    "Delivery",
    "DeliveryState",
    "Fate",
    "Followed",
    "IncidentQuery",
    "LocalStore",
    "Message",
    "Metric",
    "MetricKind",
    "Metrics",
    "Notifier",
    "Outcome",
    "Pending",
    "Rejection",
    "Save",
    "Saved",
    "Sent",
    "ShipmentQuery",
    "Store",
]
