"""Operators' commands on a stack: the same answers as on a data folder, and what goes wrong there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.support import moto_stack
from tests.support.aws import Refusing
from tests.support.clocks import NOON
from tests.support.servers import reserved_port
from tests.unit.cli.conftest import Ran, Waypost
from waypost.cli.hands import Tally
from waypost.core.errors import StoreUnavailable
from waypost.core.times import HOUR, SECOND, format_time
from waypost.stack.connection import Connection
from waypost.stores.dynamodb import DynamoStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.moto_stack import Functions

STACK: Final = ("--stack", "qa", "--region", "eu-central-1")


def at(hours: float) -> str:
    return format_time(NOON - int(hours * HOUR))


def said(shipment: str, status: str, hours: float, **more: object) -> dict[str, object]:
    occurred = {"shipmentId": shipment, "status": status, "occurredAt": at(hours)}
    return {**occurred, "eventId": f"{shipment}-{status}-{hours}", "carrier": "FedEx", **more}


DETAILS: Final[list[object]] = [
    said("A", "PICKED_UP", 9, location="Memphis, TN"),
    said("A", "IN_TRANSIT", 7, location={"name": "Köln", "country": "DE", "latitude": 50.94}),
    said("A", "LOST", 3),
    said("B", "DELAYED", 6, eta=at(-20), description="snow"),
    said("B", "DELIVERED", 2),
    said("C", "beamed", 5, statusCode="XB", references=[{"type": "po", "value": "7"}]),
    said("C", "beamed", 4, statusCode="XB", carrier="UPS"),
    said("D", "DAMAGED", 8),
    said("D", "DAMAGED", 8),
    said("E/ 1", "IN_TRANSIT", 90),
    {"shipmentId": "F", "status": "LOST"},
    {"shipmentId": 1},
    {"shipmentId": "G", "status": "LOST", "occurredAt": "yesterday"},
]
LINES: Final = b"".join(json.dumps(detail).encode() + b"\n" for detail in DETAILS)

OWN: Final = (
    "Alerts that wait",
    "What was rejected",
    "`track` knows",
    "This reads the whole table",
)
"""What one home has to say and the other has not."""
WRITES: Final = ("import", "put", "ack", "mute", "unmute", "resolve", "map", "retract", "replay")

SCENARIO: Final[list[tuple[int, str]]] = [
    (1, "import -"),
    (1, "import - --quiet"),
    (0, "put --shipment A --status EXCEPTION --location Lyon"),
    (1, "put --shipment A --status LOST --occurred-at yesterday"),
    (0, "track A"),
    (0, "track A --json"),
    (0, "track B --json"),
    (0, "track C"),
    (0, "track E/ 1 --json"),
    (1, "track NOBODY"),
    (0, "shipments"),
    (0, "shipments --json"),
    (0, "shipments --json --limit 2"),
    (0, "shipments --limit 2"),
    (0, "shipments --json --after B"),
    (0, "shipments --json --condition LOST"),
    (0, "shipments --json --status DELIVERED"),
    (0, "shipments --json --carrier fedex --since 4h"),
    (2, "shipments --since soon"),
    (0, "incidents"),
    (0, "incidents --json"),
    (0, "incidents --json --open"),
    (0, "incidents --json --resolved"),
    (0, "incidents --shipment B --json"),
    (0, "incidents --condition DAMAGED"),
    (0, "incidents ack A LOST"),
    (0, "incidents mute D DAMAGED"),
    (0, "incidents"),
    (0, "incidents unmute D DAMAGED"),
    (0, "incidents resolve D DAMAGED"),
    (1, "incidents resolve D DAMAGED"),
    (1, "incidents ack NOBODY LOST"),
    (2, "incidents ack A FINE"),
    (0, "incidents --json"),
    (0, "unmapped"),
    (0, "unmapped --json"),
    (0, "unmapped map XB OUT_FOR_DELIVERY --carrier FedEx"),
    (0, "unmapped --json"),
    (0, "track C --json"),
    (0, "shipments --json --status OUT_FOR_DELIVERY"),
    (0, "retract A A-LOST-3 --reason found"),
    (0, "retract A A-LOST-3"),
    (1, "retract A nothing"),
    (0, "track A"),
    (0, "rejected"),
    (0, "rejected --json"),
    (0, "rejected --limit 1"),
    (0, "rejected show {0}"),
    (0, "rejected show {1} --json"),
    (1, "rejected show 0000"),
    (2, "rejected show 12"),
    (1, "rejected replay {0}"),
    (0, "rejected drop {0}"),
    (1, "rejected drop ffffffffffffffff"),
    (1, "rejected replay --all"),
    (0, "rejected --all --json"),
    (0, "alerts --json"),
    (0, "alerts --json --shipment A"),
    (2, "alerts --state lost"),
    (0, "export updates"),
    (0, "export shipments"),
    (0, "export incidents --as-of 2026-03-04T00:00:00Z"),
    (2, "export updates --as-of 2026-03-04T00:00:00Z"),
]


@dataclass
class Turns:
    """A clock for each command, a minute after the one before; their ids tell of the command.

    So two homes name alike what a command appends, whatever else they name.
    """

    turn: int = 0
    _ids: int = 0

    def next(self) -> None:
        self.turn, self._ids = self.turn + 1, 0

    def now(self) -> int:
        return NOON + self.turn * 60 * SECOND

    def new_id(self) -> str:
        self._ids += 1
        return f"{self.turn}-{self._ids}"


@dataclass
class There:
    """Runs commands on one of the homes."""

    waypost: Waypost
    where: tuple[str, ...]
    clock: Turns
    functions: Functions | None = None

    def __call__(self, command: str, *, stdin: bytes = b"", code: int = 0) -> Ran:
        self.clock.next()
        words = command.replace("E/ 1", "E/_1").split()
        words = [word.replace("E/_1", "E/ 1") for word in words]
        ran = self.waypost(*words, *self.where, stdin=stdin, code=code)
        if self.functions is not None and not {*words}.isdisjoint(WRITES):
            self.functions.follow_all()
        return ran


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Turns:
    clock = Turns()
    monkeypatch.setattr("waypost.bootstrap.SystemClock", lambda: clock)
    return clock


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What answers instead of moto, by service."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(
        Connection, "client", lambda _, service: found.get(service) or moto_stack.client(service)
    )
    with mock_aws():
        found["cloudformation"] = moto_stack.deployed()
        yield found


@pytest.fixture
def stack(waypost: Waypost, clock: Turns, aws: dict[str, Any]) -> There:
    return There(waypost, STACK, clock, moto_stack.Functions(clock))


def play(there: There) -> list[tuple[str, int, str, list[str]]]:
    """Play the scenario; return of each command what it printed, but for the homes' own notes."""
    played = []
    ids: list[str] = []
    for code, command in SCENARIO:
        stdin = b"no json\n" + b"".join(LINES.splitlines(keepends=True)[:5])
        stdin = LINES if command == "import -" else stdin
        ran = there(command.format(*ids), stdin=stdin, code=code)
        if command == "rejected --json":
            ids = [row["rejectionId"] for row in ran.rows]
        notes = [line for line in ran.err.splitlines() if not line.startswith(OWN)]
        out = _alerts(ran) if command.startswith("alerts --json") else ran.out
        played.append((command, ran.code, out, notes))
    return played


