"""Following on AWS: fold whole histories, publish one digest, save who was told.

Publishing comes before saving, so an alert is sent twice if the function dies in between, or if two
runs decide on one shipment at the same moment; it is never lost.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from waypost.aws_lambda.environment import CONNECTIONS, explain
from waypost.aws_lambda.workers import Workers
from waypost.core.entries import MAPPINGS
from waypost.core.errors import NotifyFailed, StateConflict, StoreUnavailable
from waypost.core.incidents import Alert, alert_json, tell
from waypost.core.shipments import Fold, Mappings, Thresholds, read_mappings
from waypost.follow.digest import LISTED, compose
from waypost.follow.judge import UNSAVED, judge
from waypost.ports import AlertKind, Metric, Save, Saved, Sent, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from waypost.core.shipments import CodeKey, Ref
    from waypost.ports import Clock, Metrics, Notifier

TRIES: Final = 4
"""How often a shipment is folded at most because somebody else saved it first."""

_log: Final = logging.getLogger(__name__)


class FollowedStore(Store, Protocol):
    """A store whose log is followed by shipment, not by position."""

    def with_codes(self, keys: Collection[CodeKey], after: str | None = None) -> Iterator[str]:
        """Return the shipments that have one of these codes, by shipment id, from one on."""


@dataclass(slots=True)
class Round:
    """What a round of following came to.

    Attributes:
        followed: how many shipments were folded and saved.
        failed: the shipments that were not.
        unsent: why nobody was told, where somebody should have been; the sweep tries again.
    """

    followed: int = 0
    failed: list[str] = field(default_factory=list)
    unsent: NotifyFailed | None = None


@dataclass(frozen=True, slots=True)
class _Folded:
    """A shipment as its whole history has it, and what follows from that."""

    fold: Fold
    quiet: frozenset[Ref]
    saved: Saved
    save: Save

    def judged_again(
        self, now: int, alerts: tuple[Alert, ...] = (), sent: Sent | None = None
    ) -> Save:
        """Return what is to be saved where these alerts were sent, and no others are now."""
        saved = replace(self.saved, told=tell(self.saved.told, alerts))
        save = _judge(self.fold, saved, self.quiet, now, deciding=False)
        return replace(save, alerts=alerts, sent=sent)


class Following:
    """Re-folds shipments, and tells people. Not thread-safe."""

    def __init__(
        self,
        store: FollowedStore,
        channel: Notifier,
        *,
        clock: Clock,
        metrics: Metrics,
        thresholds: Thresholds,
        environment: str,
        workers: int = CONNECTIONS,
    ) -> None:
        """Follow ``store``; tell people through ``channel``, in the name of ``environment``.

        So many `Workers` fold, and then save.
        """
        self._store = store
        self._channel = channel
        self._clock = clock
        self._metrics = metrics
        self._thresholds = thresholds
        self._environment = environment
        self._workers = Workers(workers)

    def follow(
        self, shipment_ids: Iterable[str], *, is_time_left: Callable[[], bool] = lambda: True
    ) -> Round:
        """Re-fold shipments, send one message of all that people must know, and save.

        Args:
            shipment_ids: which; one that is there twice is folded once.
            is_time_left: asked before each fold, by any thread; what it denies is left as it is.

        Raises:
            StoreUnavailable: nothing was sent and nothing saved; a later call does it again.
            StoreUnusable: likewise, and a retry cannot help.
        """
        ids = list(dict.fromkeys(shipment_ids))
        outcome = Round()
        if not ids:
            return outcome
        now = self._clock.now()
        known = self._store.saved(ids)
        folded = self._fold_all(ids, known, now, is_time_left, outcome)
        try:
            sent = self._tell([alert for one in folded for alert in one.save.alerts], now)
        except NotifyFailed as error:
            outcome.unsent = error
            saves = [one.judged_again(now) for one in folded]
        else:
            saves = [replace(one.save, sent=sent) for one in folded]
        self._save_all(folded, saves, outcome, now)
        return outcome

    def report(self, problems: Sequence[str]) -> None:
        """Tell people of rejected events, in one message.

        Args:
            problems: the first problem of each.

        Raises:
            NotifyFailed: nobody was told.
        """
        if problems:
            self._send(AlertKind.REJECTED, Counter(problems), [], self._clock.now())

    def _mappings(self) -> Mappings:
        return read_mappings(self._store.history(MAPPINGS))

    def _fold_all(
        self,
        ids: Sequence[str],
        known: Mapping[str, Saved],
        now: int,
        is_time_left: Callable[[], bool],
        outcome: Round,
    ) -> list[_Folded]:
        mappings = self._mappings()

        def fold(shipment_id: str) -> _Folded | Exception | None:
            if not is_time_left():
                return None
            try:
                return self._fold(shipment_id, known.get(shipment_id, UNSAVED), mappings, now)
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 (a bug met one shipment: reported, the rest moves on)
                return error

        folded: list[_Folded] = []
        for shipment_id, found in zip(ids, self._workers.each(fold, ids), strict=True):
            if isinstance(found, Exception):
                _fail(outcome, shipment_id, found)
            elif found is not None:
                folded.append(found)
        return folded

    def _fold(self, shipment_id: str, saved: Saved, mappings: Mappings, now: int) -> _Folded:
        history, quiet = self._store.history_and_quiet(shipment_id)
        fold = Fold.of(shipment_id, history, mappings, self._thresholds)
        return _Folded(fold, quiet, saved, _judge(fold, saved, quiet, now, deciding=True))

    def _tell(self, alerts: Sequence[Alert], now: int) -> Sent | None:
        if not alerts:
            return None
        worst_first = sorted(alerts, key=lambda alert: (alert.condition.severity, alert.opened_at))
        counts = Counter(alert.condition.value for alert in worst_first)
        listed = [alert_json(alert) for alert in worst_first[:LISTED]]
        sent = self._send(AlertKind.INCIDENT, counts, listed, now)
        for condition, count in counts.items():
            self._metrics.add(Metric.ALERTS, count, condition)
        return sent

    def _send(
        self, kind: AlertKind, counts: Mapping[str, int], first: list[dict[str, Any]], now: int
    ) -> Sent:
        message = compose(
            kind,
            counts,
            first,
            message_id=self._clock.new_id(),
            now=now,
            environment=self._environment,
        )
        name = self._channel.name
        try:
            self._channel.send(message)
        except NotifyFailed as error:
            self._metrics.add(Metric.MESSAGES, 1, name, "failed")
            _log.error("nobody was told: %s", error)
            raise
        self._metrics.add(Metric.MESSAGES, 1, name, "sent")
        return Sent(message.message_id, name, now)

    def _save_all(
        self, folded: Sequence[_Folded], saves: Sequence[Save], outcome: Round, now: int
    ) -> None:
        def save(place: int) -> Exception | None:
            try:
                self._save(saves[place], folded[place].saved, now)
            except Exception as error:  # noqa: BLE001 (people were told of the others too: they have to be saved)
                return error
            return None

        errors = self._workers.each(save, range(len(saves)))
        for one, error in zip(saves, errors, strict=True):
            if error is None:
                outcome.followed += 1
            else:
                _fail(outcome, one.shipment.shipment_id, error)

    def _save(self, save: Save, saved: Saved, now: int) -> None:
        """Save a shipment; if somebody else did meanwhile, fold it again, with what was sent.

        Raises:
            StateConflict: if that happened too often.
        """
        shipment_id = save.shipment.shipment_id
        for _ in range(TRIES - 1):
            try:
                self._store.save([save])
                break
            except StateConflict:
                saved = self._store.saved([shipment_id]).get(shipment_id, UNSAVED)
                again = self._fold(shipment_id, saved, self._mappings(), now)
                save = again.judged_again(now, save.alerts, save.sent)
        else:
            self._store.save([save])
        conflicts = save.shipment.conflicts - saved.conflicts
        if conflicts > 0:
            self._metrics.add(Metric.CONFLICTS, conflicts)


def _judge(fold: Fold, saved: Saved, quiet: frozenset[Ref], now: int, *, deciding: bool) -> Save:
    is_new = len(quiet) != saved.quiet
    return judge(fold, saved, quiet, now, quiet_is_new=is_new, deciding=deciding)


def _fail(outcome: Round, shipment_id: str, error: Exception) -> None:
    _log.error("shipment %s not followed: %s", shipment_id, explain(error))
    outcome.failed.append(shipment_id)
