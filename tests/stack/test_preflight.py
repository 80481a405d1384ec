"""What stands in the way of an update is found before it, all of it, each with its way out."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from tests.support.cloudformation import CloudFormation
from tests.support.templates import Stack
from waypost.stack import drift, render, stacks
from waypost.stack.preflight import Asked, Finding, before_making, before_update
from waypost.stack.preflight.stack import EXPORTS

if TYPE_CHECKING:
    from collections.abc import Callable

TODAY = date(2026, 11, 23)
FIRST = {
    "ShipmentLogsTable": "shipment-logs-qa",
    "ShipmentProcessorFunction": "shipment-processor-qa",
}
OURS = FIRST | {
    "IngestQueue": "shipment-updates-qa",
    "ShipmentStateTable": "shipment-state-qa",
    "ShipmentRejectedTable": "shipment-rejected-qa",
}


def refused(code: str, operation: str = "DescribeTable") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class Account:
    """A stack in an account where nothing is wrong, until something is."""

    def __init__(self) -> None:
        self.cloud = CloudFormation(
            "UPDATE_COMPLETE",
            parameters={"EnvironmentSuffix": "qa", "AlertEmail": "ops@waypost.internal"},
        )
        self.resources = OURS
        self.stream: dict[str, Any] = {
            "StreamEnabled": True,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        self.tables = {"shipment-logs-qa"}
        self.dynamodb = Mock(describe_table=Mock(side_effect=self.describe_table))
        self.dynamodb.describe_continuous_backups.return_value = backups("ENABLED")
        self.functions = Mock()
        self.runtime = "python3.14"
        self.pauses: list[float] = []

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803 (as botocore has it)
        if TableName not in self.tables:
            raise refused("ResourceNotFoundException")
        return {"Table": {"StreamSpecification": self.stream}}

    @property
    def runtime(self) -> str:
        return str(self.functions.get_function.return_value["Configuration"]["Runtime"])

    @runtime.setter
    def runtime(self, name: str) -> None:
        self.functions.get_function.return_value = {"Configuration": {"Runtime": name}}

    def inspect(
        self, *, drift: bool = False, today: date = TODAY, **parameters: str
    ) -> list[Finding]:
        asked = Asked(
            parameters={"EnvironmentSuffix": "qa", **parameters}, drift=drift, today=today
        )
        stack = stacks.get(self.cloud, "waypost-qa")
        return before_update(self.client, stack, self.resources, asked, self.pauses.append)

    def inspect_new(self, *more: str) -> list[Finding]:
        tables = more or ("shipment-logs-qa", "shipment-state-qa", "shipment-rejected-qa")
        self.tables = set(tables)
        asked = Asked(parameters={"EnvironmentSuffix": "qa"}, drift=False, today=TODAY)
        return before_making(self.client, tables, asked)

    def client(self, service: str) -> Any:
        clients = {"cloudformation": self.cloud, "dynamodb": self.dynamodb}
        return clients.get(service, self.functions)


def backups(status: str) -> dict[str, Any]:
    said = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status}}
    return {"ContinuousBackupsDescription": said}


@pytest.fixture
def account() -> Account:
    return Account()


def one(findings: list[Finding]) -> Finding:
    [found] = findings
    return found


def test_where_nothing_is_wrong_nothing_is_said(account: Account) -> None:
    assert account.inspect() == []
    assert account.inspect(drift=True) == []


def test_all_is_said_at_once_what_blocks_first(account: Account) -> None:
    account.cloud.parameters = {"EnvironmentSuffix": "qa-", "AlertEmail": "test@test.com"}
    account.runtime = "python3.10"
    account.stream = {}
    account.resources = FIRST

    found = account.inspect(EnvironmentSuffix="qa-")

    assert [finding.blocks for finding in found] == [True, True, True, False]


# ------------------------------------------------------------------------------- what is asked for


@pytest.mark.parametrize("suffix", ["a" * 33, "qa-", "-qa", "-"])
def test_a_suffix_of_the_first_version_that_is_none_any_more(account: Account, suffix: str) -> None:
    account.cloud.parameters["EnvironmentSuffix"] = suffix

    found = one(account.inspect(EnvironmentSuffix=suffix))

    assert found.blocks
    assert "Nothing is lost" in found.what
    assert "import these rows" in found.way_out


def test_the_suffix_of_another_environment(account: Account) -> None:
    found = one(account.inspect(EnvironmentSuffix="prod"))

    assert found.blocks
    assert "environment qa, not prod" in found.what
    assert "--env qa" in found.way_out


def test_the_pattern_is_the_template_s(template: dict[str, Any]) -> None:
    pattern = template["Parameters"]["EnvironmentSuffix"]["AllowedPattern"]

    assert pattern == f"^{render.SUFFIX.pattern}$"


@pytest.mark.parametrize(
    "email", ["test@test.com", "Ops@Example.ORG", "ops@eu.example.com", "a@b.test", "a@c.invalid"]
)
def test_an_address_that_is_nobody_s_or_somebody_else_s(account: Account, email: str) -> None:
    account.cloud.parameters["AlertEmail"] = email

    found = one(account.inspect())
    assert found.blocks
    assert "--alert-email" in found.way_out
    assert account.inspect(AlertEmail="") == []
    assert account.inspect(AlertEmail="ops@example.com") == [], "named on purpose"


@pytest.mark.parametrize("email", ["", "ops@contest.com", "ops@example.com.au", "a@myexample.com"])
def test_another_address_stays(account: Account, email: str) -> None:
    account.cloud.parameters["AlertEmail"] = email

    assert account.inspect() == []


# ---------------------------------------------------------------------------------------- exports


def test_an_export_that_would_go_and_is_in_use(account: Account) -> None:
    account.cloud.exports = {"waypost-qa-Mine": "x", "waypost-qa-TableName": "shipment-logs-qa"}
    account.cloud.importers = {
        "waypost-qa-Mine": ["billing", "reports"],
        "waypost-qa-TableName": ["b"],
    }

    found = one(account.inspect())

    assert found.blocks
    assert "remove the export waypost-qa-Mine" in found.what
    assert "billing, reports" in found.what


def test_an_export_whose_value_would_change_and_is_in_use(account: Account) -> None:
    account.cloud.exports = {"waypost-qa-TableName": "my-own-table"}
    account.cloud.importers = {"waypost-qa-TableName": ["billing"]}

    assert "change the export waypost-qa-TableName" in one(account.inspect()).what


def test_an_export_that_nobody_uses_may_go(account: Account) -> None:
    account.cloud.exports = {"waypost-qa-Mine": "x"}

    assert account.inspect() == []


def test_the_exports_that_stay_are_the_template_s(template: dict[str, Any]) -> None:
    stack = Stack(template, EnvironmentSuffix="qa")
    exported = {
        output["Export"]["Name"].removeprefix("waypost-"): output["Value"]
        for output in stack.outputs.values()
        if "Export" in output
    }

    assert exported.keys() == EXPORTS.keys()
    for name, value in exported.items():
        logical = value.partition(".")[0]
        physical = value
        if logical in template["Resources"]:
            properties = stack[logical]
            physical = next(v for k, v in properties.items() if k.endswith("Name"))
        assert physical == f"{EXPORTS[name]}-qa"


# ------------------------------------------------------------------------------ table and function


def test_a_stream_that_is_off(account: Account) -> None:
    account.stream = {}

    found = one(account.inspect())

    assert found.blocks
    assert "StreamViewType=NEW_AND_OLD_IMAGES" in found.way_out


def test_a_stream_of_another_kind(account: Account) -> None:
    account.stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}

    found = one(account.inspect())

    assert found.blocks
    assert "has KEYS_ONLY, not NEW_AND_OLD_IMAGES" in found.what


def test_a_table_without_backups_is_mentioned(account: Account) -> None:
    account.dynamodb.describe_continuous_backups.return_value = backups("DISABLED")

    found = one(account.inspect())

    assert not found.blocks
    assert "update-continuous-backups --table-name shipment-logs-qa" in found.way_out


def test_tables_that_are_taken_in_are_looked_at_too(account: Account) -> None:
    account.stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}

    found = one(account.inspect_new())

    assert found.what.startswith("The stream of shipment-logs-qa has NEW_IMAGE")


def test_a_log_that_is_taken_in_without_its_state(account: Account) -> None:
    found = one(account.inspect_new("shipment-logs-qa"))

    assert not found.blocks
    assert "waypost stack backfill" in found.way_out


@pytest.mark.parametrize(
    ("status", "blocks"), [("UPDATE_COMPLETE", True), ("DELETE_COMPLETE", False)]
)
def test_a_table_of_another_stack_which_may_be_gone(
    account: Account, status: str, *, blocks: bool
) -> None:
    account.stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    account.cloud.owner, account.cloud.owner_status = "logistics-qa", status

    found = account.inspect_new("shipment-logs-qa", "shipment-state-qa")

    assert [one.way_out.split(" to ")[0] for one in found] == [
        "--stack-name logistics-qa"
    ] * 2 * blocks


def test_a_table_that_the_update_would_make_and_somebody_else_has(account: Account) -> None:
    account.resources = FIRST
    account.tables.add("shipment-state-qa")

    found = one(account.inspect())

    assert found.blocks
    assert found.what.startswith("shipment-state-qa is there, and not of this stack")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-10-31", "which ended on 2026-10-31"),
        ("2027-03-02", "which Lambda allows until 2027-03-03"),
        ("2027-03-03", "since 2027-03-03 Lambda changes no function to that"),
    ],
)
def test_what_going_back_to_the_first_runtime_means_on_a_day(
    account: Account, day: str, said: str
) -> None:
    account.runtime = "python3.10"

    found = one(account.inspect(today=date.fromisoformat(day)))

    assert not found.blocks
    assert said in found.what


# ------------------------------------------------------------------------------------------- drift


def drifted(status: str, *paths: str) -> dict[str, Any]:
    return {
        "LogicalResourceId": "ShipmentUpdateRule",
        "PhysicalResourceId": "shipment-update-rule-qa",
        "StackResourceDriftStatus": status,
        "PropertyDifferences": [{"PropertyPath": path} for path in paths],
    }


def test_what_was_changed_by_hand_is_mentioned_and_what_is_gone_blocks(account: Account) -> None:
    account.cloud.drifts = [
        drifted("MODIFIED", "/State", "/Targets/1"),
        drifted("IN_SYNC"),
        drifted("DELETED"),
    ]
    account.cloud.detection = ["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"]

    [gone, changed] = account.inspect(drift=True)

    assert gone.blocks
    assert "was deleted by hand" in gone.what
    assert not changed.blocks
    assert "changed by hand: /State, /Targets/1" in changed.what
    assert account.pauses == [drift.PAUSE]


def test_by_itself_it_does_not_look_for_what_was_changed_by_hand(account: Account) -> None:
    account.cloud.drifts = [drifted("MODIFIED", "/State")]

    assert account.inspect() == []


def test_a_detection_that_cannot_begin_blocks_nothing(account: Account) -> None:
    account.cloud.detect_stack_drift = Mock(side_effect=refused("ValidationError"))  # type: ignore[method-assign]  # as while another runs

    found = one(account.inspect(drift=True))

    assert not found.blocks
    assert found.what.startswith("Not looked at")


def test_a_detection_that_takes_too_long_is_left_and_said(account: Account) -> None:
    account.cloud.detection = ["DETECTION_IN_PROGRESS"] * (drift.LOOKS + 1)

    found = one(account.inspect(drift=True))

    assert not found.blocks
    assert "still looks after 2 minutes" in found.what
    assert sum(account.pauses) == 120


def test_a_detection_that_did_not_see_all_is_said(account: Account) -> None:
    account.cloud.detection = ["DETECTION_FAILED"]
    account.cloud.drifts = [drifted("MODIFIED", "/State")]

    found = account.inspect(drift=True)

    assert ["no right to read a queue" in f.what for f in found] == [True, False]


# ------------------------------------------------------------------------- what could not be looked at


LOOKS: dict[str, Callable[[Account, ClientError], object]] = {
    "whether other stacks use": lambda a, e: setattr(a.cloud, "list_imports", Mock(side_effect=e)),
    "the stream of": lambda a, e: setattr(a.dynamodb.describe_table, "side_effect", e),
    "the backups of": lambda a, e: setattr(
        a.dynamodb.describe_continuous_backups, "side_effect", e
    ),
    "the runtime of": lambda a, e: setattr(a.functions.get_function, "side_effect", e),
    "changed by hand": lambda a, e: setattr(a.cloud, "detect_stack_drift", Mock(side_effect=e)),
}


@pytest.mark.parametrize("what", LOOKS)
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("AccessDenied", "AWS refused"),
        ("AccessDeniedException", "AWS refused"),
        ("InvalidAction", "does not know"),
    ],
)
def test_what_could_not_be_looked_at_is_said_and_blocks_nothing(
    account: Account, what: str, code: str, why: str
) -> None:
    account.cloud.exports = {"Mine": "x"}
    LOOKS[what](account, refused(code))

    found = one(account.inspect(drift=True))

    assert not found.blocks
    assert found.what.startswith("Not checked")
    assert what in found.what
    assert why in found.what


def test_a_table_that_is_not_there_any_more_blocks(account: Account) -> None:
    account.dynamodb.describe_table.side_effect = refused("ResourceNotFoundException")

    found = one(account.inspect())

    assert found.blocks
    assert "Not there any more: the stream of shipment-logs-qa" in found.what


def test_another_error_is_an_error(account: Account) -> None:
    account.dynamodb.describe_table.side_effect = refused("ThrottlingException")

    with pytest.raises(ClientError, match="Throttling"):
        account.inspect()
