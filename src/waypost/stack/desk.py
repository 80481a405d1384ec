"""Whoever wants something of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.stack.changes import Change
    from waypost.stack.preflight import Finding
    from waypost.stack.progress import Event


class Desk(Protocol):
    """Is told what goes on, and asked what is wanted."""

    def say(self, text: str) -> None:
        """Hear what is going on."""

    def ask(self, question: str) -> bool:
        """Answer a question with yes or no."""

    def found(self, findings: Sequence[Finding]) -> None:
        """See what stands in the way, which comes first, and what else is worth knowing."""

    def show(self, changes: tuple[Change, ...]) -> None:
        """See what would be changed."""

    def event(self, event: Event) -> None:
        """See what happens."""
