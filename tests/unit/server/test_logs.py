from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from waypost.server import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def written() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    logs.configure("INFO", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers = handlers
    root.setLevel(level)


def fail(depth: int) -> None:
    if depth:
        fail(depth - 1)
    raise ValueError("SHIP-SECRET")


def test_an_exception_shows_its_type_and_place_and_never_its_message(
    written: Callable[[], list[dict[str, Any]]],
) -> None:
    try:
        fail(50)
    except ValueError:
        logging.getLogger("waypost.x").exception("commit failed", extra={"fields": {"events": 3}})
    [line] = written()
    assert "SECRET" not in json.dumps(line)
    assert line["error"] == "ValueError"
    assert len(line["at"]) == logs.MAX_FRAMES
    assert line["at"][-1].endswith("fail")
    assert "test_logs.py" in line["at"][-1]


def test_a_record_is_one_json_object_on_one_line(
    written: Callable[[], list[dict[str, Any]]],
) -> None:
    logging.getLogger("waypost.x").warning("two\nlines %s", 1)
    logging.getLogger("waypost.x").debug("too quiet")
    [line] = written()
    assert line["event"] == "two\nlines 1"
    assert (line["level"], line["logger"]) == ("warning", "waypost.x")
    assert line["time"].endswith("Z")
    assert "error" not in line
