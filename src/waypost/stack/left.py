"""The tables that an earlier stack left, and how a new one takes them in as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from waypost.stack.connection import error_code

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES: Final = ("shipment-logs", "shipment-state", "shipment-rejected")
"""The tables of a stack; each name goes on with the stack's suffix."""


def names(env: str) -> list[str]:
    """Return how the tables of an environment are called."""
    return [f"{table}-{env}" for table in TABLES]


def is_there(client: Any, table: str) -> bool:
    """Tell whether there is a table of a name.

    Args:
        client: of DynamoDB; its other errors are raised as they are.
        table: its name.
    """
    try:
        client.describe_table(TableName=table)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return False
        raise
    return True


def left_behind(client: Any, env: str) -> list[str]:
    """Return the tables of an environment that are there; errors are those of `is_there`."""
    return [table for table in names(env) if is_there(client, table)]


def taking_in(template: str, tables: Sequence[str], env: str) -> str:
    """Return the template with which CloudFormation takes tables in that are there.

    It knows them by names that stand in the template as they are, without a function, and asks for
    a DeletionPolicy that keeps them:
    docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html.
    Should making the stack fail, it must not take with it what was there before, so all tables
    outlive that.

    Args:
        template: as it is rendered.
        tables: what is there; nothing is changed where that is none.
        env: the EnvironmentSuffix.
    """
    if not tables:
        return template
    for table in TABLES:
        template = template.replace(
            f"TableName: !Sub '{table}-${{EnvironmentSuffix}}'", f"TableName: {table}-{env}"
        )
    return template.replace("RetainExceptOnCreate", "Retain")
