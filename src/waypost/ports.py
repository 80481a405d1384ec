"""The ports: what the two stages need of the world, with their edges written down.

Every adapter of a port passes the same contract suite (``tests/contract``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from waypost.core.entries import Entry
    from waypost.core.errors import Problem
    from waypost.core.incidents import Alert, Told
    from waypost.core.shipments import CodeKey, Ref, Shipment
    from waypost.core.statuses import Status


class Clock(Protocol):
    """Where time and fresh names come from."""

    def now(self) -> int:
        """Return the present in epoch milliseconds. It may jump, forward or back."""

    def new_id(self) -> str:
        """Return a random UUID."""


# --- Stage 1: the log and the quarantine -------------------------------------------------------


class Outcome(StrEnum):
    """What became of an entry that was to be appended."""

    APPENDED = "appended"
    DUPLICATE = "duplicate"
    """The very same entry is there already. This is success."""
    KEY_FULL = "key full"
    """All keys that the entry may have are taken by others: it was not appended."""


class Fate(StrEnum):
    """What became of a rejected event."""

    OPEN = "open"
    REPLAYED = "replayed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """An event that could not be recorded, kept whole with its reasons.

    Attributes:
        rejection_id: 16 hexadecimal digits, a hash of what came in: the same delivery has the
            same id.
        record_time: when it came, epoch ms.
        source: who sent it, as the envelope says.
        envelope_id: the envelope's id.
        envelope_time: the envelope's time, epoch ms; None where the route has none.
        raw: the payload as it came in.
        problems: all that is wrong with it.
        fate: whether it still waits for somebody.
    """

    rejection_id: str
    record_time: int
    source: str
    envelope_id: str
    envelope_time: int | None
    raw: str
    problems: tuple[Problem, ...]
    fate: Fate = Fate.OPEN


# --- Stage 2: state ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved of a shipment, as far as the next decision needs it.

    Attributes:
        version: counts the saves from 1; 0 if it was never saved.
        told: who was told of what.
        conflicts: how many conflicts it had.
    """

    version: int
    told: Told
    conflicts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """A folded shipment that is to be saved.

    Attributes:
        shipment: the state, with STALLED and LATE as of now.
        told: who will have been told of what.
        version: of the `Saved` that the decision was made on.
        due_at: the next instant at which silence or an ETA matters, epoch ms.
        undecided: it calls for an alert, which is decided when the alert window drains.
        alerts: what to tell people: saved in one with the rest, or not at all.
    """

    shipment: Shipment
    told: Told
    version: int
    due_at: int | None
    undecided: bool = False
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentQuery:
    """Which shipments to list; all that is given must hold.

    Attributes:
        progress: one of these.
        condition: this is wrong with it now (among others).
        carrier: its carrier, without case.
        since: its last update happened at or after this, epoch ms.
        after: list from the shipment id that follows this one.
        limit: at most so many.
    """

    progress: Status | None = None
    condition: Status | None = None
    carrier: str | None = None
    since: int | None = None
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentQuery:
    """Which incidents to list; all that is given must hold.

    Attributes:
        shipment_id: of this shipment.
        condition: this is wrong.
        is_open: wrong now (True), over (False), either (None).
        after: list from what follows this (shipment id, leg, condition).
        limit: at most so many.
    """

    shipment_id: str | None = None
    condition: Status | None = None
    is_open: bool | None = None
    after: tuple[str, int, str] | None = None
    limit: int = 100


