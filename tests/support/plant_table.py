"""The tables of planted bugs in docs/explanation/correctness.md."""

from __future__ import annotations

from tests.support.machine_plants import BUGS
from tests.support.plants import PLANTS
from tests.support.small_plants import updates_that_show


def table() -> str:
    """Return the bugs planted in the home on AWS, and what each breaks, as a Markdown table."""
    lines = ["| planted | what it does | breaks | small world |", "|---|---|---|---|"]
    for plant in PLANTS:
        broken = ", ".join(sorted(name.replace("_", " ") for name in plant.breaks))
        small = updates_that_show("aws", plant.name)
        lines.append(f"| {plant.name} | {plant.story} | {broken} | {small} |")
    return "\n".join(lines)


def machine_table() -> str:
    """Return the bugs planted in the home on one machine likewise."""
    lines = ["| planted | breaks | small world |", "|---|---|---|"]
    for name, bug in BUGS.items():
        small = updates_that_show("machine", name)
        lines.append(f"| {name} | {bug.law.replace('_', ' ')} | {small} |")
    return "\n".join(lines)
