"""The hands on a store itself, and on that of a data folder where no server runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from waypost.bootstrap import build
from waypost.cli import output
from waypost.cli.hands import Rederived, Said, Tally, Watch
from waypost.core.entries import Action
from waypost.core.statuses import Status
from waypost.core.times import DAY
from waypost.ports import AlertKind, Outcome, Rejection

if TYPE_CHECKING:
    from waypost.bootstrap import FolderLock
    from waypost.operate import Operator
    from waypost.record import Recorded
    from waypost.settings import Settings

_PAUSE: Final = 0.5


class StoreHands:
    """What any store can do of `waypost.cli.hands.Hands`.

    Attributes:
        appended: how many entries they have added to the log.
    """

    def __init__(self, operator: Operator) -> None:
        """Do it with ``operator``."""
        self._operator = operator
        self.appended = 0

    def put(self, detail: object) -> Said:
        return self._said(self._operator.put(detail, json.dumps(detail)))

    def take(self, lines: Sequence[str], *, quiet: bool) -> Tally:
        recorded = self._operator.take(lines, quiet=quiet)
        appended = recorded.count(Outcome.APPENDED)
        self.appended += appended
        return Tally(
            appended=appended,
            duplicates=recorded.count(Outcome.DUPLICATE),
            rejected=sum(isinstance(result, Rejection) for result in recorded),
        )

    def act(self, shipment_id: str, action: Action, condition: Status) -> Said:
        return self._said(self._operator.act(shipment_id, action, condition))

    def map_code(self, carrier: str | None, code: str, status: Status) -> Said:
        return self._said(self._operator.map_code(carrier, code, status))

    def retract(self, shipment_id: str, event_id: str, reason: str | None) -> Said:
        return self._said(self._operator.retract(shipment_id, event_id, reason))

    def replay(self, rejection_id: str) -> Said:
        return self._said(self._operator.replay(rejection_id))

    def drop(self, rejection_id: str) -> None:
        self._operator.drop(rejection_id)

    def _said(self, recorded: Recorded) -> Said:
        if isinstance(recorded, Rejection):
            return Said(
                outcome="rejected",
                rejection_id=recorded.rejection_id,
                problems=recorded.problems,
            )
        self.appended += recorded is Outcome.APPENDED
        return Said(outcome=recorded.value)


class DirectHands(StoreHands):
    """Implements `waypost.cli.hands.Hands`; the state is up to date when they are closed."""

    def __init__(self, settings: Settings, lock: FolderLock) -> None:
        """Open the store of the folder, the right to which they take over."""
        with ExitStack() as undo:
            undo.callback(lock.release)
            self._machine = build(settings)
            self._undo = undo.pop_all()
        self._undo.callback(self._machine.stop)
        super().__init__(self._machine.operator)

    def resend(self, message_id: str) -> int:
        return self._machine.store.resend(message_id)

    def rederive(self, watch: Watch) -> Rederived:
        store, clock = self._machine.store, self._machine.clock
        total = store.refold_all()
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(self._machine.following.finish)
            while wait([work], timeout=_PAUSE).not_done:
                watch(total - len(store.refolds(clock.now() + DAY, total)), total)
            work.result()
        return Rederived(shipments=total, failed=len(store.failing()))

    def close(self) -> None:
        """Bring the state up to date; say if alerts wait for a server that sends them."""
        with self._undo:
            with output.console(stderr=True).status("Folding"):
                self._machine.following.finish()
            waiting = [self._machine.store.pending(kind, 0) for kind in AlertKind]
            count = sum(sum(pending.counts.values()) for pending in waiting if pending)
        if count:
            output.note(f"Alerts that wait: {count}. They go out when `waypost serve` runs.")
