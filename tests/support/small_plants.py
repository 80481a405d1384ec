"""Which planted bugs break a small world, and which updates it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALL: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "aws": {
        "acknowledge in spite of an error": ("lost",),
        "unique event id": ("lost", "other content"),
        "duplicate by key alone": ("lost", "other content"),
        "probing off by one": ("lost", "other content"),
        "counted before durable": ("lost",),
        "ties by arrival": ("moving", "lost again"),
        "last timestamp instead of version": ("lost", "moving"),
        "failed shipments are forgotten": ("lost",),
        "stream batch swallowed": ("lost",),
        "mark before publish": ("lost",),
        "return early on duplicate": ("lost",),
        "told by opening member only": ("lost", "lost again"),
        "publish failure not pending": ("lost",),
        "over before anybody was told": ("lost", "moving"),
        "told is not read": ("lost",),
        "sweep without the untold": ("lost",),
    },
    "machine": {
        "answers before it commits": ("lost",),
        "position before the rest": ("lost",),
        "position in memory": ("lost",),
        "told, and no alert in the outbox": ("lost",),
        "noted as sent before it is sent": ("lost",),
        "sent, and not noted": ("lost",),
        "an alert in two messages": ("lost",),
        "rederive forgets who was told": ("lost", "lost again"),
    },
}
"""By home and bug, a smallest set of updates whose worlds, enumerated, show it. The others need what
small worlds lack: a storm, a mapping, a file, something invalid, the end of a journey, a read that
is late, two workers at once."""


def updates_that_show(home: str, bug: str) -> str:
    """Return the updates that it takes to see a bug in a small world; empty if none is known."""
    return " + ".join(SMALL[home].get(bug, ()))
