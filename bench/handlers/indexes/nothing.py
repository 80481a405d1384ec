"""A function that does nothing: what the interpreter takes, and reading the events."""

from typing import Any


def lambda_handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    return {}
