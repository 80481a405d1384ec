from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from tests.support.aws import aws_client
from tests.support.tables import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stores.dynamodb import DynamoStore


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield aws_client("dynamodb")


@pytest.fixture
def store(client: Any) -> DynamoStore:
    return new_store(client)
