"""What senders wrote is shown, never obeyed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost

MARKUP = "[bold red]x[/bold red][link=http://evil]y[/link] :warning:"
CONTROLS = "a\x1b[31mb\x07c\x9bd\x7fe\u202ef"


@pytest.mark.parametrize("command", ["track [b]1[/b]", "shipments", "incidents", "unmapped"])
def test_markup_is_text(waypost: Waypost, command: str) -> None:
    for status in ("LOST", MARKUP):
        waypost.put("[b]1[/b]", status, "--location", MARKUP, "--carrier", MARKUP)

    told = waypost(*command.split()).out

    assert "[b]1[/b]" in told
    assert MARKUP in told


@pytest.mark.parametrize("command", ["rejected", "rejected show {id}"])
def test_control_characters_are_not_printed(waypost: Waypost, command: str) -> None:
    detail = json.dumps({"shipmentId": "S", "status": "LOST", "carrier": CONTROLS})
    waypost("import", "-", stdin=detail.encode(), code=1)
    [rejected] = waypost("rejected", "--json").rows

    told = waypost(*command.format(id=rejected["rejectionId"]).split()).out

    assert not set(told) & set("\x1b\x07\x9b\x7f\u202e")


def test_control_characters_are_escaped_in_json(waypost: Waypost) -> None:
    line = '{"shipmentId": "' + CONTROLS + '"}'
    waypost("import", "-", stdin=line.encode(), code=1)

    told = waypost("rejected", "list", "--json")

    assert not set(told.out) & set("\x1b\x07\x9b\x7f")
    assert told.row["raw"] == line


def test_json_is_neither_wrapped_nor_coloured(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    waypost.put("S", "LOST", "--description", "long " * 100)

    told = waypost("track", "S", "--json").out

    assert told.count("\n") == 1
    assert "\x1b" not in told
