from __future__ import annotations

import pytest


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers run at their own speed: most of them are killed before coverage is written."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
