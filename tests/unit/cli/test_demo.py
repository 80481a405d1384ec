from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.cli.test_hands import answering
from waypost.simulate import demo
from waypost.simulate.sender import Counts, SendFailed

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost


def test_a_port_that_is_taken_is_said(waypost: Waypost) -> None:
    with answering(200, b"") as address:
        port = address.rpartition(":")[2]
        ran = waypost("demo", "--port", port, "--data", str(waypost.data), code=3)

    assert f"cannot listen on {address}" in ran.err


def test_it_ends_with_an_error_if_its_updates_are_refused(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise SendFailed("the bus refused", Counts(), [])

    monkeypatch.setattr(demo, "run_demo", fail)

    assert (
        "the bus refused" in waypost("demo", "--port", "0", "--data", str(waypost.data), code=3).err
    )


def test_it_tells_its_story_whatever_the_environment_says(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYPOST_ACCESS_KEYS", "wrong")
    monkeypatch.setenv("WAYPOST_WEBHOOK_URL", "https://example.com/hook")

    told = waypost("demo", "--port", "0", "--data", str(waypost.data), "--seconds", "3").out

    assert "updates of 12 shipments recorded" in told
    assert "The demo has ended; its data is kept." in told
