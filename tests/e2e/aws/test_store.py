"""What every store promises, held by the DynamoDB of another emulator than moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.test_ledger import *  # noqa: F403 (all of it, on the store below)
from tests.contract.test_store import *  # noqa: F403 (all of it, on the store below)
from tests.support.tables import new_store

if TYPE_CHECKING:
    from tests.support.ministack import Ministack
    from waypost.ports import Store

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.no_cover,  # runs again, often, what other tests run
]

del test_what_goes_in_comes_out  # noqa: F821 (it makes its stores itself)


@pytest.fixture
def store(aws: Ministack) -> Store:
    return new_store(aws.client("dynamodb"))
