"""How many rows a table has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from waypost.stack.connection import DENIED, error_code

EXACT: Final = 2**30
"""Up to so many bytes a table is read to be counted. Of a larger one, and where that is not allowed,
DynamoDB's own number is taken, which is up to six hours old."""


@dataclass(frozen=True, slots=True)
class Count:
    """So many rows, or so many some hours ago."""

    rows: int
    is_exact: bool

    def __str__(self) -> str:
        return f"{self.rows:,}" if self.is_exact else f"about {self.rows:,}"


def count(client: Any, table: str) -> Count:
    """Count the rows of a table.

    Args:
        client: of DynamoDB; its errors are raised as they are.
        table: its name.
    """
    said = client.describe_table(TableName=table)["Table"]
    if said["TableSizeBytes"] <= EXACT:
        pages = client.get_paginator("scan").paginate(
            TableName=table, Select="COUNT", ConsistentRead=True
        )
        try:
            return Count(sum(page["Count"] for page in pages), is_exact=True)
        except ClientError as error:
            if error_code(error) not in DENIED:
                raise
    return Count(said["ItemCount"], is_exact=False)
