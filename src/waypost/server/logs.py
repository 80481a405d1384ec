"""Logs as JSON, one object a line, without personal data.

An event is a fixed text; what varies comes as fields: counts, ids of rejections, kinds of errors.
Of an exception only its type and its place in the code are written, for its message may quote
what a sender wrote.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from waypost.core.times import SECOND, format_time

if TYPE_CHECKING:
    from typing import TextIO

MAX_FRAMES: Final = 20
"""Of a longer traceback, the innermost so many frames are written."""

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class JsonFormatter(logging.Formatter):
    """Writes ``time``, ``level``, ``logger``, ``event``, and the record's ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "time": format_time(int(record.created * SECOND)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            line["error"] = kind.__name__
            line["at"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(trace)[-MAX_FRAMES:]
            ]
        return json.dumps(line, default=str)


def configure(level: str = "INFO", stream: TextIO = sys.stderr) -> None:
    """Send all logs, the libraries' too, as JSON lines to ``stream``. To be called once."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
