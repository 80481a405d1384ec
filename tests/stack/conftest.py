from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.templates import Stack, load

TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    return load(TEMPLATE.read_text(encoding="ascii"))


@pytest.fixture(scope="session")
def stack(template: dict[str, Any]) -> Stack:
    """The stack that comes of the defaults, with somebody to tell."""
    return Stack(template, AlertEmail="ops@example.org", DeadManHours=24)
