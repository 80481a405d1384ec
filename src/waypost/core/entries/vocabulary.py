"""The closed sets of words in an entry, and which version knows them.

Whoever adds one reads ``docs/adr/0015-new-words-for-new-meanings.md`` first: an older version that
meets it leaves that shipment alone.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.core.entries.kinds import Action
from waypost.core.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUSES: Final = frozenset(status.value for status in Status)

VOCABULARY: Final = MappingProxyType(
    {
        "kind": frozenset({"update", "retraction", "act", "mapping"}),
        "status": _STATUSES,
        "action": frozenset(action.value for action in Action),
        "condition": _STATUSES,
    }
)
"""What each of an entry's words may be, by its name in every store; in the order to look at them."""


def unknown_word(words: Mapping[str, str]) -> str | None:
    """Return the first word that is not in the vocabulary, with its name; None if all are."""
    for name, known in VOCABULARY.items():
        if name in words and words[name] not in known:
            return f"{name} {words[name]}"
    return None
