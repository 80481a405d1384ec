"""The rule about exceptions from rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.stack.lint.findings import Hit, Rule
from waypost.stack.lint.suppressions import suppressions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import View


def _has_a_reason(view: View) -> Iterator[Said]:
    from waypost.stack.lint.rules import RULES

    for one in suppressions(view):
        if one.id not in RULES:
            yield Hit(one.where, one.line, f"there is no rule {one.id} to suppress")
        elif not one.reason:
            yield Hit(one.where, one.line, f"{one.id} is suppressed without a reason")


RULES: Final = (
    Rule(
        id="WP001",
        title="A suppression that does not say why",
        level="warning",
        at_night="Somebody knew of it once, and nobody knows what.",
        fix="Metadata: waypost: ignore: [{id: WP101, reason: the reason}]. Without one it does not "
        "count.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-metadata.html",
        check=_has_a_reason,
    ),
)
