"""What an operator says that a carrier's code means."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.core.entries import CodeMapping, Entry, Unread
from waypost.core.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

CodeKey = tuple[str, str]
"""A carrier and its code, in the form in which they are compared; no carrier is empty."""
Mappings = MappingProxyType[CodeKey, Status | Unread]
"""What codes mean. Of one whose newest mapping this version cannot read, that mapping."""

NO_MAPPINGS: Final[Mappings] = MappingProxyType({})


def code_key(carrier: str | None, code: str) -> CodeKey:
    """Return the form in which a carrier's code is compared: without case or outer space."""
    return (carrier or "").strip().upper(), code.strip().upper()


def mapped_code(entry: Entry) -> CodeKey | None:
    """Return the code whose meaning an entry gives, None if it gives none."""
    match entry:
        case CodeMapping():
            return code_key(entry.carrier, entry.code)
        case Unread(code=(carrier, code)):
            return code_key(carrier, code)
        case _:
            return None


def read_mappings(entries: Iterable[Entry]) -> Mappings:
    """Return what each mapped code means: of several mappings the newest (time, id) wins."""
    oldest_first = sorted(
        (entry for entry in entries if isinstance(entry, CodeMapping | Unread)),
        key=lambda entry: (entry.event_time, entry.event_id, entry.fingerprint),
    )
    meanings: dict[CodeKey, Status | Unread] = {}
    for entry in oldest_first:
        if (key := mapped_code(entry)) is not None:
            meanings[key] = entry.status if isinstance(entry, CodeMapping) else entry
    return MappingProxyType(meanings)
