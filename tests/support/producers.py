"""A producer that does not stop for us, and what it is owed."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from tests.support.deployed import eventually
from waypost.clock import SystemClock
from waypost.core.times import format_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from tests.support.deployed import Deployed, Details

_PAUSE: Final = 0.1
"""Seconds between two events, at least."""
ON_THE_WAY: Final = 3
"""So many events may be on the way: each is a process, and the local AWS runs few at once."""
_ROUND: Final = 5
"""Of so many events one is critical, one comes again, and one is of another's moment."""


@dataclass
class Traffic:
    """What was sent, and acknowledged.

    Attributes:
        sent: the details, in order.
    """

    stack: Deployed
    prefix: str
    sent: list[Details] = field(default_factory=list)

    def next(self) -> Details:
        """Return what comes next."""
        at = len(self.sent)
        turn = at % _ROUND
        if turn == _ROUND - 2:
            return self.sent[-1]  # it comes again
        detail = {
            "shipmentId": f"{self.prefix}-{at}",
            "status": "IN_TRANSIT" if turn else "LOST",
            "eventId": f"{self.prefix}-{at}",
            "occurredAt": format_time(SystemClock().now()),
        }
        if turn == _ROUND - 1:
            one = self.sent[at - 3]
            return {**detail, **{name: one[name] for name in ("shipmentId", "occurredAt")}}
        return detail

    @property
    def again(self) -> set[str]:
        """The events that were sent more than once."""
        times = Counter(detail["eventId"] for detail in self.sent)
        return {event for event, count in times.items() if count > 1}

    def rows(self) -> tuple[Counter[str], Counter[str]]:
        """Count the rows of each event that the first version wrote, and that ours did."""
        early, ours = Counter[str](), Counter[str]()
        for row in self.stack.log():
            event_id = json.loads(row["rawEvent"])["eventId"]
            (ours if "eventId" in row else early)[event_id] += event_id.startswith(self.prefix)
        return +early, +ours

    def on_the_way(self) -> set[str]:
        """Return the events that are not in the log."""
        return {detail["eventId"] for detail in self.sent}.difference(*self.rows())

    def missing(self) -> set[str]:
        """Return the events that are not in the log, having waited for them."""
        return eventually(self.on_the_way, lambda left: not left)

    def more(self, count: int) -> None:
        """Wait until so many more are sent."""
        goal = len(self.sent) + count
        assert eventually(lambda: len(self.sent) >= goal)

    def critical(self) -> set[str]:
        """Return the shipments that somebody has to be told of; each has the id of its event."""
        return {detail["shipmentId"] for detail in self.sent if detail["status"] == "LOST"}

    def untold(self, but: AbstractSet[str] = frozenset()) -> set[str]:
        """Return those that nobody was told of, but some, having waited for it."""

        def look() -> set[str]:
            told = self.stack.messages(about=self.prefix)
            owed = self.critical() - but
            return {one for one in owed if not any(_names(m, one) for m in told)}

        return eventually(look, lambda left: not left)


def _names(message: dict[str, Any], shipment_id: str) -> bool:
    words = f"{message['Subject']} {message['Message']}".replace(":", " ").split()
    return shipment_id in words


@contextmanager
def traffic(stack: Deployed, prefix: str) -> Iterator[Traffic]:
    """Keep sending events to a stack, as fast as it records them."""
    sending, over = Traffic(stack, prefix), Event()

    def send() -> None:
        while not over.wait(_PAUSE):
            if len(sending.on_the_way()) >= ON_THE_WAY:
                continue
            detail = sending.next()
            stack.send(detail)
            sending.sent.append(detail)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(send)
        try:
            yield sending
        finally:
            over.set()
            done.result()
