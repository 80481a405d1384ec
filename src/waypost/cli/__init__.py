"""The command line: one module a noun, `commands` holds them together."""

from __future__ import annotations


def main() -> None:
    """Run ``waypost`` with the arguments of the process, and end the process."""
    from waypost.cli.app import app

    app(prog_name="waypost")
