"""What is found before a deployment, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from waypost.stack.connection import DENIED, NOT_KNOWN, error_code

if TYPE_CHECKING:
    from collections.abc import Mapping

_GONE: Final = frozenset({"ResourceNotFoundException", "TableNotFoundException"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know before a stack is made or updated.

    Attributes:
        what: it is.
        way_out: what to do about it.
        blocks: whether nothing is changed as long as it is so.
    """

    what: str
    way_out: str
    blocks: bool


Check = Callable[[], Iterator[Finding]]
"""Something that is looked at; AWS's errors come through."""


def gather(checks: Mapping[str, Check]) -> list[Finding]:
    """Return what the checks find, what blocks first.

    What AWS refuses to say, or what stands in for AWS does not know, is a finding too.

    Args:
        checks: by what each looks at; their other errors are raised as they are.
    """
    found = [finding for what, check in checks.items() for finding in _tried(what, check)]
    return sorted(found, key=lambda finding: not finding.blocks)


def _tried(what: str, check: Check) -> list[Finding]:
    try:
        return [*check()]
    except ClientError as error:
        code = error_code(error)
        if code in _GONE:
            way_out = "Make it again by its name, a table from a backup; an update cannot."
            return [Finding(f"Not there any more: {what}.", way_out, blocks=True)]
        if code in DENIED:
            way_out = "Grant that call, or look yourself."
            why = f"AWS refused {error.operation_name} ({code})"
        elif code in NOT_KNOWN:
            way_out = "AWS knows it."
            why = f"what answers here does not know {error.operation_name}"
        else:
            raise
        return [Finding(f"Not checked: {what}; {why}.", way_out, blocks=False)]
