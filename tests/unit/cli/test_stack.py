from __future__ import annotations

import re
from typing import TYPE_CHECKING

from waypost.stack import bundle
from waypost.stack.render import render

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Waypost


def test_the_command_writes_the_template(waypost: Waypost, tmp_path: Path) -> None:
    ran = waypost("stack", "render", "--output", str(tmp_path / "waypost.yaml"))

    assert (tmp_path / "waypost.yaml").read_text(encoding="utf-8") == render().decode()
    assert re.search(r"\d\d,\d\d\d bytes.*51,200.*--bucket", ran.err)
    assert ran.out == ""


def test_the_command_writes_template_and_code_for_a_bucket(
    waypost: Waypost, tmp_path: Path
) -> None:
    ran = waypost("stack", "render", "--bucket", "my-bucket", "--code", str(tmp_path / "code.zip"))

    assert ran.out == render("my-bucket").decode()
    assert (tmp_path / "code.zip").read_bytes() == bundle.zip_code()
    assert f"s3://my-bucket/{bundle.zip_key()}" in ran.err


def test_the_command_refuses_what_is_no_bucket(waypost: Waypost) -> None:
    assert "--bucket" in waypost("stack", "render", "--bucket", "My_bucket", code=2).err
