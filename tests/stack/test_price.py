"""The bill: its arithmetic by hand, its quantities against what they stand for."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.support.clocks import FakeClock
from tests.support.templates import Stack
from waypost.aws_lambda.following import Following
from waypost.core.shipments import Thresholds
from waypost.core.times import DAY, SECOND
from waypost.core.updates import Event
from waypost.metrics.emf import IDENTITIES
from waypost.metrics.memory import MemoryMetrics
from waypost.notifiers.memory import MemoryNotifier
from waypost.ports import Outcome
from waypost.record import record
from waypost.simulate.fleet import Fleet
from waypost.simulate.world.dynamodb import DynamoModel, home_tables
from waypost.stack.price import DESIGNS, RATES, Traffic, bill, designs
from waypost.stores.dynamodb import DynamoStore

GB: Final = 1e9


def lines(design: str, traffic: Traffic) -> dict[tuple[str, str], float]:
    return {(line.rate.name, line.use.what): line.usd for line in bill(design, traffic).lines}


# ------------------------------------------------------------------------------ arithmetic


def test_tiers_are_paid_one_after_the_other() -> None:
    rate = RATES["metrics"]

    assert rate.cost(0) == 0
    assert rate.cost(10_000) == pytest.approx(3_000)
    assert rate.cost(10_001) == pytest.approx(3_000.10)
    assert rate.cost(260_000) == pytest.approx(10_000 * 0.30 + 240_000 * 0.10 + 10_000 * 0.05)


def test_what_is_free_is_never_more_than_what_is_used() -> None:
    rate = RATES["sqs"]

    assert rate.relief(10) == pytest.approx(rate.cost(10))
    assert rate.relief(5_000_000) == pytest.approx(0.40)


@pytest.mark.parametrize("name", RATES)
def test_prices_never_rise_with_the_quantity_and_have_a_source(name: str) -> None:
    rate = RATES[name]
    ends, prices = zip(*rate.tiers, strict=True)

    assert list(prices) == sorted(prices, reverse=True)
    assert list(ends) == sorted(ends)
    assert ends[-1] == float("inf")
    assert "https://" in rate.source


@pytest.mark.parametrize("design", DESIGNS)
def test_every_price_is_used_by_the_name_it_has(design: str) -> None:
    assert {line.use.rate for line in bill(design, Traffic(1_500)).lines} <= RATES.keys()


def test_a_month_of_the_first_design_by_hand() -> None:
    """15 million a day, 12 months: 450 million updates a month."""
    n = 450e6
    found = lines("seed", Traffic(15e6))

    assert found["events", "what comes in"] == pytest.approx(n * 1e-6)
    assert found["putmetric", "metrics"] == pytest.approx(4_500)
    assert found["invocations", "the function"] == pytest.approx(90)
    assert found["x86", "running"] == pytest.approx(n * 0.06 * 0.25 * 1.66667e-5)
    assert found["writes", "the log"] == pytest.approx(281.25)
    assert found["storage", "what is kept"] == pytest.approx(n * 12 * 0.45e-6 * 0.25)
    assert found["mails", "alerts by mail"] == pytest.approx(270)
    assert found["logs", "logs"] == pytest.approx(n * 0.9e-6 * 0.50)


def test_an_archive_is_paid_for_what_goes_in_and_what_is_kept() -> None:
    """A million updates a day for ten days: 18 GB go in a month, 6 GB are kept."""
    found = lines("waypost", Traffic(1e6, archive_days=10))

    assert found["archive", "the archive"] == pytest.approx(1.80)
    assert found["archive kept", "archived"] == pytest.approx(6 * 0.023)
    assert ("archive", "the archive") not in lines("waypost", Traffic(1e6))


def test_a_month_of_this_stack_by_hand() -> None:
    """1,500 a day: 45,000 a month, one in a batch of the queue and, within a minute, of the stream."""
    n = 45_000
    found = lines("waypost", Traffic(1_500))

    assert found["events", "what comes in"] == pytest.approx(0.045)
    assert found["sqs", "the queue"] == pytest.approx(3 * n * 0.4e-6)
    assert found["sqs", "polling"] == pytest.approx(2 * 5 * 30 * 86_400 / 20 * 0.4e-6)
    together = 1_500 / 1_440  # within the alert window of a minute
    assert found["invocations", "all three functions"] == pytest.approx(
        (n + n / together + 8_640) * 0.2e-6
    )
    assert found["writes", "the log"] == pytest.approx(n * 0.625e-6)
    assert found["dashboards", "dashboard"] == 3


def test_parts_make_the_whole() -> None:
    for design in DESIGNS:
        one = bill(design, Traffic(150_000))
        assert sum(one.by_service().values()) == pytest.approx(one.total)
        assert 0 < one.relief < one.total


def test_what_is_kept_longer_costs_more_and_nothing_else_does() -> None:
    short, long = (lines("waypost", Traffic(1e6, retain)) for retain in (1, 12))

    dearer = {name for name, usd in long.items() if usd > short[name]}
    assert dearer == {("storage", "what is kept"), ("pitr", "restorable")}


# ------------------------------------------------------------- what the quantities stand for


def test_the_alarms_are_those_of_the_template(template: dict[str, Any]) -> None:
    stack = Stack(template, AlertEmail="ops@example.org", DeadManHours=24)
    watched = [
        sum("MetricStat" in query for query in alarm.properties.get("Metrics", ())) or 1
        for alarm in stack.resources("AWS::CloudWatch::Alarm")
    ]

    assert sum(watched) == designs.ALARM_METRICS


def test_the_metrics_are_those_that_are_published() -> None:
    assert sum(len(values) or 1 for values in IDENTITIES.values()) == designs.IDENTITIES


def test_the_units_are_those_that_a_fleet_consumes() -> None:
    clock = FakeClock()
    model = DynamoModel(home_tables("dev"), now=clock.now)
    updates, followed = _run(model, clock, days=20, batch=5)
    usage = {
        name: (u.write_units / updates, u.read_units / updates) for name, u in model.usage.items()
    }
    indexes = [w for name, (w, _) in usage.items() if name.startswith("shipment-state-dev/")]

    close = pytest.approx
    assert usage["shipment-logs-dev"][0] == close(designs.WRITES["log"], rel=0.1)
    assert usage["shipment-state-dev"][0] == close(designs.WRITES["state"], rel=0.1)
    assert sum(indexes) == close(designs.WRITES["indexes"], rel=0.15)
    mappings = followed / updates
    assert usage["shipment-logs-dev"][1] - mappings == close(designs.READS["history"], rel=0.15)
    assert usage["shipment-state-dev"][1] == close(designs.READS["state"], rel=0.15)


def _run(model: DynamoModel, clock: FakeClock, days: int, batch: int) -> tuple[int, int]:
    """Record and follow a fleet; return how many updates and how many batches there were."""
    store = DynamoStore(
        model,
        logs="shipment-logs-dev",
        state="shipment-state-dev",
        rejected="shipment-rejected-dev",
    )
    metrics = MemoryMetrics()
    following = Following(
        store,
        MemoryNotifier(),
        clock=clock,
        metrics=metrics,
        thresholds=Thresholds(),
        environment="dev",
        workers=1,
    )
    start, waiting, updates, followed = clock.time, list[str](), 0, 0
    for sent in Fleet(7, start, shipments_a_day=15):
        if sent.at > start + days * DAY:
            return updates, followed
        clock.time, updates = sent.at, updates + 1
        event = Event(
            id=f"e{updates}",
            source="logistics.shipments",
            time=sent.at // SECOND * SECOND,
            detail=sent.detail,
            raw=json.dumps(sent.detail),
        )
        [outcome] = record([event], store=store, metrics=metrics, now=clock.time)
        if outcome is Outcome.APPENDED:
            waiting.append(str(sent.detail["shipmentId"]))
        if len(waiting) == batch:
            following.follow(waiting)
            waiting, followed = [], followed + 1
    raise AssertionError("a fleet has no end")
