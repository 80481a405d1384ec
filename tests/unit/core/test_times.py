from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waypost.core.times import EARLIEST, LATEST, format_time, parse_time

NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00Z

NOT_RFC_3339 = [
    "",
    " ",
    "now",
    "1767225600",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00Z",
    "2026-1-1T0:0:0Z",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T00:00:00+01",
    "2026-01-01T00:00:00 +01:00",
    "2026-01-01T00:00:00UTC",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00,5Z",
    "2026-01-01T00:00:00.1234567890Z",
    "2026-01-01T00:00:00Z\n",
    " 2026-01-01T00:00:00Z",
    "2026-01-01_00:00:00Z",
    "26-01-01T00:00:00Z",
    "12026-01-01T00:00:00Z",
    "-2026-01-01T00:00:00Z",
    "202\uff16-01-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+05:60",
    "2026-W01-1T00:00:00Z",
    "2026-01-01T00:00:00\u221201:00",
    "9" * 1_000_000,
]
NO_SUCH_DAY = [
    "2026-02-29T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "0000-01-01T00:00:00Z",
]


@pytest.mark.parametrize("text", NOT_RFC_3339, ids=lambda text: text[:40])
def test_what_is_not_rfc_3339_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be an RFC 3339 time with an offset, such as 2026"):
        parse_time(text)


@pytest.mark.parametrize("text", NO_SUCH_DAY)
def test_a_day_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^names a day that does not exist$"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "instant", "offset"),
    [
        ("2026-01-01T00:00:00Z", NEW_YEAR, "Z"),
        ("2026-01-01t00:00:00z", NEW_YEAR, "Z"),
        ("2026-01-01 00:00:00Z", NEW_YEAR, "Z"),
        ("2026-01-01T01:00:00+01:00", NEW_YEAR, "+01:00"),
        ("2025-12-31T16:00:00-08:00", NEW_YEAR, "-08:00"),
        ("2026-01-01T05:45:00+05:45", NEW_YEAR, "+05:45"),
        ("2026-01-01T23:59:00+23:59", NEW_YEAR, "+23:59"),
        ("2026-01-01T00:00:00-00:00", NEW_YEAR, "-00:00"),
        ("2026-01-01T00:00:00.5Z", NEW_YEAR + 500, "Z"),
        ("2026-01-01T00:00:00.007Z", NEW_YEAR + 7, "Z"),
        ("2026-01-01T00:00:00.0079999Z", NEW_YEAR + 7, "Z"),
        ("2026-01-01T00:00:00.999999999Z", NEW_YEAR + 999, "Z"),
        ("2025-12-31T23:59:60Z", NEW_YEAR - 1_000, "Z"),
        ("2025-12-31T23:59:60.25Z", NEW_YEAR - 750, "Z"),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000, "Z"),
        ("1970-01-01T00:00:00Z", 0, "Z"),
        ("1969-12-31T23:59:59.999Z", -1, "Z"),
        ("2000-01-01T00:00:00Z", EARLIEST, "Z"),
        ("2100-01-01T00:00:00Z", LATEST, "Z"),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000, "+23:59"),
        ("9999-12-31T23:59:59.999-23:59", 253_402_387_139_999, "-23:59"),
    ],
)
def test_an_instant_is_read_with_its_offset(text: str, instant: int, offset: str) -> None:
    assert parse_time(text) == (instant, offset)


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert format_time(NEW_YEAR + 7) == "2026-01-01T00:00:00.007Z"


@given(st.integers(EARLIEST, LATEST))
def test_an_instant_survives_its_text(instant: int) -> None:
    assert parse_time(format_time(instant)) == (instant, "Z")


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 (hypothesis takes naive bounds)
def test_python_reads_the_same_instant(moment: datetime) -> None:
    instant, _ = parse_time(moment.isoformat())
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert instant == (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


@given(st.text(st.sampled_from("0123456789-:TtZz+. "), max_size=30))
def test_rubbish_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_time(text)[1] in text.upper()
