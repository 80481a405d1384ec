"""Rules about data: a table outlives its stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.stack.lint.findings import Rule, hit
from waypost.stack.lint.values import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import View

_TABLES: Final = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
_KEEPS: Final = frozenset({"Retain", "RetainExceptOnCreate", "Snapshot"})


def _outlives(view: View) -> Iterator[Said]:
    for table in view.of(*_TABLES):
        missing = [
            key
            for key in ("DeletionPolicy", "UpdateReplacePolicy")
            if text(table.whole.get(key)) not in _KEEPS
        ]
        if missing:
            yield hit(table, f"it has no {' and no '.join(missing)} that keeps it")


RULES: Final = (
    Rule(
        id="WP801",
        title="A table goes with its stack",
        level="error",
        at_night="Somebody deletes the wrong stack, or changes a key, and the data is gone.",
        fix="DeletionPolicy: RetainExceptOnCreate and UpdateReplacePolicy: Retain. Where the data is "
        "worth nothing, say so in the resource's Metadata.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
        check=_outlives,
    ),
)
