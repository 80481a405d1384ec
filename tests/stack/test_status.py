"""What is unwell is a sentence; what is refused hides no other part; what nobody says is not known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.cloudformation import CloudFormation
from tests.support.stack_services import RESOURCES, StackServices
from waypost.core.errors import NotFound
from waypost.core.times import parse_time
from waypost.stack import status
from waypost.stack.status import Gap, LastEvent, Report

if TYPE_CHECKING:
    from tests.support.templates import Stack

NOW: Final = parse_time("2026-11-16T00:00:00Z")[0]
"""Half of the month is over."""
AT: Final = NOW // 1_000
ROOT: Final = Path(__file__).parents[2]
DLQ: Final = "shipment-updates-dlq-not-empty"


ONE: Final = tuple(one for one in RESOURCES if one[1] != "shipment-sweep-qa")
"""With one function, so that there is one sentence."""


def look(**told: Any) -> Report:
    services = StackServices(**told)
    return status.look(services.connect, "waypost-qa", now=NOW, today=date(2026, 11, 16))


# ------------------------------------------------------------------------------ unwell


@pytest.mark.parametrize(
    ("unwell", "problem"),
    [
        ({"stack": "UPDATE_ROLLBACK_FAILED"}, "the stack is in UPDATE_ROLLBACK_FAILED"),
        ({"alarm": "ALARM"}, f"alarm {DLQ}-qa: Look. docs/how-to/answer-an-alarm.md#{DLQ}"),
        (
            {"waiting": 3},
            "shipment-updates-dlq-qa holds 3: `waypost stack redrive shipment-updates-dlq-qa --env qa`",
        ),
        ({"function": "Failed"}, "shipment-processor-qa is Failed"),
        ({"source": "Disabled"}, "shipment-processor-qa is not fed: Disabled"),
        ({"pending": 1}, "logistics-alerts-qa: 1 have not confirmed their subscription"),
        (
            {"runtime": "python3.10"},
            "python3.10 ended on 2026-10-31: `waypost stack deploy --env qa --parameter Runtime=...`",
        ),
    ],
)
def test_each_trouble_is_a_problem(unwell: dict[str, Any], problem: str) -> None:
    assert look(**unwell, resources=ONE).problems == [problem]


def test_a_stack_that_is_well_has_no_problems() -> None:
    report = look()

    assert (report.problems, report.notes, report.gaps) == ([], [], ())
    assert report.is_whole
    assert report.incidents == {"LOST": 8}


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ({"confirmed": 0}, "logistics-alerts-qa has no subscriber: nobody is told"),
        ({"code": "other"}, "code that could not be downloaded, and so not compared: "),
    ],
)
def test_what_may_be_meant_so_is_a_note(told: dict[str, Any], note: str) -> None:
    report = look(**told)

    assert report.problems == []
    assert report.notes[0].startswith(note)


def test_other_code_than_this_version_s_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.stack.verify._download", lambda _: b"no zip")

    assert look(code="other", resources=ONE).notes == [
        "other code than this version's: shipment-processor-qa; see `waypost stack verify --env qa`"
    ]


@pytest.mark.parametrize(("day", "notes"), [(date(2026, 12, 31), 0), (date(2027, 1, 1), 1)])
def test_the_end_of_a_runtime_is_said_half_a_year_before(day: date, notes: int) -> None:
    services = StackServices(runtime="python3.11")  # until 2027-06-30

    report = status.look(services.connect, "waypost-qa", now=NOW, today=day)

    assert len(report.notes) == notes
    assert report.problems == []


def test_the_alarms_that_went_off_come_first() -> None:
    states = ("OK", "INSUFFICIENT_DATA", "ALARM", "OK")
    services = StackServices()
    connect = services.connect("cloudwatch")
    connect.describe_alarms.return_value = {
        "MetricAlarms": [
            {"AlarmName": f"{number}-qa", "StateValue": state}
            for number, state in enumerate(states)
        ]
    }

    report = status.look(
        lambda service: connect if service == "cloudwatch" else services.connect(service),
        "waypost-qa",
        now=NOW,
        today=date(2026, 11, 16),
    )

    assert [alarm.name for alarm in report.alarms] == ["2-qa", "1-qa", "0-qa", "3-qa"]


def test_each_alarm_of_the_template_has_its_line_in_the_runbook(stack: Stack) -> None:
    """The name without its suffix is a heading of that page."""
    page = (ROOT / status.report.RUNBOOK).read_text(encoding="utf-8")
    names = [alarm.properties["AlarmName"] for alarm in stack.resources("AWS::CloudWatch::Alarm")]

    assert len(names) > 20
    assert [n for n in names if f"\n### {n.removesuffix('-dev')}\n" not in page] == []


def test_a_stack_without_alarms_does_not_ask_for_all_of_the_account() -> None:
    assert look(resources=RESOURCES[1:]).alarms == ()


def test_a_stack_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        status.look(lambda _: CloudFormation(), "waypost-qa", now=NOW, today=date(2026, 11, 16))


# ------------------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("operation", "part", "needs"),
    [
        ("describe_alarms", "alarms", "cloudwatch:DescribeAlarms"),
        ("get_queue_attributes", "queues", "sqs:GetQueueAttributes"),
        ("get_function", "functions", "lambda:GetFunction"),
        ("list_event_source_mappings", "functions", "lambda:ListEventSourceMappings"),
        ("get_topic_attributes", "topics", "sns:GetTopicAttributes"),
        ("describe_table", "tables", "dynamodb:DescribeTable"),
        ("query", "incidents", "dynamodb:Query"),
    ],
)
def test_a_part_that_is_refused_hides_no_other(operation: str, part: str, needs: str) -> None:
    report = look(refused={operation: "AccessDenied"})

    why = f"not allowed: needs {needs}"
    assert report.gaps == (Gap(part=part, why=why, is_refused=True),)
    assert not report.is_whole
    assert report.problems == []
    assert report.month is not None
    shown = (report.alarms, report.queues, report.functions, report.topics, report.incidents)
    assert len([part for part in shown if part]) >= 4


def test_without_metrics_there_is_no_price_and_the_rest_is_there() -> None:
    report = look(refused={"get_metric_data": "AccessDenied"}, waiting=3)

    why = "not allowed: needs cloudwatch:GetMetricData"
    assert [(gap.part, gap.why) for gap in report.gaps] == [("numbers", why), ("price", why)]
    assert (report.month, report.last_event, report.lag) == (None, None, None)
    assert len(report.problems) == 1


@pytest.mark.parametrize(("code", "is_whole"), [("InvalidAction", True), ("Throttling", False)])
def test_what_an_emulator_lacks_is_not_known(code: str, is_whole: bool) -> None:
    report = look(refused={"describe_alarms": code})

    assert report.gaps[0].why.startswith("not known: ")
    assert report.is_whole is is_whole


# ------------------------------------------------------------------------------ numbers


def test_the_newest_values_are_shown_unless_they_are_old() -> None:
    report = look(
        points={
            "ApproximateAgeOfOldestMessage": [(AT - 120, 9.0), (AT - 60, 40.0)],
            "IteratorAge": [(AT - 1_200, 5_000.0)],
        }
    )

    assert [queue.oldest for queue in report.queues] == [40.0, 40.0]
    assert report.lag is None
    assert look(points={"IteratorAge": [(AT - 60, 5_000.0)]}).lag == 5.0


@pytest.mark.parametrize(
    ("points", "seen"),
    [
        (
            {"TriggeredRules": [(AT - 300, 2.0), (AT - 60, 0.0)], "Invocations": [(AT - 60, 1.0)]},
            (300, 60, "the rule matched it: TriggeredRules"),
        ),
        (
            {"TriggeredRules": [(AT - 90_000, 2.0)]},
            (90_000, 3_600, "the rule matched it: TriggeredRules"),
        ),
        ({"Invocations": [(AT - 60, 1.0)]}, (60, 60, "the processor ran: Invocations")),
    ],
)
def test_the_last_event_is_what_the_surest_metric_says(
    points: dict[str, list[tuple[int, float]]], seen: tuple[int, int, str]
) -> None:
    ago, span, source = seen

    assert look(points=points).last_event == LastEvent(
        at=NOW - ago * 1_000, span=span, source=source
    )


def test_metrics_are_asked_for_in_two_calls_each_by_an_identity_of_its_own() -> None:
    """One for now and one for the month: all that a call asks for has one span of time."""
    services = StackServices(parameters={"EventBusName": "freight"})

    status.look(services.connect, "waypost-qa", now=NOW, today=date(2026, 11, 16))

    assert len(services.asked) == 2
    [rule] = [
        query["MetricStat"]["Metric"]["Dimensions"]
        for query in services.asked[1]
        if query["MetricStat"]["Metric"]["MetricName"] == "TriggeredRules"
    ]
    assert rule == [
        {"Name": "EventBusName", "Value": "freight"},
        {"Name": "RuleName", "Value": "shipment-update-rule-qa"},
    ]
    for call in services.asked:
        assert len({str(query["MetricStat"]) for query in call}) == len(call) <= 500


# ------------------------------------------------------------------------------ price


def test_a_month_so_far_by_hand() -> None:
    points = {
        "TriggeredRules": [(AT - 7_200, 1_000.0), (AT - 600_000, 500.0), (AT - 9_000_000, 7.0)],
        "Invocations": [(AT - 7_200, 900.0)],
        "Duration": [(AT - 86_400, 20_000.0)],
        "ConsumedWriteCapacityUnits": [(AT - 86_400, 2_000.0)],
        "NumberOfMessagesSent": [(AT - 86_400, 1_500.0)],
        "IncomingBytes": [(AT - 86_400, 2e9)],
    }

    month = look(points=points).month

    assert month is not None
    assert month.share == pytest.approx(0.5)
    found: dict[str, Any] = {line.use.what: (line.use.units, line.usd) for line in month.bill.lines}
    # 15 days of 30; what came before the month is not in it.
    assert found["what comes in"] == (1_500, pytest.approx(1_500e-6))
    assert found["runs"] == (1_800, pytest.approx(1_800 * 0.2e-6))
    assert found["sweeps"] == (900, pytest.approx(900e-6))
    assert found["running shipment-processor-qa"][0] == pytest.approx(20 * 0.5)
    assert found["writing"][0] == 4_000  # the table, and its index
    assert found["the queues"][0] == 1_500  # the dead letters are not polled
    assert found["logs"] == (pytest.approx(2), pytest.approx(1.0))
    assert found["what is kept"] == (pytest.approx(4 * 0.5), pytest.approx(0.5))
    assert found["restorable"] == (pytest.approx(3 * 0.5), pytest.approx(0.3))
    assert found["alarms"] == (pytest.approx(2 * 0.5), pytest.approx(0.1))
    assert found["dashboard"] == (pytest.approx(0.5), pytest.approx(1.5))
    assert {one.what for one in month.unknown} == {"reading", "messages", "mails"}
    [why] = [one.why for one in month.unknown if one.what == "mails"]
    assert "AWS/SNS NumberOfNotificationsDelivered" in why


def test_what_was_not_asked_for_is_not_in_the_price() -> None:
    refused = dict.fromkeys(["describe_table", "get_function", "describe_alarms"], "AccessDenied")

    month = look(refused=refused).month

    assert month is not None
    unasked = {one.what for one in month.unknown if one.why == "not asked"}
    assert unasked == {"runs", "sweeps", "writing", "reading", "alarms", "what is kept"}


def test_a_stack_that_is_younger_than_the_month_pays_from_its_beginning() -> None:
    parts = status.month.Parts(
        rule=(),
        functions=(),
        queues=(),
        topics=(),
        tables=(),
        log_groups=(),
        dashboards=1,
        alarms=None,
        archives=1,
    )

    month = status.month.so_far(parts, {}, NOW - 3 * 86_400_000, NOW)

    assert month.since == NOW - 3 * 86_400_000
    assert month.share == pytest.approx(0.1)
    assert "the archive" in {one.what for one in month.unknown}
