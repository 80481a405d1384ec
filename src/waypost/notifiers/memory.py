"""Keeps messages in memory: for tests, and for runs that alert nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waypost.core.errors import NotifyFailed

if TYPE_CHECKING:
    from waypost.ports import Message


class MemoryNotifier:
    """Takes messages into a list, or fails for as long as it is told to.

    Attributes:
        name: as `waypost.ports.Notifier.name`.
        messages: what it took, in order; a message that was sent twice is in it twice.
    """

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.messages: list[Message] = []
        self._permanent: bool | None = None

    def fail(self, *, permanent: bool) -> None:
        """Refuse all messages from now on."""
        self._permanent = permanent

    def recover(self) -> None:
        """Take messages again."""
        self._permanent = None

    def send(self, message: Message) -> None:
        """Keep a message.

        Raises:
            NotifyFailed: while it was told to fail.
        """
        if self._permanent is not None:
            raise NotifyFailed("refused, as it was told to", permanent=self._permanent)
        self.messages.append(message)
