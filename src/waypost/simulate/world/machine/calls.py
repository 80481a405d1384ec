"""What a machine calls: its file and its mail server. Each call may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waypost.core.errors import NotifyFailed, StoreUnavailable
from waypost.simulate.world.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.ports import LocalStore, Message
    from waypost.simulate.world.faults import Calls

DISK: Final = "disk"
MAIL: Final = "mail"
WRITES: Final = frozenset(
    {"append", "reject", "settle", "commit", "post", "delivered", "resend", "refold_all"}
)
"""What of a store changes something, and so goes to the disk."""


class CalledStore:
    """A `LocalStore` whose every method is a call that may go wrong."""

    def __init__(self, inner: LocalStore, calls: Calls, actor: str) -> None:
        """Call ``inner`` in the name of ``actor``, a thread of the machine."""
        self._inner = inner
        self._calls = calls
        self._actor = actor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            return self._calls.make(
                self._actor,
                DISK,
                name,
                lambda: method(*arguments, **options),
                errors=_disk_error,
            )

        return call


class Mail:
    """A notifier over the network, and the people behind it. Implements `ports.Notifier`."""

    name: Final = "mail"

    def __init__(self, calls: Calls, took: Callable[[Message], None]) -> None:
        """Send; ``took`` is told of each message that people get."""
        self._calls = calls
        self._took = took

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            NotifyFailed: it did not arrive, or it is not known whether it did.
        """
        self._calls.make(
            "deliverer",
            MAIL,
            f"send {message.subject}",
            lambda: self._took(message),
            errors=_mail_error,
        )


def _disk_error(kind: FaultKind) -> Exception:
    if kind is FaultKind.DISK_FULL:
        return StoreUnavailable("the file cannot grow: the disk is full")
    return StoreUnavailable("the file cannot be read or written")


def _mail_error(kind: FaultKind) -> Exception:
    return NotifyFailed(f"the mail server: {kind}", permanent=False)
