"""The table of planted bugs in docs/explanation/correctness.md."""

from __future__ import annotations

from tests.support.plants import PLANTS


def table() -> str:
    """Return the bugs planted in the home on AWS, and what each breaks, as a Markdown table."""
    lines = ["| planted | what it does | breaks |", "|---|---|---|"]
    for plant in PLANTS:
        broken = ", ".join(sorted(name.replace("_", " ") for name in plant.breaks))
        lines.append(f"| {plant.name} | {plant.story} | {broken} |")
    return "\n".join(lines)