class Store(Protocol):
    """The log, the quarantine and the derived state.

    Every method raises StoreUnavailable where a retry may help, StoreUnusable where not; then
    nothing has changed, or, if the answer was lost, all of it has and a repeat is harmless.
    """

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        """Append entries that are not there yet, durably, and say what became of each.

        Two entries are the same if their `identity` is equal; within one call too. The entry's
        key is (shipment id, event time) or, where another entry has that, the next one that
        `waypost.core.keys.probes` gives. With ``quiet``, what the entries amount to alerts nobody.
        """

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Keep rejected events, durably; one whose id is there already changes nothing."""

    def history(self, shipment_id: str) -> list[Entry]:
        """Return all entries of a shipment, in no particular order; consistent, never stale."""

    def saved(self, shipment_ids: Sequence[str]) -> dict[str, Saved]:
        """Return what was saved of the shipments; one that never was is left out."""

    def save(self, saves: Sequence[Save]) -> None:
        """Save folded shipments with their incidents and alerts.

        Raises:
            StateConflict: if one was saved by somebody else since; nothing has changed then.
        """

    def shipment(self, shipment_id: str) -> dict[str, Any] | None:
        """Return the saved JSON of one shipment (`shipment_json`), None if there is none."""

    def shipments(self, query: ShipmentQuery) -> list[dict[str, Any]]:
        """Return saved shipments (`shipment_json`), by shipment id."""

    def incidents(self, query: IncidentQuery) -> list[dict[str, Any]]:
        """Return saved incidents (`incident_json`), by (shipment id, leg, condition)."""

    def entries(self) -> Iterator[Entry]:
        """Return the whole log by (shipment id, event time, event id, sender, fingerprint).

        It may be long: memory stays bounded, and what is appended meanwhile may or may not
        be among it.
        """

    def rejected(
        self, fate: Fate | None = Fate.OPEN, after: str | None = None, limit: int = 100
    ) -> list[Rejection]:
        """Return rejected events in the order in which they came, from what follows ``after``."""

    def rejection(self, rejection_id: str) -> Rejection:
        """Return one rejected event.

        Raises:
            NotFound: if there is none of that id.
        """

    def settle(self, rejection_id: str, fate: Fate) -> None:
        """Note what became of a rejected event.

        Raises:
            NotFound: if there is none of that id.
        """

    def unmapped(self) -> list[dict[str, Any]]:
        """Return the codes that nobody has mapped, the most frequent first.

        Each has ``carrier, code, count, shipments, lastEventTime`` and a ``shipmentId``, the
        least, as an example.
        """

    def due(self, now: int, limit: int) -> list[str]:
        """Return shipments whose ``due_at`` has come, the longest overdue first."""

    def undecided(self, limit: int) -> list[str]:
        """Return shipments that were saved as ``undecided``, by shipment id."""


# --- One machine: the log by position, and the outbox ------------------------------------------


@dataclass(frozen=True, slots=True)
class Changes:
    """Entries and rejections that nobody has followed yet.

    Attributes:
        position: of the last of ``entries``; the follower's own position if there are none.
        entries: in the order of the log.
        quiet: those of them that were appended quietly: (shipment id, (sender, event id)).
        rejected_position: of the last of ``rejections``, likewise.
        rejections: the first problem of each, in words.
    """

    position: int
    entries: tuple[Entry, ...]
    quiet: frozenset[tuple[str, Ref]]
    rejected_position: int
    rejections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What one round of following came to: committed whole or not at all.

    Attributes:
        saves: the shipments that were folded.
        position: up to which the log is followed now; None: as before.
        rejected_position: up to which the quarantine is followed now; None: as before.
        rejected: how many were rejected, by the first problem of each; makes one alert.
        recode: codes whose meaning changed: every shipment that has one is to be re-folded.
        refolded: shipments that need no more re-folding.
        failed: shipments that could not be folded, and why; they go to the re-fold queue.
        now: epoch ms.
    """

    saves: tuple[Save, ...] = ()
    position: int | None = None
    rejected_position: int | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    recode: tuple[CodeKey, ...] = ()
    refolded: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    now: int


class AlertKind(StrEnum):
    """What an alert is about; each kind has digests of its own."""

    INCIDENT = "incident"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Alerts of one kind that are in no message yet.

    Attributes:
        kind: of all of them.
        last: the newest one's number: a message made of this covers all up to it.
        counts: how many, by condition, or by the problem for rejected events; never cut.
        first: the JSON of the first ones, at most as many as were asked for.
        last_message_at: when the last message of this kind was made, epoch ms; None if never.
    """

    kind: AlertKind
    last: int
    counts: Mapping[str, int]
    first: tuple[dict[str, Any], ...]
    last_message_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent to people: one alert, or the digest of many.

    Attributes:
        message_id: a UUID; the same however often it is sent.
        created_at: epoch ms.
        kind: what it is about.
        subject: under 100 printable ASCII characters.
        text: the whole in plain text, lines of a readable length.
        counts: how many alerts, by condition or problem.
        alerts: the JSON of those that are listed, which may be fewer.
    """

    message_id: str
    created_at: int
    kind: AlertKind
    subject: str
    text: str
    counts: Mapping[str, int]
    alerts: tuple[dict[str, Any], ...]

    @property
    def total(self) -> int:
        """How many alerts it stands for."""
        return sum(self.counts.values())


