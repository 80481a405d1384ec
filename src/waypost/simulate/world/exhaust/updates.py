"""What may come in about the one shipment of a small world."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from waypost.core.entries import OPERATOR, Action, act, retraction
from waypost.core.statuses import Status
from waypost.core.times import HOUR, format_time
from waypost.simulate.world.scenario import MINUTE, START, Deed, Sending, sending

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPMENT: Final = "SMALL-1"
MOST: Final = 4
"""So many different updates come in at most."""
_LOST_AT: Final = START - HOUR
_MOVED_AT: Final = _LOST_AT + 10 * MINUTE
_ACKED_AT: Final = _LOST_AT + 20 * MINUTE


def _said(event_id: str, status: Status, at: int) -> dict[str, Any]:
    return {
        "shipmentId": SHIPMENT,
        "eventId": event_id,
        "status": status.value,
        "occurredAt": format_time(at),
    }


UPDATES: Final[Mapping[str, Any]] = {
    "lost": _said("e-lost", Status.LOST, _LOST_AT),
    "moving": _said("e-moving", Status.IN_TRANSIT, _MOVED_AT),
    "lost again": _said("e-again", Status.LOST, _MOVED_AT),
    "other content": _said("e-lost", Status.EXCEPTION, _LOST_AT),
    "retraction": retraction(
        SHIPMENT, "e-lost", sender=OPERATOR, event_time=_ACKED_AT, record_time=START
    ),
    "acknowledged": act(
        SHIPMENT,
        Action.ACK,
        Status.LOST,
        event_id="e-ack",
        event_time=_ACKED_AT,
        record_time=START,
    ),
}
"""By name, an event's detail, or the entry that an operator has recorded.

They are chosen so that as much as possible depends on their order, if anything does:

* ``lost`` opens an incident;
* ``moving`` is progress, and clears it;
* ``lost again`` has the very millisecond of ``moving``: where they tie, the condition comes last;
  without it, it belongs to the same incident as ``lost``, which moves its opening if it is late;
* ``other content`` has the id and the time of ``lost``: the two conflict, and want one key;
* ``retraction`` takes back both of these, be they there or not;
* ``acknowledged`` keeps from alerting whom it comes before.
"""


def sets() -> list[tuple[str, ...]]:
    """Return every set of up to `MOST` of them, small ones first."""
    return [some for size in range(1, MOST + 1) for some in combinations(UPDATES, size)]


def delivered(name: str, place: int, at: int) -> Sending | Deed:
    """Return an update as what comes in at ``at`` (epoch ms), being the ``place``-th to do so."""
    update = UPDATES[name]
    if isinstance(update, dict):
        return sending(at, f"{place}-{name.replace(' ', '-')}", update)
    return Deed(at, update)
