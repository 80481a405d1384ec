from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.environments import HOOK, MAIL
from waypost.cli import serve
from waypost.cli.serve import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from tests.unit.cli.conftest import Waypost
    from waypost.settings import Settings


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8377"),
        ("0.0.0.0", "http://127.0.0.1:8377"),  # noqa: S104 (nothing is bound here)
        ("::", "http://[::1]:8377"),
        ("fe80::1", "http://[fe80::1]:8377"),
        ("localhost", "http://localhost:8377"),
    ],
)
def test_the_address_is_one_that_this_machine_reaches(host: str, address: str) -> None:
    assert address_of(host, 8377) == address


@pytest.mark.parametrize(
    ("env", "alerts"),
    [
        ({}, "terminal"),
        ({"WAYPOST_TERMINAL": "off"}, "none"),
        (HOOK, "webhook"),
        ({**MAIL, **HOOK, "WAYPOST_TERMINAL": "on"}, "terminal, smtp, webhook"),
    ],
)
def test_one_line_says_the_address_the_data_and_where_alerts_go(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], alerts: str
) -> None:
    shown: list[Console | None] = []

    def run(
        settings: Settings, screen: Console | None, on_ready: Callable[[str, object], None]
    ) -> None:
        shown.append(screen)
        on_ready(f"http://{settings.host}:{settings.port}", object())

    monkeypatch.setattr(serve, "run_server", run)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    told = waypost("serve", "--port", "99").out

    where = f"data: {waypost.data}  alerts: {alerts}"
    assert told == f"Waypost listens on http://127.0.0.1:99  {where}\n"
    assert (shown[0] is not None) == ("terminal" in alerts)
