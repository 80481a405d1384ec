"""All checks before a deployment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from waypost.stack.preflight import stack as whole
from waypost.stack.preflight.finding import Check, Finding, gather
from waypost.stack.preflight.runtime import runtime
from waypost.stack.preflight.tables import of_table, owner, strangers, without_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from waypost.stack.stacks import Stack


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to become of a stack.

    Attributes:
        parameters: new values, EnvironmentSuffix among them; others stay.
        drift: whether to look for what was changed by hand, which takes up to two minutes.
        today: the day from which the end of a runtime is judged.
    """

    parameters: Mapping[str, str]
    drift: bool
    today: date


def is_first(resources: Mapping[str, str]) -> bool:
    """Tell whether the resources are those of the first version, which had no queue."""
    return "ShipmentLogsTable" in resources and "IngestQueue" not in resources


def before_making(
    connect: Callable[[str], Any], tables: Sequence[str], asked: Asked
) -> list[Finding]:
    """Return all that keeps a new stack from being made, and then what else is worth knowing.

    Args:
        connect: gives a client of a service; what `gather` does not know is raised as it is.
        tables: that are there by the names of its own.
        asked: what is to become of it.
    """
    checks: dict[str, Check] = {
        "the suffix": partial(whole.new_suffix, asked.parameters),
        "what has no state": partial(without_state, tables),
    }
    for table in tables:
        of_stack = partial(owner, connect("cloudformation"), table)
        checks |= {f"whose table {table} is": of_stack, **of_table(connect("dynamodb"), table)}
    return gather(checks)


def before_update(
    connect: Callable[[str], Any],
    stack: Stack,
    resources: Mapping[str, str],
    asked: Asked,
    pause: Callable[[float], object],
) -> list[Finding]:
    """Return all that stands in the way of an update, and then what else is worth knowing.

    Args:
        connect: as `before_making` has it.
        stack: that is to be updated, with nothing under way.
        resources: its physical ids by its logical ids.
        asked: what is to become of it.
        pause: waits so many seconds.
    """
    client, own = connect("cloudformation"), set(resources.values())
    checks: dict[str, Check] = {
        "the suffix": partial(whole.suffix, stack, asked.parameters),
        "the address": partial(whole.email, stack, asked.parameters),
        "whether other stacks use its exports": partial(
            whole.exports, client, stack, asked.parameters
        ),
    }
    if table := resources.get("ShipmentLogsTable"):
        checks |= of_table(connect("dynamodb"), table)
        checks["whether its new tables are there"] = partial(
            strangers, connect("dynamodb"), table.removeprefix("shipment-logs-"), own
        )
    if function := resources.get("ShipmentProcessorFunction"):
        checks[f"the runtime of {function}"] = partial(
            runtime, connect("lambda"), function, asked.today
        )
    if asked.drift:
        checks["what was changed by hand (drift)"] = partial(
            whole.changed_by_hand, client, stack, pause
        )
    return gather(checks)
