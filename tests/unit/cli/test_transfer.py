from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.conftest import Waypost
from waypost.cli.transfer import BATCH_LINES, LINE_LIMIT
from waypost.core.times import parse_time
from waypost.simulate.fleet import day, shuffled

if TYPE_CHECKING:
    from pathlib import Path

START = parse_time("2026-03-02T00:00:00Z")[0]
STATE = (
    ("shipments",),
    ("incidents",),
    ("shipments", "--as-of", "2026-03-20T00:00:00Z"),
    ("incidents", "--as-of", "2026-03-20T00:00:00Z"),
)


def lines(*details: dict[str, object]) -> bytes:
    return b"".join(json.dumps(detail).encode() + b"\n" for detail in details)


def a(shipment: str = "S", status: str = "IN_TRANSIT", **more: object) -> dict[str, object]:
    occurred = {"occurredAt": "2026-03-02T12:00:00Z"}
    return {"shipmentId": shipment, "status": status, **occurred, **more}


def alerts_of(waypost: Waypost) -> list[str]:
    """What people were alerted of; these updates are so old that their shipments are STALLED."""
    return [row["condition"] for row in waypost("alerts", "--json").rows]


def test_what_is_no_update_is_quarantined_and_the_rest_recorded(waypost: Waypost) -> None:
    stdin = lines(a(), a("T", "LOST")) + b"no json\n\xff\xfe\n" + lines({"shipmentId": 1})

    ran = waypost("import", "-", stdin=stdin, code=1)

    assert "2 recorded, 0 duplicates, 3 rejected" in ran.out
    raw = [row["raw"] for row in waypost("rejected", "--json").rows]
    assert raw == ["no json", "\\xff\\xfe", '{"shipmentId": 1}']


def test_a_line_that_is_too_long_is_left_out_and_said(waypost: Waypost) -> None:
    stdin = lines(a()) + b"x" * (2 * LINE_LIMIT) + b"\n" + lines(a("T"))

    ran = waypost("import", "-", stdin=stdin, code=1)

    assert "line 2 is longer" in ran.err
    assert "2 recorded, 0 duplicates, 1 rejected" in ran.out


def test_bytes_that_grow_beyond_the_limit_are_left_out_too(waypost: Waypost) -> None:
    ran = waypost("import", "-", stdin=b"\xff" * (LINE_LIMIT - 1), code=1)

    assert "line 1 is longer" in ran.err


def test_blank_lines_other_line_ends_and_a_byte_order_mark_do_not_matter(waypost: Waypost) -> None:
    stdin = b"\xef\xbb\xbf" + lines(a()).replace(b"\n", b"\r\n") + b"\n  \n" + lines(a("T")).strip()

    assert "2 recorded, 0 duplicates, 0 rejected" in waypost("import", "-", stdin=stdin).out


def test_an_empty_file_is_no_error(waypost: Waypost) -> None:
    assert "0 recorded" in waypost("import", "-").out


def test_an_import_can_be_repeated(waypost: Waypost, tmp_path: Path) -> None:
    file = tmp_path / "updates.jsonl"
    file.write_bytes(lines(a(), a("T", "LOST"), a()))

    assert "2 recorded, 1 duplicates" in waypost("import", str(file)).out
    assert "0 recorded, 3 duplicates" in waypost("import", str(file)).out
    assert alerts_of(waypost) == ["STALLED", "LOST", "STALLED"]


def test_a_quiet_import_alerts_nobody(waypost: Waypost) -> None:
    waypost("import", "--quiet", "-", stdin=lines(a("T", "LOST")))

    assert alerts_of(waypost) == []
    assert waypost("incidents", "--json", "--condition", "LOST").row["state"] == "open"


def test_alerts_are_decided_at_the_end_of_an_import(waypost: Waypost) -> None:
    recovered = [a("T", "DELAYED"), a("T", "DELIVERED", occurredAt="2026-03-02T18:00:00Z")]
    between = [a(f"S{i}") for i in range(BATCH_LINES)]

    waypost("import", "-", stdin=lines(recovered[0], *between, recovered[1]))

    assert set(alerts_of(waypost)) == {"STALLED"}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_shuffled_day_exports_the_same_state(tmp_path: Path, waypost: Waypost, seed: int) -> None:
    details = day(seed, 1_500, START)
    exports: list[list[str]] = []
    for order in (1, 2):
        there = Waypost(tmp_path / str(order))
        args = ("--data", str(there.data))
        ran = there("import", "-", *args, stdin=lines(*shuffled(details, order)))
        assert "1,500 recorded, 150 duplicates" in ran.out
        exports.append([there("export", *what, *args).out for what in STATE])

    assert exports[0] == exports[1]
    assert all(exports[0])


def test_what_was_exported_is_imported_whole(waypost: Waypost, tmp_path: Path) -> None:
    waypost("import", "-", stdin=lines(*day(3, 200, START), a("Z", "beamed", eventId="e1")))
    waypost("unmapped", "map", "beamed", "LOST")
    waypost("incidents", "ack", "Z", "LOST")
    waypost("retract", "Z", "e1", "--reason", "wrong parcel")
    file, other = tmp_path / "updates.jsonl", str(tmp_path / "other")
    assert waypost("export", "updates", "--output", str(file)).out == ""

    assert "0 rejected" in waypost("import", str(file), "--data", other).out

    for what in (("updates",), *STATE):
        assert waypost("export", *what).out == waypost("export", *what, "--data", other).out
    assert file.read_text(encoding="utf-8") == waypost("export", "updates").out
    assert {row["kind"] for row in waypost("export", "updates").rows} == {
        "update",
        "mapping",
        "act",
        "retraction",
    }


def test_an_export_that_cannot_be_written_leaves_no_half_file(
    waypost: Waypost, tmp_path: Path
) -> None:
    waypost.put("S", "LOST")

    waypost("export", "updates", "--output", str(tmp_path / "no" / "such"), code=2)

    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_stalled_needs_an_instant(waypost: Waypost) -> None:
    waypost("import", "-", stdin=lines(a()))

    assert waypost("export", "incidents").out == ""
    [incident] = waypost("export", "incidents", "--as-of", "2026-04-01T00:00:00Z").rows
    assert incident["condition"] == "STALLED"
