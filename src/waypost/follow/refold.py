"""Following the log by position: fold, save, and decide alerts when the window drains."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict, defaultdict
from typing import TYPE_CHECKING, Final

from waypost.core.entries import MAPPINGS, Entry
from waypost.core.errors import NewerEntry, StateConflict, StoreUnavailable, StoreUnusable
from waypost.core.shipments import Fold, Mappings, Ref, Thresholds, mapped_code, read_mappings
from waypost.follow.judge import UNSAVED, judge
from waypost.ports import Followed, Metric, Save, Saved

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from waypost.ports import Clock, LocalStore, Metrics

ROUND: Final = 10_000
"""The most entries, and the most shipments, that one round takes: one transaction."""
KEPT: Final = 30_000
"""How many folds are kept in memory, those used last; others are folded from the log again.
One takes 2 to 3 KB."""

_NO_REFS: Final[frozenset[Ref]] = frozenset()
_Folded = tuple[Fold, frozenset[Ref], Saved]
"""A shipment as folded, which of its entries came in quietly, and what was saved of it."""
_log: Final = logging.getLogger(__name__)


class Follower:
    """Folds what the log has and nobody has folded yet. One per store; not thread-safe."""

    def __init__(
        self, store: LocalStore, *, clock: Clock, metrics: Metrics, thresholds: Thresholds
    ) -> None:
        """Follow ``store`` from where it was followed to."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._thresholds = thresholds
        self._mappings: Mappings | None = None
        self._kept: OrderedDict[str, _Folded] = OrderedDict()
        self._suspect: set[str] | None = None

    def follow(self) -> bool:
        """Follow one round: new entries and rejections, then shipments queued for a re-fold.

        A shipment that cannot be folded goes to the re-fold queue, and the rest moves on. At first
        those come back that an earlier process gave up: it may have been of another version.

        Returns:
            Whether there was anything; if so there may be more.

        Raises:
            StoreUnavailable: nothing of the round was saved; a later call does it again.
            StoreUnusable: likewise, and a retry cannot help.
        """
        self._suspects()
        changes = self._store.changes(ROUND)
        now = self._clock.now()
        queued = self._store.refolds(now, ROUND)
        if not (changes.entries or changes.rejections or queued):
            return False
        codes = map(mapped_code, changes.entries)
        recode = [code for code in codes if code is not None]
        if recode:
            self._kept.clear()
            self._mappings = None
        work: dict[str, list[Entry]] = defaultdict(list)
        for entry in changes.entries:
            if entry.shipment_id != MAPPINGS:
                work[entry.shipment_id].append(entry)
        quiet: dict[str, set[Ref]] = defaultdict(set)
        for shipment_id, ref in changes.quiet:
            quiet[shipment_id].add(ref)
        self._forget(queued)
        saves, failed = self._fold_all({**dict.fromkeys(queued, ()), **work}, quiet, now)
        self._commit(
            Followed(
                saves=tuple(saves),
                position=changes.position,
                rejected_position=changes.rejected_position,
                rejected=Counter(changes.rejections),
                recode=tuple(recode),
                refolded=self._settled(queued, saves),
                failed=failed,
                now=now,
            )
        )
        return True

    def sweep(self) -> bool:
        """Re-fold one round of the shipments whose silence or ETA has come to matter.

        Returns, raises: as `follow`.
        """
        return self._again(self._store.due(self._clock.now(), ROUND), deciding=False)

    def decide(self) -> bool:
        """Decide the alerts of one round of the shipments that call for any.

        Returns, raises: as `follow`.
        """
        return self._again(self._store.undecided(ROUND), deciding=True)

    def _again(self, shipment_ids: Sequence[str], *, deciding: bool) -> bool:
        if not shipment_ids:
            return False
        now = self._clock.now()
        work = dict.fromkeys(shipment_ids, ())
        saves, failed = self._fold_all(work, {}, now, deciding=deciding)
        self._commit(
            Followed(saves=tuple(saves), refolded=self._settled((), saves), failed=failed, now=now)
        )
        # Those that failed are still due or undecided: to come back for them at once is no use.
        return bool(saves)

    def _fold_all(
        self,
        work: Mapping[str, Sequence[Entry]],
        quiet: Mapping[str, set[Ref]],
        now: int,
        *,
        deciding: bool = False,
    ) -> tuple[list[Save], dict[str, str]]:
        saves: list[Save] = []
        failed: dict[str, str] = {}
        unknown = [shipment_id for shipment_id in work if shipment_id not in self._kept]
        known = self._store.saved(unknown) if unknown else {}
        for shipment_id, entries in work.items():
            try:
                said_quietly = frozenset(quiet.get(shipment_id, _NO_REFS))
                folded = self._fold(shipment_id, entries, said_quietly, known.get(shipment_id))
                # What failed is not followed yet, though the position has passed it.
                is_new = bool(said_quietly) or shipment_id in self._suspects()
                fold, all_quiet, saved = folded
                save = judge(fold, saved, all_quiet, now, quiet_is_new=is_new, deciding=deciding)
            except (StoreUnavailable, StoreUnusable):
                raise
            except Exception as error:  # noqa: BLE001 (a bug met one shipment: kept, reported, the rest moves on)
                failed[shipment_id] = self._fail(shipment_id, error)
            else:
                saves.append(save)
                self._kept[shipment_id] = folded
                self._kept.move_to_end(shipment_id)
        return saves, failed

    def _fail(self, shipment_id: str, error: Exception) -> str:
        """Report that a shipment could not be folded; return why, in words."""
        is_bug = not isinstance(error, NewerEntry)
        why = "" if is_bug else f": {error}"
        _log.error("shipment could not be folded%s", why, exc_info=is_bug)
        self._suspects().add(shipment_id)
        self._forget([shipment_id])
        return f"{type(error).__name__}: {error}"[:500]

    def _fold(
        self,
        shipment_id: str,
        entries: Sequence[Entry],
        said_quietly: frozenset[Ref],
        known: Saved | None,
    ) -> _Folded:
        kept = self._kept.get(shipment_id)
        if kept is not None and all(kept[0].extend(entry) for entry in entries):
            fold, quiet, saved = kept
            return fold, quiet | said_quietly, saved
        if self._mappings is None:
            self._mappings = read_mappings(self._store.history(MAPPINGS))
        before = kept[2] if kept else known
        # Of a shipment that was never saved, nothing but these entries was ever followed.
        history, quiet = entries, said_quietly
        if not entries or before is not None or shipment_id in self._suspects():
            history, quiet = self._store.history_and_quiet(shipment_id)
        fold = Fold.of(shipment_id, history, self._mappings, self._thresholds)
        return fold, quiet, before or UNSAVED

    def _settled(self, queued: Iterable[str], saves: Iterable[Save]) -> tuple[str, ...]:
        """Return the folded shipments that were in the re-fold queue, given up ones too."""
        waiting = self._suspects().union(queued)
        return tuple(
            save.shipment.shipment_id for save in saves if save.shipment.shipment_id in waiting
        )

    def _commit(self, followed: Followed) -> None:
        try:
            self._store.commit(followed)
        except StateConflict:
            # Somebody else saved one of these: the next round reads and folds them again.
            self._forget([save.shipment.shipment_id for save in followed.saves])
            return
        except Exception:
            self._forget([save.shipment.shipment_id for save in followed.saves])
            raise
        self._suspects().difference_update(followed.refolded)
        for save in followed.saves:
            self._note(save)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _note(self, save: Save) -> None:
        shipment = save.shipment
        fold, quiet, before = self._kept[shipment.shipment_id]
        saved = Saved(version=before.version + 1, told=save.told, conflicts=shipment.conflicts)
        self._kept[shipment.shipment_id] = (fold, quiet, saved)
        if shipment.conflicts > before.conflicts:
            self._metrics.add(Metric.CONFLICTS, shipment.conflicts - before.conflicts)
        for alert in save.alerts:
            self._metrics.add(Metric.ALERTS, 1, alert.condition.value)

    def _forget(self, shipment_ids: Iterable[str]) -> None:
        for shipment_id in shipment_ids:
            self._kept.pop(shipment_id, None)

    def _suspects(self) -> set[str]:
        """Return the shipments that failed before: for them, unsaved does not mean new.

        Asked for the first time, it has those tried again that were given up.
        """
        if self._suspect is None:
            self._store.retry_given_up()
            self._suspect = set(self._store.failing())
        return self._suspect
