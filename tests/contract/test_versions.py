"""What a store promises to a version that is older than what wrote to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.contract.conftest import STORES, opened
from tests.support.clocks import NOON
from tests.support.stores import SENDER, decided, folded, update
from tests.support.versions import older_version, unread
from waypost.core.entries import Action, Entry, act, mapping, retraction
from waypost.core.errors import NewerEntry
from waypost.core.shipments import fold
from waypost.core.statuses import Status
from waypost.ports import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from waypost.core.entries import Unread
    from waypost.ports import Store

APPENDED, DUPLICATE, _ = Outcome

LOST: Final = update("A", "l", Status.LOST)
RETRACTED: Final = retraction("A", "x", sender=SENDER, event_time=NOON + 1, record_time=NOON)
MUTED: Final = act(
    "A", Action.MUTE, Status.DELAYED, event_id="m", event_time=NOON + 2, record_time=NOON
)
OVER: Final = act(
    "A", Action.RESOLVE, Status.LOST, event_id="r", event_time=NOON + 3, record_time=NOON
)
MAPPED: Final = mapping("DHL", "X1", Status.LOST, event_id="1", event_time=NOON, record_time=NOON)
NEWER: Final[dict[str, tuple[Entry, Unread]]] = {
    "status": (LOST, unread(LOST, "status LOST")),
    "kind": (RETRACTED, unread(RETRACTED, "kind retraction")),
    "action": (MUTED, unread(MUTED, "action mute")),
    "condition": (OVER, unread(OVER, "condition LOST")),
    "mapping": (MAPPED, unread(MAPPED, "status LOST", ("DHL", "X1"))),
}
"""Entries, and how the older version has them."""
each_word = pytest.mark.parametrize(("entry", "seen"), NEWER.values(), ids=list(NEWER))


@pytest.fixture(params=[name for name in STORES if name != "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Return a store that outlives the process, and so the version, that wrote to it."""
    with opened(request.param, tmp_path) as store:
        yield store


@each_word
def test_an_entry_of_a_newer_version_is_there_without_its_meaning(
    store: Store, entry: Entry, seen: Unread
) -> None:
    store.append([entry, update(entry.shipment_id, "known", at=NOON + 9)])
    with older_version():
        history = store.history(entry.shipment_id)
        assert seen in history
        assert len(history) == 2
        assert seen in store.entries()
    assert entry in store.history(entry.shipment_id)


@each_word
def test_its_repeat_is_a_duplicate_and_what_has_the_same_time_is_kept(
    store: Store, entry: Entry, seen: Unread
) -> None:
    store.append([entry])
    tie = update(entry.shipment_id, "tie", at=entry.event_time)
    with older_version():
        assert store.append([entry, tie]) == [DUPLICATE, APPENDED]
        assert seen in store.history(entry.shipment_id)
    assert set(store.history(entry.shipment_id)) == {entry, tie}


@each_word
def test_an_older_version_cannot_write_it_down_without_its_meaning(
    store: Store, entry: Entry, seen: Unread
) -> None:
    with pytest.raises(NewerEntry, match=seen.word):
        store.append([seen])
    assert store.history(entry.shipment_id) == []


def test_whom_a_newer_version_told_of_what_outlives_what_an_older_one_saves(store: Store) -> None:
    store.append([LOST])
    store.save([folded(store, "A")])
    told = store.saved(["A"])["A"].told
    delayed = update("A", "d", Status.DELAYED, at=NOON + 1)
    with older_version():
        saved = store.saved(["A"])["A"]
        assert saved.told == told != frozenset()
        store.append([delayed])
        store.save([decided(fold("A", [delayed]), saved)])
    assert store.saved(["A"])["A"].told == told | {("DELAYED", SENDER, "d")}
