"""Instants as integer milliseconds since 1970-01-01T00:00Z, and their RFC 3339 text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

SECOND: Final = 1_000
_MINUTE: Final = 60 * SECOND
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR

EARLIEST: Final = 946_684_800_000
"""2000-01-01T00:00Z: nothing that is tracked today happened before it."""
LATEST: Final = 4_102_444_800_000
"""2100-01-01T00:00Z: no estimate reaches beyond it."""
MAX_AHEAD: Final = DAY
"""How far ahead of now an event may claim to have happened (wrong clocks, wrong zones)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|(60))"
    r"(?:\.[0-9]{1,9})?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_SECONDS: Final = slice(17, 19)
"""Where the seconds are in such a text."""


def parse_time(text: str) -> tuple[int, str]:
    """Read an RFC 3339 instant with its offset.

    Parts below a millisecond are cut off; a second of 60 counts as the second before it.

    Returns:
        The instant in epoch milliseconds, and the offset as it was given (``Z`` or ``+02:00``).

    Raises:
        ValueError: if the text is not RFC 3339, has no offset, or names no real day.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        message = "must be an RFC 3339 time with an offset, such as 2026-11-23T08:30:00+01:00"
        raise ValueError(message)
    leap_second, offset = match.groups()
    if leap_second:
        text = f"{text[: _SECONDS.start]}59{text[_SECONDS.stop :]}"
    try:
        since = datetime.fromisoformat(text.upper()) - _EPOCH
    except ValueError:
        message = "names a day that does not exist"
        raise ValueError(message) from None
    millis = since.microseconds // 1_000
    return (since.days * 86_400 + since.seconds) * SECOND + millis, offset.upper()


def format_time(millis: int) -> str:
    """Return an instant as RFC 3339 text in UTC with milliseconds."""
    minute, rest = divmod(millis, _MINUTE)
    return f"{_minute(minute)}{rest // SECOND:02d}.{rest % SECOND:03d}Z"


@lru_cache(maxsize=10_000)
def _minute(minute: int) -> str:
    # Instants come from few days, and a minute's text costs most of the instant's.
    return f"{_EPOCH + timedelta(minutes=minute):%Y-%m-%dT%H:%M:}"
