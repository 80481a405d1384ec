"""Reads the logs of the functions."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.core.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OVERLAP: Final = 30 * SECOND
"""What is asked for again: lines may come this late, in ms."""
REMEMBERED: Final = 20_000
"""So many lines are known as shown; a repeat of an older one would be shown again."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log.

    Attributes:
        time: when the function wrote it, in epoch ms.
        function: its name.
    """

    time: int
    function: str
    text: str


class Tail:
    """Gives each line of some functions' logs once."""

    def __init__(self, client: Any, functions: Sequence[str], since: int) -> None:
        """Read from a time on.

        Args:
            client: of CloudWatch Logs; its errors are raised as they are.
            functions: their names.
            since: epoch ms.
        """
        self._client = client
        self._since = dict.fromkeys(functions, since)
        self._seen: OrderedDict[str, None] = OrderedDict()

    def read(self) -> list[Line]:
        """Return the lines that were not returned before, oldest first."""
        lines = [line for function in self._since for line in self._read(function)]
        return sorted(lines, key=lambda line: line.time)

    def _read(self, function: str) -> Iterator[Line]:
        start = newest = self._since[function]
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}", startTime=start
        )
        for page in pages:
            for event in page["events"]:
                newest = max(newest, event["timestamp"])
                if self._is_new(_identity(event)):
                    yield Line(event["timestamp"], function, event["message"].rstrip("\n"))
        self._since[function] = max(start, newest - OVERLAP)

    def _is_new(self, event_id: str) -> bool:
        if event_id in self._seen:
            return False
        self._seen[event_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True


def _identity(event: dict[str, Any]) -> str:
    """Return what tells a line from others; what stands in for AWS may give no id."""
    known = event.get("eventId") or (
        f"{event.get('logStreamName')} {event['timestamp']} {event['message']}"
    )
    return str(known)
