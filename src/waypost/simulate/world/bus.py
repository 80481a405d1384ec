"""EventBridge: the bus, its rule, and the schedule of the sweep.

Modelled from
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-retry-policies.html:

* an event that matches the rule is delivered at least once, in no order;
* a delivery that fails is tried again, with growing pauses, until it is too old or was tried too
  often; then the event goes to the target's dead-letter queue.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from waypost.core.times import SECOND
from waypost.operate import DETAIL_TYPE, SOURCE
from waypost.simulate.world.faults import FaultKind
from waypost.simulate.world.functions import MINUTE

if TYPE_CHECKING:
    from waypost.simulate.world.faults import Calls
    from waypost.simulate.world.queue import Queue

INGEST: Final = "ingest queue"
"""The service whose outage keeps the rule from delivering."""
_LONGEST_PAUSE: Final = 15 * MINUTE


class Bus:
    """The bus with its one rule, whose target is a queue.

    Attributes:
        pending: deliveries that are under way.
    """

    def __init__(
        self, calls: Calls, target: Queue, dead: Queue, *, max_age: int, retries: int
    ) -> None:
        """Deliver to ``target``; what is older than ``max_age`` (ms) goes to ``dead``."""
        self._kernel = calls.kernel
        self._calls = calls
        self._target = target
        self._dead = dead
        self._max_age = max_age
        self._retries = retries
        self.pending = 0

    def put(self, event: dict[str, Any]) -> None:
        """Take an event: from now on it is the bus's to deliver, if it matches the rule."""
        if event["source"] != SOURCE or event["detail-type"] != DETAIL_TYPE:
            return
        body = json.dumps(event)
        fault = self._calls.meet("bus", f"deliver {event['id']}")
        delay = self._calls.chance.between(50, 500, "delivery", event["id"])
        if fault is not None and fault.kind is FaultKind.DELAYED:
            delay = fault.delay
        self._deliver_after(delay, body)
        if fault is not None and fault.kind is FaultKind.DOUBLED:
            self._deliver_after(fault.delay, body)

    def _deliver_after(self, delay: int, body: str) -> None:
        self.pending += 1
        since = self._kernel.now
        self._kernel.after(delay, lambda: self._deliver(body, since, 0))

    def _deliver(self, body: str, since: int, attempt: int) -> None:
        if not self._calls.is_down(INGEST):
            self.pending -= 1
            self._target.send(body)
        elif attempt < self._retries and self._kernel.now - since < self._max_age:
            pause = min(SECOND * 2 ** min(attempt, 20), _LONGEST_PAUSE)
            self._kernel.after(pause, lambda: self._deliver(body, since, attempt + 1))
        else:
            self.pending -= 1
            self._kernel.note("bus", "gives up an event: it is a dead letter now")
            self._dead.send(body)


class Schedule:
    """Lets something happen again and again, at least once each time."""

    def __init__(self, calls: Calls, period: int, action: Callable[[], None]) -> None:
        """Do ``action`` every ``period`` ms from now on."""
        self._kernel = calls.kernel
        self._calls = calls
        self._period = period
        self._action = action
        self._kernel.after(period, self._tick)

    def _tick(self) -> None:
        self._kernel.after(self._period, self._tick)
        fault = self._calls.meet("scheduler", "start the sweep")
        if fault is not None and fault.kind is FaultKind.DOUBLED:
            self._kernel.after(fault.delay, self._action)
        self._action()
