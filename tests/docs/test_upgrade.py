"""What looks ahead of a deployment is granted by the policies that the docs show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from tests.docs.test_docs import blocks_of
from tests.support.templates import listed

ROOT: Final = Path(__file__).parents[2]
HOW_TO: Final = ROOT / "docs" / "how-to"
STACK: Final = ROOT / "src" / "waypost" / "stack"


def granted(page: str, index: int) -> set[str]:
    """The names of the calls that a policy of a page grants, without their services."""
    policy = json.loads(blocks_of(HOW_TO / page, "json")[index])
    actions = {action for s in policy["Statement"] for action in listed(s["Action"])}
    return {action.partition(":")[2] for action in actions}


def calls(*files: Path) -> set[str]:
    """The calls of AWS that some files make, by the names that IAM has for them."""
    found = {
        name for file in files for name in re.findall(r"client\.([a-z_]+)\(", file.read_text())
    }
    return {"".join(map(str.title, name.split("_"))) for name in found - {"get_paginator"}}


ALWAYS: Final = calls(*STACK.glob("preflight/*.py"), STACK / "left.py", STACK / "stacks.py")
FOR_DRIFT: Final = calls(STACK / "drift.py")
BY_HAND: Final = granted("upgrade.md", 0)


def test_who_deploys_and_who_plans_may_look_ahead() -> None:
    assert len(ALWAYS) >= 5
    assert ALWAYS - granted("deploy-from-github.md", 1) <= BY_HAND
    assert ALWAYS - granted("deploy-from-github.md", 2) <= BY_HAND


def test_what_is_granted_beside_is_what_the_others_lack() -> None:
    needed = (
        ALWAYS | FOR_DRIFT | {"DetectStackResourceDrift"}
    )  # which AWS asks for, resource by resource

    assert needed - granted("deploy-from-github.md", 1) == BY_HAND


def test_who_operates_may_count_rows_and_make_their_state() -> None:
    operator = granted("operate-a-stack.md", 0)

    assert operator >= {"Scan", "BatchGetItem", "SendMessage", "DescribeTable"}
