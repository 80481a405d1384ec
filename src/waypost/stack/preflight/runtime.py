"""What going back to a function's old runtime would mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from waypost.stack.lint import catalogue
from waypost.stack.preflight.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


def runtime(client: Any, function: str, today: date) -> Iterator[Finding]:
    """Look whether a failed update could be taken back to a function's runtime.

    Args:
        client: of Lambda.
        function: its name.
        today: the day from which the end of the runtime is judged.
    """
    name = client.get_function(FunctionName=function)["Configuration"].get("Runtime")
    known = catalogue.runtimes().get(name)
    if known is None or today < known.deprecated:
        return
    if known.update_block is None or today < known.update_block:
        until = f" until {known.update_block}" if known.update_block else ""
        yield Finding(
            f"{function} runs on {name}, which ended on {known.deprecated}. Should the update fail, "
            f"the function is taken back to that, which Lambda allows{until}.",
            f"Update before {known.update_block}." if known.update_block else "Update soon.",
            blocks=False,
        )
    else:
        yield Finding(
            f"{function} runs on {name}, and since {known.update_block} Lambda changes no function "
            "to that: should the update fail, it cannot be taken back, and the stack ends in "
            "UPDATE_ROLLBACK_FAILED, with its tables as they are.",
            f"First set `Runtime: {known.successor}` in the template that the stack has, and update "
            "it with that; or go on: another deploy asks then, and says how to skip the function.",
            blocks=False,
        )
