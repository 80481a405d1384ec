"""What an onlooker sees of a machine: what was appended quietly, and what people were told."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from waypost.ports import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.core.entries import Entry
    from waypost.core.shipments import Ref
    from waypost.ports import LocalStore, Message
    from waypost.simulate.world.kernel import Kernel


class Watch:
    """Sees each call take effect; changes nothing.

    Attributes:
        messages: that people got, in their order; one that came twice is in it twice.
        quiet: by shipment, the entries that were appended quietly.
    """

    def __init__(self, kernel: Kernel) -> None:
        """Look at a world whose time is ``kernel``'s."""
        self.messages: list[Message] = []
        self.quiet: dict[str, set[Ref]] = defaultdict(set)
        self._kernel = kernel

    def store(self, inner: LocalStore) -> LocalStore:
        """Return ``inner``, watched."""
        return cast("LocalStore", _WatchedStore(inner, self))

    def appended(self, entry: Entry) -> None:
        """See an entry that was appended quietly."""
        self.quiet[entry.shipment_id].add((entry.sender, entry.event_id))

    def took(self, message: Message) -> None:
        """See a message arrive."""
        self.messages.append(message)
        keys = ", ".join(alert["key"] for alert in message.alerts if "key" in alert)
        self._kernel.note("people", f"get: {message.subject} [{keys}]")


class _WatchedStore:
    """A `LocalStore` of which every append is seen."""

    def __init__(self, inner: LocalStore, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        outcomes = self._inner.append(entries, quiet=quiet)
        if quiet:
            for entry, outcome in zip(entries, outcomes, strict=True):
                if outcome is Outcome.APPENDED:
                    self._watch.appended(entry)
        return outcomes
