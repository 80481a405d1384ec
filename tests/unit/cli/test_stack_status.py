"""Whether a stack is well, in one screen, in JSON and as an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.stack_services import StackServices
from waypost import __version__
from waypost.clock import SystemClock
from waypost.core.times import SECOND, parse_time
from waypost.stack.connection import Connection

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Waypost

QA: Final = ("--region", "eu-central-1")
STATUS: Final = ("stack", "status", "--env", "qa", *QA)
DOCTOR: Final = ("doctor", "--stack", "qa", *QA)
NOW: Final = parse_time("2026-11-22T00:00:00Z")[0] // SECOND


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> StackServices:
    found = StackServices()
    monkeypatch.setattr(Connection, "client", lambda _, service: found.connect(service))
    monkeypatch.setattr(SystemClock, "now", lambda _: NOW * SECOND)
    return found


@pytest.mark.parametrize("command", [STATUS, DOCTOR])
def test_what_is_well_fits_on_a_screen_and_ends_with_0(
    waypost: Waypost, services: StackServices, command: tuple[str, ...]
) -> None:
    out = waypost(*command).out

    assert out.startswith("waypost-qa: UPDATE_COMPLETE\n")
    assert out.endswith("\nAll is well.\n")
    assert len(out.splitlines()) < 24
    assert "1 OK" in out
    assert "last event      not known" in out
    assert "open incidents  8: 8 LOST" in out
    assert f"the code of Waypost {__version__}; python3.14 until 2029-06-30" in out
    assert "logistics-alerts-qa: 1 confirmed" in out


@pytest.mark.parametrize("command", [STATUS, DOCTOR])
def test_what_is_unwell_is_said_last_and_ends_with_1(
    waypost: Waypost, services: StackServices, command: tuple[str, ...]
) -> None:
    services.alarm, services.waiting, services.pending = "ALARM", 2, 1
    services.confirmed, services.source = 0, "Disabled"

    ran = waypost(*command, code=1)

    assert "All is well" not in ran.out
    assert "1 in ALARM" in ran.out
    assert "0 confirmed, 1 pending" in ran.out
    problems = ran.err.splitlines()
    assert problems[0] == "Problems:"
    assert "#shipment-updates-dlq-not-empty" in problems[1]
    assert len(problems) == 6


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("command", [STATUS, DOCTOR])
def test_what_was_refused_is_not_called_well_and_ends_with_3(
    waypost: Waypost,
    services: StackServices,
    command: tuple[str, ...],
    as_json: tuple[str, ...],
) -> None:
    services.refused = {"get_metric_data": "AccessDenied", "get_queue_attributes": "AccessDenied"}

    ran = waypost(*command, *as_json, code=3)

    assert "not allowed: needs cloudwatch:GetMetricData" in ran.out
    assert "not allowed: needs sqs:GetQueueAttributes" in ran.out
    assert "8" in ran.out
    assert "All is well" not in ran.out


def test_a_problem_counts_more_than_a_refusal(waypost: Waypost, services: StackServices) -> None:
    services.refused, services.function = {"get_metric_data": "AccessDenied"}, "Failed"

    waypost(*STATUS, code=1)


def test_numbers_are_in_units_that_people_read(waypost: Waypost, services: StackServices) -> None:
    services.waiting = 3
    services.points = {
        "ApproximateAgeOfOldestMessage": [(NOW - 60, 7_400.0)],
        "IteratorAge": [(NOW - 60, 450.0)],
        "TriggeredRules": [(NOW - 180, 1.0)],
    }

    out = waypost(*STATUS, code=1).out

    assert "3 min ago (the rule matched it: TriggeredRules)" in out
    assert "stream lag      0.45 s" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["shipment-updates-dlq-qa", "3", "0", "2", "h"] in rows
    assert " USD since " in out


def test_an_event_of_long_ago_is_known_to_the_hour(
    waypost: Waypost, services: StackServices
) -> None:
    services.points = {"TriggeredRules": [(NOW - 18_000, 1.0)]}

    out = waypost(*STATUS).out

    assert "last event      in the hour from 2026-11-21 19:00 (UTC), 5 h ago" in out
    assert " a month at this pace" in out


def test_json_has_each_formula_and_why_what_is_missing(
    waypost: Waypost, services: StackServices
) -> None:
    services.points = {"TriggeredRules": [(NOW - 60, 5.0)]}

    row: dict[str, Any] = waypost(*STATUS, "--json").row

    price = row["price"]
    lines = {line["what"]: line for line in price["lines"]}
    assert "TriggeredRules" in lines["what comes in"]["formula"]
    assert price["usd"] == pytest.approx(sum(line["usd"] for line in lines.values()))
    assert "AWS/Logs IncomingBytes" in price["unknown"]["logs"]
    assert row["lastEvent"]["withinSeconds"] == 60
    assert row["functions"][0]["runtimeEnds"] == "2029-06-30"
    assert row["queues"][0] == {
        "name": "shipment-updates-dlq-qa",
        "waiting": 0,
        "inFlight": 0,
        "oldestSeconds": None,
    }
    assert (row["problems"], row["refused"], row["unknown"]) == ([], {}, {})


def test_of_a_bare_stack_only_that_is_said(waypost: Waypost, services: StackServices) -> None:
    services.resources = ()

    out = waypost(*STATUS).out

    assert "the stack has none" in out
    assert "open incidents  not known" in out
    assert "no topic" in out