def _alerts(ran: Ran) -> str:
    """Return what a ledger has in both homes: what was told, but not by which message.

    Alerts of one moment have no order.
    """
    own = ("alertId", "messageId", "deliveries")
    rows = [{name: row[name] for name in row if name not in own} for row in ran.rows]
    return "\n".join(sorted(json.dumps(row) for row in rows if row["kind"] == "incident"))


def test_both_homes_give_the_same_answers(stack: There, tmp_path: Path) -> None:
    clock = Turns()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("waypost.bootstrap.SystemClock", lambda: clock)
        local = play(There(Waypost(tmp_path), ("--data", str(tmp_path)), clock))

    for there, here in zip(play(stack), local, strict=True):
        assert there == here


# --- What goes wrong


def test_without_the_stack_it_says_how_to_make_one(stack: There, aws: dict[str, Any]) -> None:
    aws["cloudformation"].status = None
    for command in ("track A", "put --shipment A --status LOST", "rederive", "rejected"):
        ran = stack(command, code=3)
        assert "there is no stack waypost-qa in this account and in eu-central-1" in ran.err
        assert "waypost stack deploy --env qa --region eu-central-1" in ran.err
    assert not stack.waypost.data.exists()


def test_a_stack_that_is_not_whole_is_said(stack: There, aws: dict[str, Any]) -> None:
    cloud = aws["cloudformation"]
    cloud.status, cloud.resources = "CREATE_IN_PROGRESS", cloud.resources[:2]

    ran = stack("shipments", code=3)

    assert "is in CREATE_IN_PROGRESS and has no ShipmentRejectedTable, RefoldQueue" in ran.err


