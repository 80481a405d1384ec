"""Where an entry is kept: its event time, or near it where other entries have that key."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR: Final = 4
"""The event time itself and the next milliseconds come first: most ties are of two or three."""
TRIES: Final = 64
"""So many keys are tried; then the key is full and the entry is quarantined."""
SPREAD: Final = 9_973
"""A prime: hundreds of entries of one time (files with dates only) spread over ten seconds."""


def probes(event_time: int, event_id: str) -> Iterator[int]:
    """Return the keys that an entry may have, in the order in which to try them.

    The order depends on the entry alone, so a repeat walks the same way and meets the original.
    Probing one after the other alone would refuse most of 300 entries that share a time.
    """
    yield from range(event_time, event_time + NEAR)
    digest = hashlib.blake2b(event_id.encode(), digest_size=8).digest()
    start = int.from_bytes(digest, "big")
    for i in range(TRIES - NEAR):
        yield event_time + NEAR + (start + i) % SPREAD
