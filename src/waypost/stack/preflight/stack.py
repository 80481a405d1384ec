"""Whether a stack can become what is asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from waypost.stack import drift
from waypost.stack.connection import error_code
from waypost.stack.preflight.finding import Finding
from waypost.stack.render import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from waypost.stack.stacks import Stack

EXPORTS: Final = {
    "EventBridgeRule": "shipment-update-rule",
    "LambdaArn": "shipment-processor",
    "TableName": "shipment-logs",
    "SNSTopicArn": "logistics-alerts",
}
"""What the template exports as STACK-NAME, and how the value ends but for the suffix."""
_SUFFIXES: Final = "1 to 32 lowercase letters, digits and inner hyphens"
_NOBODYS: Final = re.compile(
    r"@(.+\.)?(test\.com|example\.(com|net|org)|example|test|invalid|localhost)$", re.IGNORECASE
)
"""Domains that are for examples (RFC 2606, RFC 6761), and the one of the first template's default."""


def new_suffix(wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Look whether the names of a new stack can end in what is wanted."""
    env = wanted["EnvironmentSuffix"]
    if SUFFIX.fullmatch(env) is None:
        yield Finding(f"No name can end in {env}.", f"--env with {_SUFFIXES}.", blocks=True)


def suffix(stack: Stack, wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Look whether the names of a stack end in what is wanted, and may."""
    env = wanted["EnvironmentSuffix"]
    has = stack.parameters.get("EnvironmentSuffix", env)
    if has != env:
        yield Finding(
            f"The stack is of the environment {has}, not {env}: every name would change, and new, "
            "empty tables would take the place of its tables.",
            f"--env {has}, or another --stack-name.",
            blocks=True,
        )
    if SUFFIX.fullmatch(has) is None:
        yield Finding(
            f"Its suffix {has} is none that names can end in any more: {_SUFFIXES}. Nothing is "
            "lost: the stack stays as it is and goes on recording.",
            "Make a second stack with another --env, and import these rows into it: "
            "docs/how-to/upgrade.md, `A suffix that is no longer allowed`.",
            blocks=True,
        )


def email(stack: Stack, wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Look whether an address stays that is nobody's, or somebody else's."""
    address = stack.parameters.get("AlertEmail", "")
    if "AlertEmail" not in wanted and _NOBODYS.search(address):
        yield Finding(
            f"Its AlertEmail is {address}: an address for examples, or the first template's default, "
            "which is somebody else's. Alerts go there, or nowhere.",
            "--alert-email ADDRESS, or --alert-email '' for nobody.",
            blocks=True,
        )


def exports(client: Any, stack: Stack, wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Look whether other stacks use what an update would change or remove.

    Args:
        client: of CloudFormation.
        stack: that is to be updated.
        wanted: the parameters, EnvironmentSuffix among them.
    """
    env = wanted["EnvironmentSuffix"]
    kept = {f"{stack.name}-{name}": f"{ends}-{env}" for name, ends in EXPORTS.items()}
    for name, value in stack.exports.items():
        if name in kept and value.endswith(kept[name]):
            continue
        if importers := _importers(client, name):
            yield Finding(
                f"The update would {'change' if name in kept else 'remove'} the export {name}, "
                f"which {', '.join(importers)} use: CloudFormation refuses that.",
                "Take Fn::ImportValue out of them first.",
                blocks=True,
            )


def _importers(client: Any, export: str) -> list[str]:
    names: list[str] = []
    more: dict[str, str] = {}
    while True:
        try:
            page = client.list_imports(ExportName=export, **more)
        except ClientError as error:
            if "is not imported" in str(error):
                return names
            raise
        names += page["Imports"]
        if not page.get("NextToken"):
            return names
        more = {"NextToken": page["NextToken"]}


def changed_by_hand(
    client: Any, stack: Stack, pause: Callable[[float], object]
) -> Iterator[Finding]:
    """Look what somebody changed of what the stack made.

    Args:
        client: of CloudFormation.
        stack: with nothing under way.
        pause: waits so many seconds.
    """
    try:
        found = drift.detect(client, stack.stack_id, pause)
    except ClientError as error:
        if error_code(error) != "ValidationError":
            raise
        way_out = "Try it again, or --no-drift."  # another detection is under way, perhaps
        yield Finding(f"Not looked at for changes by hand: {error}.", way_out, blocks=False)
        return
    if found.incomplete:
        yield Finding(
            f"Not all was looked at for changes by hand: {found.incomplete}.",
            f"aws cloudformation detect-stack-drift --stack-name {stack.name}",
            blocks=False,
        )
    for one in found.drifted:
        name = f"{one.logical_id} ({one.physical_id})"
        if one.is_gone:
            yield Finding(
                f"{name} was deleted by hand: an update fails at it.",
                "Make it again as it was, by that name.",
                blocks=True,
            )
        else:
            yield Finding(
                f"{name} was changed by hand: {', '.join(one.paths)}. What the new template says "
                "otherwise than the old is set; the rest stays as it is.",
                "Keep what you need as a parameter, or set it again afterwards.",
                blocks=False,
            )