def test_a_stack_of_another_environment_is_not_touched(stack: There, aws: dict[str, Any]) -> None:
    aws["cloudformation"].parameters["EnvironmentSuffix"] = "prod"

    ran = stack("put --shipment A --status LOST --stack-name mine", code=2)

    assert "the stack mine is of the environment prod, not qa" in ran.err


@pytest.mark.parametrize(
    ("operation", "code", "said"),
    [
        ("Query", "AccessDeniedException", "grant that action on the table"),
        ("Query", "ProvisionedThroughputExceededException", "refused, as it was told to"),
        ("Query", "ResourceNotFoundException", "deploy the stack"),
    ],
)
def test_what_aws_refuses_is_said(
    stack: There, monkeypatch: pytest.MonkeyPatch, operation: str, code: str, said: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    refusing = Refusing(moto_stack.client("dynamodb"), operation)
    refusing.start(400, code)
    try:
        ran = stack("track A", code=3)
    finally:
        refusing.stop()

    assert "table shipment-logs-qa" in ran.err
    assert said in ran.err


def test_an_import_that_broke_off_says_how_far_it_came(
    stack: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def take(_: object, lines: list[str], *, quiet: bool) -> Tally:
        if taken:
            raise StoreUnavailable("throttled")
        taken.append(len(lines))
        return Tally(appended=len(lines))

    monkeypatch.setattr("waypost.cli.transfer.BATCH_LINES", 2)
    monkeypatch.setattr("waypost.cli.direct.StoreHands.take", take)

    ran = stack("import -", stdin=LINES, code=3)

    assert "At least 2 recorded, 0 duplicates, 0 rejected. Repeat the import" in ran.err
    assert "throttled" in ran.err


def test_what_sqs_refuses_is_said(stack: There) -> None:
    stack("put --shipment A --status LOST")
    refusing = Refusing(moto_stack.client("sqs"), "SendMessageBatch")
    refusing.start(403, "AccessDenied")
    try:
        ran = stack("rederive", code=3)
    finally:
        refusing.stop()

    assert "the re-fold queue" in ran.err
    assert "AccessDenied" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--stack qa --data folder", "give one of them"),
        ("--region eu-central-1 --endpoint-url http://127.0.0.1", "needs --stack"),
        ("--stack Not-An-Env", "lowercase"),
        ("--stack qa --stack-name 1st", "a letter first"),
    ],
)
def test_wrong_use_is_said(waypost: Waypost, options: str, said: str) -> None:
    assert said in waypost("track", "A", *options.split(), code=2).err


@pytest.fixture
def bare_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own settings: credentials, and nothing else."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr("waypost.stack.connection.ATTEMPTS", 1)


def test_without_a_region_it_is_wrong_use(waypost: Waypost, bare_aws: None) -> None:
    assert "--region" in waypost("track", "A", "--stack", "qa", code=2).err


def test_an_address_where_nobody_answers_is_said(waypost: Waypost, bare_aws: None) -> None:
    with reserved_port() as port:
        url = f"http://127.0.0.1:{port}"
        assert url in waypost("track", "A", *STACK, "--endpoint-url", url, code=3).err


# --- What is different there


def test_the_lists_follow_later_and_that_is_said(stack: There) -> None:
    ran = stack.waypost("put", "--shipment", "A", "--status", "LOST", *STACK)

    assert "alert window of 60 s" in ran.err
    assert stack("track A --json").row["condition"] == "LOST"
    assert stack("incidents --json").rows == []
    assert stack("incidents ack A LOST").out == "done\n"
    assert stack("incidents --json").row["acknowledged"]
    again = stack("import -", stdin=stack("export updates").out.encode())
    assert (again.out, again.err) == ("0 recorded, 2 duplicates, 0 rejected\n", "")


def test_silence_is_judged_as_the_stack_does(stack: There, aws: dict[str, Any]) -> None:
    stack("import -", stdin=json.dumps(said("A", "IN_TRANSIT", 3)).encode())
    assert stack("track A --json").row["condition"] is None
    aws["cloudformation"].parameters["StalledHours"] = "2"

    assert stack("track A --json").row["condition"] == "STALLED"


