"""What an operator works on of a stack: its tables, and the queue of what is to be folded again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.aws_lambda.wiring import read_thresholds
from waypost.core.errors import InvalidSettings, Problem, StoreUnusable
from waypost.stack import stacks

if TYPE_CHECKING:
    from waypost.core.shipments import Thresholds

_NEEDED: Final = ("ShipmentLogsTable", "ShipmentStateTable", "ShipmentRejectedTable", "RefoldQueue")
"""The template's names for what `Operated` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operated:
    """What an operator works on of one stack.

    Attributes:
        logs: the table of updates.
        state: the table of shipments.
        rejected: the table of rejected events.
        refolds: the address of the re-fold queue.
        thresholds: by which the stack's functions judge silence.
        window: so many seconds may pass before what was recorded is followed.
    """

    logs: str
    state: str
    rejected: str
    refolds: str
    thresholds: Thresholds
    window: int


def look_up(client: Any, name: str, env: str, again: str) -> Operated:
    """Ask CloudFormation what a stack is made of.

    Args:
        client: of CloudFormation; its errors are raised as they are.
        name: of the stack.
        env: the EnvironmentSuffix that it must have.
        again: the options that name it to the `stack` commands, for messages.

    Raises:
        StoreUnusable: there is no such stack, or what is needed of it is not there (yet).
        InvalidSettings: it is the stack of another environment.
    """
    stack = stacks.find(client, name)
    if stack is None or stack.is_empty:
        raise StoreUnusable(
            f"there is no stack {name} in this account and in {client.meta.region_name}: deploy it "
            f"with `waypost stack deploy {again}`, or name another one"
        )
    suffix = stack.parameters.get("EnvironmentSuffix", env)
    if suffix != env:
        message = f"the stack {name} is of the environment {suffix}, not {env}"
        raise InvalidSettings([Problem("--stack", message)])
    found = stacks.physical_ids(client, name)
    if missing := [one for one in _NEEDED if one not in found]:
        raise StoreUnusable(
            f"the stack {name} is in {stack.status} and has no {', '.join(missing)}: bring it to "
            f"this version with `waypost stack deploy {again}`"
        )
    logs, state, rejected, refolds = (found[one] for one in _NEEDED)
    return Operated(
        logs=logs,
        state=state,
        rejected=rejected,
        refolds=refolds,
        thresholds=read_thresholds({"STALLED_HOURS": stack.parameters.get("StalledHours", "")}),
        window=int(stack.parameters.get("AlertWindowSeconds", 0)),
    )
