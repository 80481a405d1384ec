from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """A world logs thousands of faults; formatting them takes longer than the world."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
