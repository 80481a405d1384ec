"""``waypost stack lint``: what is printed, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from waypost.stack.lint.rules import RULES

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost

ROOT = Path(__file__).parents[3]
FIRST = str(ROOT / "tests/stack/lint/first.yaml")
CLEAN = str(ROOT / "tests/stack/lint/samples/sam-queue-worker.yaml")
BUS = str(ROOT / "tests/stack/lint/samples/cfn-custom-bus.yaml")
MACRO = str(ROOT / "tests/stack/lint/samples/sam-macro.yaml")
FINDING = {
    "id": str,
    "level": str,
    "where": str,
    "line": int,
    "what": str,
    "title": str,
    "atNight": str,
    "fix": str,
    "source": str,
}


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("no-such-file.yaml",), "no-such-file.yaml: No such file"),
        ((str(ROOT),), "Is a directory"),
        ((str(ROOT / "README.md"),), "The template cannot be used: "),
        ((CLEAN, "--sarif", "--json"), "one of --sarif and --json"),
        ((CLEAN, "--parameter", "Stage"), "'Stage' is not NAME=VALUE"),
        ((CLEAN, "--per-day", "0"), "--per-day"),
        (("--explain", "WP999"), "'WP999' is none of WP001, "),
    ],
)
def test_what_makes_no_sense_is_wrong_use(
    waypost: Waypost, args: tuple[str, ...], why: str
) -> None:
    ran = waypost("stack", "lint", *args, code=2)

    assert why in ran.err
    assert ran.out == ""


def test_our_own_stack_has_no_findings(waypost: Waypost) -> None:
    ran = waypost("stack", "lint")

    assert "waypost.yaml: nothing found in" in ran.out
    assert "Not checked" in ran.out


def test_findings_are_shown_with_what_they_mean_and_what_to_do(waypost: Waypost) -> None:
    told = waypost("stack", "lint", FIRST, "--per-day", "1500", code=1).out

    rule = RULES["WP101"]
    for words in (
        "WP101",
        rule.title,
        "line 108",
        "DynamoDBThrottleAlarm",
        rule.at_night,
        rule.fix,
    ):
        assert words in told
    assert "27 findings by 20 rules (22 errors, 5 warnings) in 12 resources" in told


def test_nothing_is_silent(waypost: Waypost) -> None:
    told = waypost("stack", "lint", BUS, code=1).out
    assert "WP206 UndeliveredAlarm line 23: a dashboard shows it to whoever is on call" in told
    assert "1 suppressed" in told

    told = waypost("stack", "lint", MACRO).out
    assert "the template: what the transform CompanyGuardrails makes is not seen here" in told
    assert "Watcher, WatcherRole: its code is not Python (WP503, WP504, WP603)" in told


def test_json_has_everything(waypost: Waypost) -> None:
    row = waypost("stack", "lint", FIRST, "--json", code=1).row

    assert row["template"].endswith("first.yaml")
    assert row["resources"] == 12
    for finding in row["findings"]:
        assert {name: type(finding[name]) for name in FINDING} == FINDING
    assert {one["id"] for one in row["notChecked"]} == {"WP202"}
    [one] = waypost("stack", "lint", BUS, "--json", code=1).row["suppressed"]
    assert one["reason"] == "a dashboard shows it to whoever is on call"


def test_sarif_is_one_log(waypost: Waypost) -> None:
    log = waypost("stack", "lint", FIRST, "--sarif", code=1).row

    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    assert len(run["results"]) == 26


def test_a_template_may_come_through_a_pipe(waypost: Waypost) -> None:
    told = waypost("stack", "lint", "-", stdin=Path(CLEAN).read_bytes()).out

    assert "stdin: nothing found in 9 resources" in told


def test_a_parameter_may_be_set(waypost: Waypost, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(
        "Parameters: {Python: {Type: String, Default: python3.14}}\n"
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Runtime: !Ref Python}}}"
    )
    waypost("stack", "lint", str(template))

    told = waypost("stack", "lint", str(template), "--parameter", "Python=python3.8", code=1).out
    assert "python3.8 ended on 2024-10-14" in told


def test_code_beside_the_template_is_read(waypost: Waypost, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("import os\nTABLE = os.environ['TABLE']\n")
    template = tmp_path / "template.yaml"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: python3.14, "
        "Handler: app.handler, CodeUri: src}}}"
    )

    assert "its code needs TABLE, not set" in waypost("stack", "lint", str(template), code=1).out


def test_a_rule_explains_itself(waypost: Waypost) -> None:
    told = waypost("stack", "lint", "--explain", "wp205").out

    rule = RULES["WP205"]
    for words in (rule.id, rule.title, rule.at_night, rule.fix, rule.source):
        assert words in told