class DeliveryState(StrEnum):
    """Where the delivery of a message by one notifier stands."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    """Given up: listed, and sent again when an operator says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one notifier.

    Attributes:
        message: what to send.
        notifier: by whom.
        state: where it stands.
        attempts: how many were made.
        not_before: when the next one may be made, epoch ms.
        error: why the last one failed.
    """

    message: Message
    notifier: str
    state: DeliveryState
    attempts: int
    not_before: int
    error: str | None


class LocalStore(Store, Protocol):
    """A store on one machine: the log has positions, and the outbox is in it."""

    def changes(self, limit: int) -> Changes:
        """Return at most ``limit`` entries and rejections that follow the follower's positions."""

    def behind(self) -> int:
        """Return how many entries the follower has not followed yet."""

    def refolds(self, now: int, limit: int) -> list[str]:
        """Return shipments that are to be re-folded and whose next try has come."""

    def refold_all(self) -> int:
        """Put every shipment of the log into the re-fold queue; return how many."""

    def unfoldable(self) -> dict[str, str]:
        """Return the shipments that were given up after 5 failed re-folds, and why."""

    def commit(self, followed: Followed) -> None:
        """Save a round of following in one transaction.

        An alert whose key is there already is not added again. A shipment in ``failed`` is tried
        again with back-off (1 s, doubling), 5 times.

        Raises:
            StateConflict: as `save`.
        """

    def pending(self, kind: AlertKind, first: int) -> Pending | None:
        """Return what is in no message yet, with the JSON of the ``first`` ones; None if nothing."""

    def post(self, message: Message, last: int, notifiers: Sequence[str]) -> None:
        """Make a message of all pending alerts of its kind up to ``last``, for each notifier."""

    def deliveries(self, notifier: str, now: int, limit: int) -> list[Delivery]:
        """Return the deliveries of a notifier that are waiting and may be tried, oldest first."""

    def delivered(
        self,
        message_id: str,
        notifier: str,
        state: DeliveryState,
        *,
        not_before: int = 0,
        error: str | None = None,
    ) -> None:
        """Note an attempt, and where the delivery stands after it."""

    def alerts(
        self, state: DeliveryState | None = None, after: int = 0, limit: int = 100
    ) -> list[dict[str, Any]]:
        """Return the ledger of alerts in the order in which they were decided.

        Each is the alert's JSON with ``alertId`` (its number), ``kind``, ``createdAt``,
        ``messageId`` (null while it is in none) and ``deliveries``
        (``notifier, state, attempts, error``). With ``state``, only alerts with such a delivery.
        """

    def resend(self, message_id: str) -> int:
        """Let the dead deliveries of a message be tried again; return how many there were.

        Raises:
            NotFound: if there is no message of that id.
        """

    def check(self) -> None:
        """Raise if the store cannot be written to now."""

    def close(self) -> None:
        """Finish what is under way and let go of all files. Idempotent."""


class Notifier(Protocol):
    """A way to reach people."""

    @property
    def name(self) -> str:
        """A short name, unique among the notifiers in use; deliveries are kept under it."""

    def send(self, message: Message) -> None:
        """Send a message, and return once the other side has taken it, within a bounded time.

        It may be called again with a message that did arrive (its answer was lost); where the
        channel knows an idempotency key, that is the message's id.

        Raises:
            NotifyFailed: it was not taken; ``permanent`` says whether another try is in vain.
        """


# --- Metrics -----------------------------------------------------------------------------------


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

    def __new__(cls, name: str, kind: MetricKind, labels: tuple[str, ...], text: str) -> Metric:
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
        "Calls answered with an error before an event was read: bad signature, too large, busy.",
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
        "Shipments given up after 5 failed folds: a bug, please report. See `waypost doctor`.",
    )


class Metrics(Protocol):
    """Where numbers go. Never raises, never waits: a metric cannot delay or lose an update."""

    def add(self, metric: Metric, value: float = 1, *labels: str) -> None:
        """Add to a counter; labels in the order of ``label_names``."""

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""


OTHER: Final = "OTHER"
"""The label for what is outside a closed set: labels never take what a sender wrote."""
