"""The closed vocabulary of statuses, what each means for a shipment, and what clears what.

Two things travel together and are kept apart: *progress* (how far) and *conditions* (what is
wrong). The names follow what aggregators and carriers publish (AfterShip tags, EasyPost and
Shippo statuses); the levels and the clearing rules are ours.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, Self


class Kind(Enum):
    """The part that a status plays."""

    REPORT = "report"
    """Moves nothing: a code nobody mapped, an estimate, a remark."""
    PROGRESS = "progress"
    """Says how far the shipment has come."""
    TERMINAL = "terminal"
    """Says that the journey has ended, one way or another."""
    CONDITION = "condition"
    """Says that something is wrong."""
    DERIVED = "derived"
    """Something wrong that nobody sends: it follows from silence or from a passed ETA."""


ACT_RANK: Final = 9
"""The tie rank of an operator's act: after everything that happened at the same millisecond."""


def _tie_rank(kind: Kind, level: int) -> int:
    match kind:
        case Kind.REPORT:
            return 0
        case Kind.PROGRESS:
            return 1 + level
        case Kind.CONDITION | Kind.DERIVED:
            return 7
        case Kind.TERMINAL:
            return 8


class Status(StrEnum):
    """A status, with its properties.

    Attributes:
        kind: the part it plays.
        level: how far along, 0 to 6, for progress and terminals; -1 for all others.
        critical: whether it opens an incident, and so an alert.
        tie_rank: its place among entries of the same millisecond, lowest first.
        words: what it means, as a dispatcher would say it.
    """

    kind: Kind
    level: int
    critical: bool
    tie_rank: int
    words: str

    def __new__(cls, value: str, kind: Kind, level: int, critical: bool, words: str) -> Self:  # noqa: FBT001 (a table reads better without keywords)
        """Make a member from one row of the table below."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.kind = kind
        member.level = level
        member.critical = critical
        member.tie_rank = _tie_rank(kind, level)
        member.words = words
        return member

    UNKNOWN = "UNKNOWN", Kind.REPORT, -1, False, "a status that nobody has mapped yet"
    NOTE = "NOTE", Kind.REPORT, -1, False, "an estimate or a remark"

    PENDING = "PENDING", Kind.PROGRESS, 0, False, "announced, nothing known yet"
    INFO_RECEIVED = "INFO_RECEIVED", Kind.PROGRESS, 1, False, "the carrier has the data"
    PICKED_UP = "PICKED_UP", Kind.PROGRESS, 2, False, "picked up by the carrier"
    IN_TRANSIT = "IN_TRANSIT", Kind.PROGRESS, 3, False, "on its way"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY", Kind.PROGRESS, 4, False, "out for delivery"
    DELIVERY_ATTEMPTED = "DELIVERY_ATTEMPTED", Kind.PROGRESS, 4, False, "delivery was attempted"
    AVAILABLE_FOR_PICKUP = "AVAILABLE_FOR_PICKUP", Kind.PROGRESS, 4, False, "ready to be collected"
    RETURNING = "RETURNING", Kind.PROGRESS, 5, False, "on its way back to the sender"

    DELIVERED = "DELIVERED", Kind.TERMINAL, 6, False, "delivered"
    RETURNED = "RETURNED", Kind.TERMINAL, 6, False, "returned to the sender"
    CANCELLED = "CANCELLED", Kind.TERMINAL, 6, False, "cancelled"
    DISPOSED = "DISPOSED", Kind.TERMINAL, 6, False, "disposed of"

    LOST = "LOST", Kind.CONDITION, -1, True, "reported lost"
    DAMAGED = "DAMAGED", Kind.CONDITION, -1, True, "reported damaged"
    EXCEPTION = "EXCEPTION", Kind.CONDITION, -1, True, "something went wrong"
    DELAYED = "DELAYED", Kind.CONDITION, -1, True, "reported delayed"
    ON_HOLD = "ON_HOLD", Kind.CONDITION, -1, False, "held, by customs or on request"

    STALLED = "STALLED", Kind.DERIVED, -1, True, "no sign of life for too long"
    LATE = "LATE", Kind.DERIVED, -1, True, "its estimated arrival has passed"

    __hash__ = str.__hash__  # equality is the text's; Enum's own hash is many times slower

    @property
    def severity(self) -> int:
        """How bad a condition is: 0 is the worst.

        Raises:
            ValueError: for a status that is no condition.
        """
        return CONDITIONS.index(self)

    @classmethod
    def read(cls, word: str) -> Status:
        """Return the status that a sender's word names; case and surrounding space do not matter.

        A word that names none, or one that is derived and so never sent, is UNKNOWN: it is kept
        and listed, never guessed.
        """
        return _SENT.get(word.strip().upper(), cls.UNKNOWN) if word.isascii() else cls.UNKNOWN


CONDITIONS: Final = tuple(s for s in Status if s.kind in {Kind.CONDITION, Kind.DERIVED})
"""Everything that can be wrong, worst first."""

_SENT: Final = MappingProxyType({s.value: s for s in Status if s.kind is not Kind.DERIVED})


class Trigger(Enum):
    """A row of the clearing table: what kind of news has come."""

    REPORT = "UNKNOWN, NOTE, PENDING, INFO_RECEIVED or any condition"
    SCAN = "PICKED_UP, IN_TRANSIT, OUT_FOR_DELIVERY, DELIVERY_ATTEMPTED or AVAILABLE_FOR_PICKUP"
    RETURNING = "RETURNING"
    TERMINAL = "a terminal"
    NEW_LEG = "PICKED_UP that opens a leg"


class Clears(Enum):
    """A cell of the clearing table: does this news close an open episode of that condition?"""

    NO = "no"
    YES = "yes"
    ADVANCED = "if the level is above the level at which the episode opened"
    NEW_ETA = "if it brings an ETA that has not yet passed"


_STATED: Final = (Status.LOST, Status.EXCEPTION, Status.ON_HOLD)


def _row(delayed: Clears, stated: Clears, late: Clears) -> MappingProxyType[Status, Clears]:
    cells = {Status.DELAYED: delayed, **dict.fromkeys(_STATED, stated)}
    # Damage does not heal, and any sign of life ends a silence: the same in every row.
    cells |= {Status.DAMAGED: Clears.NO, Status.STALLED: Clears.YES, Status.LATE: late}
    return MappingProxyType(cells)


CLEARING: Final = MappingProxyType(
    {
        #                        DELAYED          LOST EXCEPTION ON_HOLD   LATE
        Trigger.REPORT: _row(Clears.NO, Clears.NO, Clears.NEW_ETA),
        Trigger.SCAN: _row(Clears.ADVANCED, Clears.YES, Clears.NEW_ETA),
        Trigger.RETURNING: _row(Clears.ADVANCED, Clears.YES, Clears.YES),
        Trigger.TERMINAL: _row(Clears.YES, Clears.YES, Clears.YES),
        Trigger.NEW_LEG: _row(Clears.YES, Clears.YES, Clears.YES),
    }
)
"""What clears what. An operator's *resolve* closes just the condition it names."""


def trigger(status: Status) -> Trigger:
    """Return the row of the clearing table for news of this status within a leg."""
    match status.kind:
        case Kind.TERMINAL:
            return Trigger.TERMINAL
        case Kind.PROGRESS if status is Status.RETURNING:
            return Trigger.RETURNING
        case Kind.PROGRESS if status.level >= Status.PICKED_UP.level:
            return Trigger.SCAN
        case Kind.PROGRESS | Kind.REPORT | Kind.CONDITION | Kind.DERIVED:
            return Trigger.REPORT
