"""Messages to people: what they are made of, where they stand, and how they leave."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from waypost.core.times import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_PAUSE: Final = HOUR
"""No further try is planned farther ahead, in ms. One that is was planned by a clock that has been
set back since, and may be made at once."""


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