def test_a_quiet_import_alerts_nobody(stack: There) -> None:
    assert stack.functions is not None
    told = stack.functions.channel.messages
    detail = said("A", "LOST", 3)
    stack("put --shipment A --status DELIVERED --occurred-at 2026-03-02T08:00:00Z")
    [entry] = stack("export updates").rows
    entry |= {"shipmentId": "B", "status": "DAMAGED"}
    stack("import - --quiet", stdin=f"{json.dumps(detail)}\n{json.dumps(entry)}".encode())
    assert [row["state"] for row in stack("incidents --json").rows] == ["open", "open"]
    assert told == []

    stack("import -", stdin=json.dumps(said("C", "LOST", 3)).encode())
    assert [message.counts for message in told] == [{"LOST": 1}]


def test_rederive_has_every_shipment_folded_and_alerts_nobody_again(stack: There) -> None:
    functions = stack.functions
    assert functions is not None
    names = [f"S{number:02}" for number in range(23)]
    both = (("IN_TRANSIT", 4), ("LOST", 3))
    lines = "\n".join(json.dumps(said(name, *one)) for name in names for one in both)
    stack("import -", stdin=lines.encode())
    stack("unmapped map XB LOST")
    told = len(functions.channel.messages)
    before = stack("incidents --json").out

    ran = stack("rederive")

    assert ran.out == "23 shipments sent to the re-fold queue: the notifier folds them\n"
    assert "reads the whole table shipment-logs-qa" in ran.err
    assert sorted(functions.read_refolds()) == names
    assert stack("incidents --json").out == before
    assert functions.store.saved(["S00"])["S00"].version == 3
    assert len(functions.channel.messages) == told


def test_the_ledger_of_alerts_has_what_was_published(
    stack: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waypost.cli.alerts._PAGE", 2)
    names = [f"S{number}" for number in range(5)]
    lines = "\n".join(json.dumps(said(name, "LOST", 3)) for name in names)
    stack("import -", stdin=lines.encode())

    ran = stack("alerts --json")

    assert sorted(row["shipmentId"] for row in ran.rows) == names
    assert "reads the whole table shipment-state-qa" in ran.err
    assert [d["state"] for d in ran.rows[0]["deliveries"]] == ["sent"]
    table = stack("alerts --limit 2")
    assert table.out.count("LOST") == 2
    assert f"waypost alerts --after {ran.rows[1]['alertId']} --stack qa" in table.err
    assert stack(f"alerts --json --after {ran.rows[1]['alertId']}").rows == ran.rows[2:]
    of_one = stack("alerts --json --shipment S3")
    assert (of_one.row["shipmentId"], of_one.err) == ("S3", "")


def test_what_of_it_arrived_is_asked_elsewhere(stack: There) -> None:
    assert "logistics-alerts-dlq" in stack("alerts --state dead", code=2).err


def test_what_aws_could_not_deliver_is_sent_again_by_another_command(stack: There) -> None:
    ran = stack("alerts resend some-id", code=1)

    assert "waypost stack redrive logistics-alerts-dlq --env qa" in ran.err


def test_a_log_that_is_too_long_to_sort_is_not_exported(
    stack: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = DynamoStore.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "read_limit", 1)
    stack("import -", stdin=LINES, code=1)

    ran = stack("export updates", code=3)

    assert ran.out == ""
    assert "more than 1 shipments" in ran.err


def test_rows_of_the_first_design_are_read_and_told_to_nobody(stack: There) -> None:
    detail = json.dumps({"shipmentId": "OLD", "status": "LOST", "location": "Memphis, TN"})
    row = {
        "shipmentId": {"S": "OLD"},
        "timestamp": {"N": str(NOON - HOUR)},
        "status": {"S": "LOST"},
        "location": {"S": "Memphis, TN"},
        "carrier": {"S": "Unknown"},
        "eventTime": {"S": at(1)},
        "rawEvent": {"S": detail},
    }
    moto_stack.client("dynamodb").put_item(TableName="shipment-logs-qa", Item=row)

    [update] = stack("track OLD --json").row["updates"]
    assert (update["eventId"], update["status"]) == (f"seed:{NOON - HOUR}", "LOST")
    exported = stack("export updates").out
    assert "0 recorded, 1 duplicates" in stack("import -", stdin=exported.encode()).out
    assert stack("retract OLD " + update["eventId"]).out == "retracted\n"
    assert stack("shipments --json").row["condition"] is None
    assert stack.functions is not None
    assert stack.functions.channel.messages == []
