"""Each alarm goes off when it should, soon enough, and stays quiet in a quiet week."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.templates import Stack
from tests.support.traffic import (
    AT_NIGHT,
    BLIND,
    BY_DAY,
    PER_DAY,
    TROUBLES,
    Blindness,
    Metrics,
    Trouble,
    false_alarms,
    first_alarm,
)

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def watched(template: dict[str, Any]) -> Stack:
    return Stack(template, AlertEmail="ops@example.org", DeadManHours=1, DeclaredPerDay=PER_DAY)


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    return Metrics()


def test_every_alarm_has_its_trouble(watched: Stack) -> None:
    alarms = [alarm.name for alarm in watched.resources("AWS::CloudWatch::Alarm")]

    assert sorted(trouble.alarm for trouble in TROUBLES) == sorted(alarms)


@pytest.mark.parametrize("begins", [BY_DAY, AT_NIGHT], ids=["day", "night"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.alarm)
def test_it_goes_off(trouble: Trouble, begins: int, watched: Stack, metrics: Metrics) -> None:
    week = metrics.quiet_week()
    trouble.change(metrics, week, begins)

    after = first_alarm(watched[trouble.alarm], week, begins)

    assert after is not None
    assert after <= trouble.within


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.alarm)
def test_a_quiet_week_is_quiet(trouble: Trouble, watched: Stack, metrics: Metrics) -> None:
    assert not false_alarms(watched[trouble.alarm], metrics.quiet_week())


@pytest.mark.parametrize("blind", BLIND, ids=lambda blind: blind.what)
def test_what_the_first_alarms_saw(blind: Blindness, metrics: Metrics) -> None:
    week = metrics.quiet_week()
    blind.change(metrics, week, BY_DAY)

    assert (first_alarm(blind.alarm, week, BY_DAY) is not None) is blind.seen


def test_every_alarm_is_in_the_runbook_with_a_first_command_and_an_end(watched: Stack) -> None:
    runbook = (DOCS / "how-to" / "answer-an-alarm.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", runbook, re.MULTILINE | re.DOTALL))
    names = {
        alarm.properties["AlarmName"].removesuffix("-dev")
        for alarm in watched.resources("AWS::CloudWatch::Alarm")
    }

    assert sections.keys() == names
    for name, section in sections.items():
        assert "* **First:** " in section, name
        assert "* **Ends** " in section, name
