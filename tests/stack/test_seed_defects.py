"""The sixteen ways in which the first handler lost updates or alerts, or misled its operator.

Each is a scenario that says what has to hold. It is run against a re-creation of that handler, to
show that it can fail, and against the functions that are deployed now.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.support.aws_homes import Aws, Home, SeedHome, WaypostHome, alerts, rows
from waypost.core.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHIPMENT: Final = "SHIP-12345"
_numbers: Final = count(1)


@dataclass(frozen=True)
class Defect:
    """A defect of the first handler.

    Attributes:
        key: its number.
        name: what went wrong.
        holds: what has to hold instead; on the first handler this is what fails.
        run: the scenario.
    """

    key: str
    name: str
    holds: str
    run: Callable[[Home], None]


DEFECTS: Final[list[Defect]] = []


def defect(name: str, holds: str) -> Callable[[Callable[[Home], None]], Callable[[Home], None]]:
    """Register a scenario; its function's name begins with the defect's number."""

    def register(run: Callable[[Home], None]) -> Callable[[Home], None]:
        DEFECTS.append(Defect(run.__name__.partition("_")[0].upper(), name, holds, run))
        return run

    return register


def require(condition: object, holds: str) -> None:
    """Fail with what had to hold."""
    if not condition:
        raise AssertionError(holds)


def event(*, at: str = "2026-03-02T11:00:00Z", **detail: Any) -> dict[str, Any]:
    """Return an event of the bus; each has an id of its own."""
    return {
        "version": "0",
        "id": f"00000000-0000-4000-8000-{next(_numbers):012d}",
        "detail-type": "Shipment Update",
        "source": "logistics.shipments",
        "account": "123456789012",
        "time": at,
        "region": "eu-central-1",
        "resources": [],
        "detail": {"shipmentId": SHIPMENT, **detail},
    }


def send(home: Home, *events: dict[str, Any]) -> None:
    """Deliver events a second apart, and let all that follows happen."""
    for one in events:
        home.deliver(one)
        home.clock.time += SECOND
    home.settle()


IS_STORED = "the update is recorded once, sooner or later"
IS_TOLD = "people are told of it"
IS_KEPT = "the event is kept, and can be processed again"


@defect("A throttled write is answered with 500, which counts as success: lost for ever", IS_STORED)
def h1_swallowed_errors(home: Home) -> None:
    home.aws.refuse("PutItem", "ProvisionedThroughputExceededException")
    send(home, event(status="LOST"))
    require(len(rows(home, SHIPMENT)) == 1, IS_STORED)


@defect("A malformed event is mailed and gone: there is nothing to send again", IS_KEPT)
def h2_poison_is_gone(home: Home) -> None:
    send(home, event(location="Memphis, TN"), {**event(), "detail": None})
    require(home.kept() == 2, IS_KEPT)


@defect("The metric comes before the alert: while CloudWatch is down, nobody is told", IS_TOLD)
def h3_metrics_before_alerts(home: Home) -> None:
    home.aws.refuse("PutMetricData", "InternalServiceFault")
    send(home, event(status="DELAYED"))
    require(alerts(home), IS_TOLD)


@defect("While CloudWatch is down, one event is retried half done: three rows", IS_STORED)
def h4_metrics_in_the_error_path(home: Home) -> None:
    home.aws.refuse("PutMetricData", "InternalServiceFault")
    send(home, event(status="IN_TRANSIT"))
    require(len(rows(home, SHIPMENT)) == 1, IS_STORED)


BOTH = "both updates are there"


@defect("Two updates within a millisecond have one key: the second replaces the first", BOTH)
def h5_same_millisecond(home: Home) -> None:
    home.deliver(event(status="PICKED_UP"))
    home.deliver(event(status="LOST"))
    home.settle()
    require({r["status"]["S"] for r in rows(home, SHIPMENT)} == {"PICKED_UP", "LOST"}, BOTH)


ONCE = "one row and one alert, however often the event is delivered"


@defect("An event that is delivered twice is stored twice and alerts twice", ONCE)
def h6_no_idempotency(home: Home) -> None:
    one = event(status="LOST")
    send(home, one, one)
    require((len(rows(home, SHIPMENT)), len(alerts(home))) == (1, 1), ONCE)


@defect("A function killed between row and alert leaves two rows, or no alert", ONCE)
def h7_no_outbox(home: Home) -> None:
    home.aws.die_after("PutItem")
    send(home, event(status="LOST"))
    require((len(rows(home, SHIPMENT)), len(alerts(home))) == (1, 1), ONCE)


@defect("A long shipment id makes a subject of 100 characters, which SNS refuses", IS_TOLD)
def h8_long_subject(home: Home) -> None:
    send(home, event(shipmentId="9" * 90, status="LOST"))
    require(len(alerts(home)) == 1, IS_TOLD)
    require("9" * 90 in alerts(home)[0].text, IS_TOLD)


TOLD_OR_KEPT = "people are told of it, or the event is kept and can be processed again"


@defect("A line break in a shipment id makes a subject that SNS refuses", TOLD_OR_KEPT)
def h9_line_break_in_the_subject(home: Home) -> None:
    send(home, event(shipmentId="SHIP\n1", status="LOST"))
    require(alerts(home) or home.kept(), TOLD_OR_KEPT)


@defect("A float anywhere in the location is refused by boto3's resource: lost", IS_STORED)
def h10_floats(home: Home) -> None:
    send(home, event(status="IN_TRANSIT", location={"latitude": 35.1, "longitude": -90.0}))
    require(len(rows(home, SHIPMENT)) == 1, IS_STORED)


@defect("A shipment id that is a number is refused by the table: lost", IS_KEPT)
def h11_numeric_id(home: Home) -> None:
    send(home, event(shipmentId=12345, status="LOST"))
    require(home.kept() == 1, IS_KEPT)


TEXTS = "a status in the table is a text, and what has none is kept and can be processed again"


@defect("A status that is no text is stored as it is, then stumbled over: no alert", TEXTS)
def h12_status_of_another_type(home: Home) -> None:
    send(home, event(status=["LOST"]))
    require(all("S" in row["status"] for row in rows(home, SHIPMENT)), TEXTS)
    require(home.kept() == 1, TEXTS)


@defect("`lost` and `LOST ` are not `LOST`: stored, and nobody is told", IS_TOLD)
def h13_case_and_space(home: Home) -> None:
    send(home, event(shipmentId="S-1", status="lost"), event(shipmentId="S-2", status="LOST "))
    told = "".join(mail.text for mail in alerts(home))
    require("S-1" in told, IS_TOLD)
    require("S-2" in told, IS_TOLD)


NO_ERROR = "an update with an unknown word is recorded, and is no error"


@defect("A status that is not ASCII is refused as a dimension: an error after the row", NO_ERROR)
def h14_status_as_dimension(home: Home) -> None:
    send(home, event(status="Überfällig"))
    require((len(rows(home, SHIPMENT)), home.errors()) == (1, 0), NO_ERROR)


@defect("An event above 400 KB fits neither the table nor the mail about it: no trace", IS_STORED)
def h15_large_event(home: Home) -> None:
    noise = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(7_000))
    send(home, event(status="IN_TRANSIT", manifest=noise))
    require(len(rows(home, SHIPMENT)) == 1, IS_STORED)


IN_ORDER = "a late event does not become the latest"


@defect("When it happened is discarded for when it was processed: a late event wins", IN_ORDER)
def h16_time_of_processing(home: Home) -> None:
    send(
        home,
        event(status="DELIVERED", at="2026-03-02T11:00:00Z"),
        event(status="IN_TRANSIT", at="2026-03-02T09:00:00Z"),
    )
    require(home.latest(SHIPMENT) == "DELIVERED", IN_ORDER)


def table() -> str:
    """Return the defects as a table in Markdown, as `docs/reference/seed-defects.md` has it."""
    lines = ["| | The first handler | What has to hold | First handler | Waypost |"]
    lines += ["|---|---|---|---|---|"]
    lines += [f"| {d.key} | {d.name} | {d.holds} | fails | holds |" for d in DEFECTS]
    return "\n".join(lines)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        yield Aws()


every_defect = pytest.mark.parametrize("one", DEFECTS, ids=lambda one: one.key)


@every_defect
def test_the_first_handler_fails(aws: Aws, one: Defect) -> None:
    with pytest.raises(AssertionError) as shown:
        one.run(SeedHome(aws))
    assert str(shown.value) == one.holds


@every_defect
def test_it_holds_here(aws: Aws, one: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    one.run(WaypostHome(aws, monkeypatch))


def test_all_sixteen_are_there() -> None:
    assert [one.key for one in DEFECTS] == [f"H{number}" for number in range(1, 17)]


def test_the_first_handler_does_what_it_was_made_for(aws: Aws) -> None:
    """Else that it fails would show nothing."""
    home = SeedHome(aws)
    send(home, event(status="LOST", location="Memphis, TN", carrier="FedEx"))
    [row] = rows(home, SHIPMENT)
    assert {row[name]["S"] for name in ("status", "location", "carrier")} == {
        "LOST",
        "Memphis, TN",
        "FedEx",
    }
    [mail] = alerts(home)
    assert mail.subject == "Logistics Alert: LOST - SHIP-12345"
    assert [name for name, _ in aws.calls].count("PutMetricData") == 1
    assert home.errors() == 0
