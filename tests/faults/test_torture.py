"""`make torture` in small: each fault once or twice against the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.torture import ONLY_WHOLE, SCENARIOS
from tests.faults.torture.scenario import Scale, Skipped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in ONLY_WHOLE])
def test_what_was_promised_holds_under_torture(name: str, tmp_path: Path, uncounted: None) -> None:
    try:
        SCENARIOS[name](tmp_path, Scale(whole=False))
    except Skipped as why:
        pytest.skip(str(why))
