"""The example of a deployment from GitHub: its commands exist, its rights are those that are needed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.docs.test_docs import blocks_of, problems
from tests.support.deploy_rights import needed
from tests.support.templates import listed, load

ROOT: Final = Path(__file__).parents[2]
HOW_TO: Final = ROOT / "docs" / "how-to"
PAGES: Final = [HOW_TO / "deploy-from-github.md", HOW_TO / "lint-in-ci.md"]
NOT_FOR_RESOURCES: Final = {"TheStack", "Code", "CountIncidents"}
FOR_STATUS: Final = {"cloudwatch:GetMetricData", "lambda:ListEventSourceMappings"}


def workflows(page: Path) -> list[dict[str, Any]]:
    found = [yaml.safe_load(block) for block in blocks_of(page, "yaml")]
    return [workflow for workflow in found if "jobs" in workflow]


def steps(page: Path) -> list[dict[str, Any]]:
    jobs = [job for workflow in workflows(page) for job in workflow["jobs"].values()]
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_of_a_workflow_is_understood(page: Path) -> None:
    lines = [step["run"] for step in steps(page) if "run" in step]

    assert any("waypost stack" in line for line in lines)
    assert [found for line in lines for found in problems(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_workflow_may_do_no_more_than_its_jobs_say(page: Path) -> None:
    for workflow in workflows(page):
        assert workflow["permissions"] == {}
        assert all("permissions" in job for job in workflow["jobs"].values())


def test_actions_are_named_by_a_whole_version() -> None:
    used = [step["uses"] for step in steps(PAGES[0]) if "uses" in step]

    assert len(used) == 6
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", name)] == []


def statements(index: int) -> list[dict[str, Any]]:
    policies = [json.loads(block) for block in blocks_of(PAGES[0], "json")]
    found: list[dict[str, Any]] = policies[index]["Statement"]
    return found


def granted(only: set[str] | None = None, without: frozenset[str] = frozenset()) -> set[str]:
    return {
        action
        for statement in statements(1)
        if statement["Sid"] not in without and (only is None or statement["Sid"] in only)
        for action in listed(statement["Action"])
    }


def test_the_role_that_deploys_may_do_what_the_resources_need_and_no_more() -> None:
    template = load((ROOT / "infra" / "template.yaml").read_text(encoding="ascii"))

    for_resources = granted(without=frozenset(NOT_FOR_RESOURCES)) - FOR_STATUS

    assert for_resources == needed(template)
    assert len(for_resources) > 80
    assert granted() >= FOR_STATUS


def test_no_right_is_for_everything_that_has_a_name() -> None:
    open_to_all = [s["Sid"] for s in statements(1) if "*" in listed(s["Resource"])]

    assert open_to_all == ["Unnamed"]
    assert "dynamodb:DeleteTable" not in granted()
    assert not [action for action in granted() if "*" in action]


def test_the_policy_fits_into_one_managed_policy() -> None:
    """6,144 characters, white space apart, with the longest environment and a long Region."""
    text = blocks_of(PAGES[0], "json")[1]
    for name, value in {"ENV": "e" * 32, "ACCOUNT": "1" * 12, "REGION": "ap-southeast-1"}.items():
        text = text.replace(name, value)

    assert len(re.sub(r"\s", "", text)) <= 6_144


def test_who_opens_a_pull_request_can_change_nothing_that_runs() -> None:
    actions = {action for s in statements(2) for action in listed(s["Action"])}
    buckets = [name for s in statements(2) for name in listed(s["Resource"]) if ":s3:" in name]

    assert "cloudformation:ExecuteChangeSet" not in actions
    assert {a for a in actions if re.search(":(Put|Update|Delete|Set)", a)} == {
        "cloudformation:DeleteChangeSet",
        "s3:PutObject",
    }
    assert all("plans" in name for name in buckets)
    assert all(":s3:::waypost-" in n for s in statements(1)[1:2] for n in s["Resource"])
