"""What is known of a world from outside, whichever home it runs: what invariants look at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from waypost.core.errors import InvalidUpdate
from waypost.core.fields import decode
from waypost.core.updates import parse
from waypost.record import read_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from waypost.core.entries import Entry
    from waypost.core.shipments import Ref, Thresholds
    from waypost.core.updates import ShipmentUpdate
    from waypost.ports import Message
    from waypost.simulate.world.faults import Calls
    from waypost.simulate.world.kernel import Kernel
    from waypost.simulate.world.scenario import Deed, Scenario, Sending


class Reader:
    """Reads events as updates, each once: a world is looked at more often than it changes.

    An event is known by the id of its envelope, which no two events of a world share.
    """

    def __init__(self) -> None:
        self._known: dict[str, ShipmentUpdate | None] = {}

    def __call__(self, sendings: Iterable[Sending]) -> Iterator[tuple[str, ShipmentUpdate | None]]:
        """Yield each event's id, and the update that it is; None if it is none."""
        for sending in sendings:
            event_id = sending.event["id"]
            if event_id not in self._known:
                self._known[event_id] = _update_of(sending)
            yield event_id, self._known[event_id]


def _update_of(sending: Sending) -> ShipmentUpdate | None:
    """Return the update that an event is, whenever it is looked at."""
    try:
        event = read_event(decode(json.dumps(sending.event)), sending.at)
        return parse(event, now=sending.at)
    except InvalidUpdate:
        return None


@dataclass(frozen=True, slots=True)
class SavedShipment:
    """What is saved of a shipment.

    Attributes:
        shipment: its JSON.
        incidents: the JSON of its incidents.
        told: who counts as told of what.
    """

    shipment: dict[str, Any]
    incidents: list[dict[str, Any]]
    told: AbstractSet[tuple[str, str, str]]


class Seen(Protocol):
    """A world, as an onlooker has it."""

    @property
    def scenario(self) -> Scenario:
        """What happened to it."""

    @property
    def kernel(self) -> Kernel:
        """Its time."""

    @property
    def calls(self) -> Calls:
        """What was called, and what went wrong."""

    @property
    def thresholds(self) -> Thresholds:
        """When silence matters."""

    @property
    def tried(self) -> Sequence[Sending]:
        """Every event that was handed in, whatever the answer."""

    @property
    def accepted(self) -> Sequence[Sending]:
        """Those that were answered with success."""

    @property
    def read(self) -> Reader:
        """Reads what was handed in."""

    @property
    def done(self) -> Sequence[Deed]:
        """What operators had recorded."""

    @property
    def log(self) -> Sequence[Entry]:
        """Every entry of the log, as it is stored."""

    @property
    def histories(self) -> Mapping[str, Sequence[Entry]]:
        """The entries of each shipment, by shipment id; mappings apart."""

    @property
    def quarantined(self) -> Sequence[str]:
        """The ids of the events in quarantine."""

    @property
    def given_up(self) -> str:
        """The text of all that waits in dead-letter queues for an operator."""

    @property
    def states(self) -> Mapping[str, SavedShipment]:
        """What is saved of each shipment."""

    @property
    def quiet(self) -> Mapping[str, AbstractSet[Ref]]:
        """By shipment, the entries that shall alert nobody."""

    @property
    def messages(self) -> Sequence[Message]:
        """Every message that people got, in their order; one that came twice is in it twice."""

    @property
    def marked(self) -> tuple[int, int]:
        """When everything was done again, and how many messages people had got by then."""

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing was under way when it was last waited for."""
