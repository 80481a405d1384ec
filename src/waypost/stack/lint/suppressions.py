"""What a template's author answers for: ``Metadata: waypost: ignore: [{id, reason}]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint.values import listed, member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.template import View

TEMPLATE: Final = ""
"""Where the suppressions of all that is no resource stand: the Metadata of the template."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """One entry of such a list.

    Attributes:
        where: a logical id, or `TEMPLATE`.
        line: in the template, from 1.
        id: of the rule.
        reason: in the author's words; empty if there is none.
    """

    where: str
    line: int
    id: str
    reason: str


def suppressions(view: View) -> Iterator[Suppression]:
    """Return all suppressions of a template."""
    places: list[tuple[str, Any]] = [(TEMPLATE, view.document.get("Metadata"))]
    places += [(resource.name, resource.whole.get("Metadata")) for resource in view.all.values()]
    for where, metadata in places:
        for one in listed(member(metadata, "waypost", "ignore")):
            reason = member(one, "reason")
            words = reason.strip() if isinstance(reason, str) else ""
            yield Suppression(where, getattr(one, "line", 1), str(member(one, "id")), words)
