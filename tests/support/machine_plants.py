"""Bugs to plant in Waypost's home on one machine: each breaks the law that is there for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tests.support.machine_worlds import MOVED, QUIET, SMALL, STORM, TIES, deaths
from waypost.core.errors import NotifyFailed, StoreUnavailable
from waypost.core.shipments import Fold
from waypost.follow.deliver import Deliverer
from waypost.follow.digest import Digester
from waypost.ports import DeliveryState, Followed, Outcome
from waypost.simulate.world.machine import home, running
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from waypost.core.entries import Entry
    from waypost.ports import AlertKind, Changes, Delivery, Pending
    from waypost.simulate.world.machine.scenario import MachineScenario

Plant = Callable[["pytest.MonkeyPatch"], None]


class AnswersBeforeItCommits(SqliteStore):
    """Answers at once, and commits when it is next looked at."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.uncommitted: list[tuple[Sequence[Entry], bool]] = []

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        self.uncommitted.append((entries, quiet))
        return [Outcome.APPENDED] * len(entries)

    def changes(self, limit: int) -> Changes:
        while self.uncommitted:
            entries, quiet = self.uncommitted.pop(0)
            super().append(entries, quiet=quiet)
        return super().changes(limit)


class CommitsThePositionFirst(SqliteStore):
    """Needs two transactions for a round of following; once the disk fails between them."""

    has_failed = False

    def commit(self, followed: Followed) -> None:
        super().commit(
            Followed(
                position=followed.position,
                rejected_position=followed.rejected_position,
                now=followed.now,
            )
        )
        if not self.has_failed:
            self.has_failed = True
            raise StoreUnavailable("the disk failed between two transactions")
        super().commit(followed)


class NotesWhoWasToldAndNoAlert(SqliteStore):
    def commit(self, followed: Followed) -> None:
        saves = tuple(replace(save, alerts=()) for save in followed.saves)
        super().commit(replace(followed, saves=saves))


class KeepsThePositionInMemory(SqliteStore):
    """Begins, after a start, with what comes next."""

    position: int | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        behind = self.behind()
        if behind:
            super().commit(Followed(position=super().changes(behind).position, now=0))


class ForgetsWhatCameQuietly(SqliteStore):
    def changes(self, limit: int) -> Changes:
        return replace(super().changes(limit), quiet=frozenset())


class CountsOnlyWhatItLists(SqliteStore):
    def pending(self, kind: AlertKind, first: int) -> Pending | None:
        pending = super().pending(kind, first)
        if pending is None:
            return None
        counts = {name: min(count, first) for name, count in pending.counts.items()}
        return replace(pending, counts=counts)


class KeepsMessagesAfterTheyWerePosted(SqliteStore):
    """Puts an alert into a message, and leaves it in the outbox for the next one."""

    def post(self, message: Any, last: int, notifiers: Sequence[str]) -> None:
        super().post(message, last, notifiers)
        if message.alerts:
            with self._database.writing() as connection:
                connection.execute("UPDATE alerts SET message_id = NULL WHERE number = ?", (last,))


class ForgetsWhoWasTold(SqliteStore):
    def refold_all(self) -> int:
        with self._database.writing() as connection:
            connection.execute("UPDATE shipments SET told = NULL")
        return super().refold_all()


class NotesBeforeItSends(Deliverer):
    def deliver(self) -> bool:
        some: list[Delivery] = self._store.deliveries("mail", self._clock.now(), 1)
        for delivery in some:
            self._note(delivery, DeliveryState.SENT, "sent")
            try:
                self._notifier.send(delivery.message)
            except NotifyFailed as error:
                self._failed(delivery, error)
        return bool(some)


class NotesNothing(Deliverer):
    def _note(self, delivery: Delivery, *arguments: Any, **options: Any) -> None:
        if delivery.attempts < 3:
            super()._note(delivery, DeliveryState.WAITING, "failed", error="", not_before=0)
        else:
            super()._note(delivery, *arguments, **options)


class HasNoWindow(Digester):
    def may_post(self, _: AlertKind) -> bool:
        return True


def store(kind: type[SqliteStore]) -> Plant:
    return lambda patch: patch.setattr(running, "SqliteStore", kind)


def deliverer(kind: type[Deliverer]) -> Plant:
    return lambda patch: patch.setattr(home, "Deliverer", kind)


def ties_by_arrival(patch: pytest.MonkeyPatch) -> None:
    order = Fold.order
    patch.setattr(Fold, "order", lambda fold, entry: (*order(fold, entry)[:2], "", ""))


@dataclass(frozen=True)
class Bug:
    """A bug, the law that is there for it, and worlds in one of which it breaks that law."""

    plant: Plant
    law: str
    worlds: Iterable[MachineScenario] = (SMALL,)


BUGS: Final[dict[str, Bug]] = {
    "answers before it commits": Bug(
        store(AnswersBeforeItCommits), "every_update_is_kept_once", deaths("follower")
    ),
    "position before the rest": Bug(store(CommitsThePositionFirst), "state_is_the_fold_of_the_log"),
    "position in memory": Bug(
        store(KeepsThePositionInMemory), "state_is_the_fold_of_the_log", deaths("writer")
    ),
    "told, and no alert in the outbox": Bug(
        store(NotesWhoWasToldAndNoAlert), "who_counts_as_told_has_an_alert"
    ),
    "noted as sent before it is sent": Bug(
        deliverer(NotesBeforeItSends), "every_alert_reached_people", deaths("deliverer")
    ),
    "sent, and not noted": Bug(deliverer(NotesNothing), "a_message_is_sent_again_only_in_doubt"),
    "an alert in two messages": Bug(
        store(KeepsMessagesAfterTheyWerePosted), "an_alert_is_in_one_message"
    ),
    "quiet is forgotten": Bug(
        store(ForgetsWhatCameQuietly), "what_came_quietly_alerts_nobody", (QUIET,)
    ),
    "ties by arrival": Bug(
        ties_by_arrival,
        "state_is_the_fold_of_the_log",
        (replace(TIES, seed=seed) for seed in range(8)),
    ),
    "rederive forgets who was told": Bug(store(ForgetsWhoWasTold), "nobody_hears_again", (MOVED,)),
    "a digest that cuts its count": Bug(
        store(CountsOnlyWhatItLists), "a_storm_is_a_handful_of_messages", (STORM,)
    ),
    "no window": Bug(
        lambda patch: patch.setattr(home, "Digester", HasNoWindow),
        "a_storm_is_a_handful_of_messages",
        (STORM,),
    ),
}
