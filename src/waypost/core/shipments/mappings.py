"""What an operator says that a carrier's code means."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.core.entries import CodeMapping, Entry
from waypost.core.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

CodeKey = tuple[str, str]
"""A carrier and its code, in the form in which they are compared; no carrier is empty."""
Mappings = MappingProxyType[CodeKey, Status]

NO_MAPPINGS: Final[Mappings] = MappingProxyType({})


def code_key(carrier: str | None, code: str) -> CodeKey:
    """Return the form in which a carrier's code is compared: without case or outer space."""
    return (carrier or "").strip().upper(), code.strip().upper()


def read_mappings(entries: Iterable[Entry]) -> Mappings:
    """Return what each mapped code means: of several mappings the newest (time, id) wins."""
    oldest_first = sorted(
        (entry for entry in entries if isinstance(entry, CodeMapping)),
        key=lambda entry: (entry.event_time, entry.event_id, entry.fingerprint),
    )
    return MappingProxyType({code_key(e.carrier, e.code): e.status for e in oldest_first})
