from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.support.servers import reserved_port

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost


def test_a_server_is_needed(waypost: Waypost) -> None:
    waypost.put("S", "LOST")

    assert "no server runs on" in waypost("simulate", code=3).err


def test_a_server_that_does_not_answer_is_said(waypost: Waypost) -> None:
    with reserved_port() as port:
        url = f"http://127.0.0.1:{port}"
        ran = waypost("simulate", "--count", "1", "--endpoint-url", url, code=3)

    assert "did not take the call" in ran.err


def test_it_sends_to_the_server_of_the_folder(waypost: Waypost) -> None:
    with waypost.serving({"WAYPOST_ACCESS_KEYS": ""}) as address:
        ran = waypost("simulate", "--count", "120")

    assert f"120 updates sent to {address}" in ran.out
    assert len(waypost("export", "updates").rows) > 100


def test_it_can_be_slow_and_short(waypost: Waypost) -> None:
    with waypost.serving():
        began = time.monotonic()
        assert waypost("simulate", "--rate", "40", "--count", "20").out.startswith("20 updates")
        slow = time.monotonic()
        ran = waypost("simulate", "--rate", "40", "--seconds", "0.5")
        short = time.monotonic()

    assert slow - began >= 19 / 40
    assert short - slow >= 0.5
    assert 1 <= int(ran.out.split()[0]) <= 21
