from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.core import TyperGroup

from waypost.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.conftest import Waypost

HEAVY = (
    "uvicorn",
    "starlette",
    "boto3",
    "botocore",
    "urllib3",
    "prometheus_client",
    "waypost.bootstrap",
    "yaml",
)
"""What `--help` must not wait for."""


def commands(of: Any, *path: str) -> Iterator[tuple[str, ...]]:
    if isinstance(of, TyperGroup):
        for name, command in of.commands.items():
            yield from commands(command, *path, name)
    else:
        yield path


ALL = sorted(commands(typer.main.get_command(app)))


def test_all_commands_are_there() -> None:
    assert {" ".join(path) for path in ALL} == {
        "serve",
        "put",
        "retract",
        "track",
        "shipments",
        "incidents list",
        "incidents ack",
        "incidents resolve",
        "incidents mute",
        "incidents unmute",
        "alerts list",
        "alerts resend",
        "rejected list",
        "rejected show",
        "rejected replay",
        "rejected drop",
        "unmapped list",
        "unmapped map",
        "stack render",
        "stack lint",
        "stack deploy",
        "stack backfill",
        "stack status",
        "stack logs",
        "stack verify",
        "stack redrive",
        "stack price",
        "stack destroy",
        "rederive",
        "import",
        "export",
        "simulate",
        "demo",
        "doctor",
    }


def test_help_names_the_conditions_and_no_other_status(waypost: Waypost) -> None:
    help_text = " ".join(waypost("incidents", "ack", "--help").out.split())

    assert "LOST" in help_text
    assert "IN_TRANSIT" not in help_text


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_a_help_with_examples_and_the_data_option(
    waypost: Waypost, path: tuple[str, ...]
) -> None:
    told = waypost(*path, "--help").out

    shown = "waypost " + " ".join(name for name in path if name != "list")
    assert shown in told.split("Examples:")[1]
    assert "--data" in told or path[0] == "stack", "only on AWS there is no data folder"


def test_the_help_waits_for_nothing_heavy() -> None:
    asked = f"import sys, waypost.cli.app; print([m for m in {HEAVY} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
