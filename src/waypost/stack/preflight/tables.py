"""Whether a stack can work with a table that is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from waypost.stack import stacks
from waypost.stack.left import is_there, names
from waypost.stack.preflight.finding import Check, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

_STREAMS: Final = {"shipment-logs": "NEW_AND_OLD_IMAGES", "shipment-rejected": "NEW_IMAGE"}
"""What the streams hold, by the table's name without its suffix."""


def of_table(client: Any, table: str) -> dict[str, Check]:
    """Return the checks of a table, by what they look at.

    CloudFormation takes a table in as it is, and sets nothing. One that was restored from a backup
    has neither a stream nor backups of its own.

    Args:
        client: of DynamoDB.
        table: its name.
    """
    checks: dict[str, Check] = {f"the backups of {table}": partial(_backups, client, table)}
    for name, wanted in _STREAMS.items():
        if table.startswith(f"{name}-"):
            checks[f"the stream of {table}"] = partial(_stream, client, table, wanted)
    return checks


def owner(client: Any, table: str) -> Iterator[Finding]:
    """Look whether a table that is there is another stack's.

    Args:
        client: of CloudFormation.
        table: its name.
    """
    try:
        [first, *_] = client.describe_stack_resources(PhysicalResourceId=table)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return
        raise
    stack = stacks.find(client, first["StackId"])  # of one that is gone it tells for 90 days
    if stack is not None:
        yield Finding(
            f"{table} is a table of the stack {stack.name}: two stacks cannot have it.",
            f"--stack-name {stack.name} to bring that stack to this version, or another --env.",
            blocks=True,
        )


def without_state(tables: Sequence[str]) -> Iterator[Finding]:
    """Look whether a new stack takes a log in without the state that was made of it.

    Args:
        tables: that are there by the names of its own.
    """
    kinds = {"-".join(table.split("-")[:2]) for table in tables}
    if "shipment-logs" in kinds and "shipment-state" not in kinds:
        yield Finding(
            "The log is there, and nothing that was made of it: its shipments are in no list, and "
            "who was told of them is not known.",
            "`waypost stack backfill` afterwards makes it. What is wrong then alerts, unless the "
            "first version recorded it.",
            blocks=False,
        )


def strangers(client: Any, env: str, own: AbstractSet[str]) -> Iterator[Finding]:
    """Look whether tables are there, and not of a stack, that its update would make.

    Args:
        client: of DynamoDB.
        env: the EnvironmentSuffix of the stack.
        own: its physical ids.
    """
    for table in names(env):
        if table not in own and is_there(client, table):
            yield Finding(
                f"{table} is there, and not of this stack: the update would fail when it makes it.",
                f"If nobody needs what is in it: aws dynamodb delete-table --table-name {table}",
                blocks=True,
            )


def _stream(client: Any, table: str, wanted: str) -> Iterator[Finding]:
    said = client.describe_table(TableName=table)["Table"].get("StreamSpecification", {})
    has = said.get("StreamViewType") if said.get("StreamEnabled") else None
    if has == wanted:
        return
    turn_on = (
        f"aws dynamodb update-table --table-name {table} --stream-specification "
        f"StreamEnabled=true,StreamViewType={wanted}"
    )
    if has is None:
        what = f"{table} has no stream: nothing that is put into it would be followed."
        yield Finding(what, turn_on, blocks=True)
    else:
        yield Finding(
            f"The stream of {table} has {has}, not {wanted}: somebody changed it, and what is "
            "followed needs the items. A stream of another kind is another stream: who reads this "
            "one loses it.",
            f"Turn it off (StreamEnabled=false), then: {turn_on}",
            blocks=True,
        )


def _backups(client: Any, table: str) -> Iterator[Finding]:
    said = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = said.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield Finding(
            f"{table} cannot be restored to an earlier moment: that was turned off, or never on, and "
            "CloudFormation does not see it.",
            f"aws dynamodb update-continuous-backups --table-name {table} "
            "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
            blocks=False,
        )
