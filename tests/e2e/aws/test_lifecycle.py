"""The stack over time on a local AWS: made, changed, told from another one, taken away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from tests.support.deployed import Deployed, deploy_from_bucket, eventually
from tests.support.ministack import REGION
from waypost.cli.app import app
from waypost.stack.protection import POLICY
from waypost.stack.verify import verify

if TYPE_CHECKING:
    from typer.testing import Result

    from tests.support.ministack import Ministack

pytestmark = pytest.mark.timeout(400)

BASIC: Final = {"Alarms": "basic", "AlertWindowSeconds": "0"}


def program(aws: Ministack, suffix: str, *words: str) -> Result:
    """Run a ``stack`` command on the stack of an environment, with yes to every question."""
    where = f"--env {suffix} --region {REGION} --endpoint-url {aws.url} --yes".split()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return CliRunner().invoke(app, ["stack", *words, *where], env=keys)


def test_the_program_deploys_protects_the_tables_and_destroys(aws: Ministack) -> None:
    def waypost(*words: str) -> Result:
        done = program(aws, "cli", *words)
        assert done.exit_code == 0, done.stderr
        return done

    made = waypost("deploy", "--parameter", "Alarms=basic")
    assert "a stack policy says so" in made.stderr
    policy = aws.client("cloudformation").get_stack_policy(StackName="waypost-cli")
    assert json.loads(policy["StackPolicyBody"]) == POLICY

    again = waypost("deploy")
    assert again.stdout.startswith("There is nothing to change.")
    assert "policy" not in again.stderr

    assert "shipment-logs-cli" in waypost("destroy").stdout


def test_code_from_a_bucket_runs_on_a_bus_of_its_own(aws: Ministack, stack: Deployed) -> None:
    aws.client("events").create_event_bus(Name="carriers")
    other = deploy_from_bucket(aws, "bucket", **BASIC, EventBusName="carriers")
    other.send({"shipmentId": "BUCKET-1", "status": "LOST"})
    assert eventually(lambda: other.messages(about="BUCKET-1"))
    assert stack.rows("BUCKET-1") == []
    for suffix in ("dev", "bucket"):
        verdicts = verify(aws.client("lambda"), suffix)
        assert [verdict.differences for verdict in verdicts] == [(), (), ()]


def test_tables_outlive_their_stack_and_are_protected_in_production(aws: Ministack) -> None:
    stack = deploy_from_bucket(aws, "prod", **BASIC)
    stack.send({"shipmentId": "KEPT-1", "status": "IN_TRANSIT"})
    assert eventually(lambda: stack.state("KEPT-1"))
    stack.delete()
    assert len(stack.rows("KEPT-1")) == 1
    assert stack.state("KEPT-1")["updates"] == 1
    for table in ("logs", "state", "rejected"):
        with pytest.raises(ClientError, match="protect"):
            aws.client("dynamodb").delete_table(TableName=f"shipment-{table}-prod")
    names = {f["FunctionName"] for f in aws.client("lambda").list_functions()["Functions"]}
    assert not {name for name in names if name.endswith("-prod")}
