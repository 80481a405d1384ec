"""Two versions of Waypost: this one, and one before it that knew fewer words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from waypost.core import statuses
from waypost.core.entries import Action, Unread, vocabulary
from waypost.core.entries.vocabulary import VOCABULARY
from waypost.core.statuses import Status
from waypost.stores.dynamodb import items
from waypost.stores.sqlite import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from waypost.core.entries import Entry

NEWER: Final = frozenset({"retraction", "LOST", "mute"})
"""The words that the older version lacks: a kind, a status and an action."""


def unread(entry: Entry, word: str, code: tuple[str | None, str] | None = None) -> Unread:
    """Return an entry as a version has it that does not know a word of it."""
    return Unread(
        shipment_id=entry.shipment_id,
        sender=entry.sender,
        event_id=entry.event_id,
        event_time=entry.event_time,
        record_time=entry.record_time,
        fingerprint=entry.fingerprint,
        word=word,
        code=code,
    )


@contextmanager
def older_version() -> Iterator[None]:
    """Run what follows as the older version: what `NEWER` names is unknown to it."""
    known = {name: words - NEWER for name, words in VOCABULARY.items()}
    statuses_known = {s.value: s for s in Status if s.value not in NEWER}
    sent = {word: status for word, status in statuses._SENT.items() if word not in NEWER}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "VOCABULARY", known)
        patch.setattr(statuses, "_SENT", sent)
        for store in (items, rows):
            patch.setattr(store, "STATUSES", statuses_known)
            patch.setattr(store, "Action", _action)
        patch.setattr(items, "_read", _without_kinds(items._read, lambda i: i["kind"]["S"]))
        patch.setattr(rows, "_read_other", _without_kinds(rows._read_other, lambda r: r[2]))
        yield


def _action(word: str) -> Action:
    if word in NEWER:
        raise ValueError(word)
    return Action(word)


def _without_kinds(read: Callable[[Any], Entry], kind_of: Callable[[Any], str]) -> Any:
    def read_known(stored: Any) -> Entry:
        if kind_of(stored) in NEWER:
            raise ValueError(kind_of(stored))
        return read(stored)

    return read_known
