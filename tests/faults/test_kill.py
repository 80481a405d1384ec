"""kill -9 of the real server under load: what was acknowledged is there once, and alerted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.torture.processes import killed_under_load
from tests.faults.torture.scenario import Scale

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(300)
def test_twenty_kills_under_load_lose_nothing_double_nothing_and_alert_everything(
    tmp_path: Path, uncounted: None
) -> None:
    killed_under_load(tmp_path, Scale(whole=False), kills=20)
