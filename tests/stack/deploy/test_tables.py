"""Tables that are there already."""

from __future__ import annotations

import pytest

from tests.support.cloudformation import CloudFormation, Desk
from tests.support.deploying import MADE, STREAM, change, client, deploy, leave_table, request
from waypost.stack.deploy import Ended
from waypost.stack.left import TABLES


def test_a_new_stack_takes_the_tables_in_that_are_left_and_never_deletes_them() -> None:
    leave_table(StreamSpecification=STREAM)
    cloud, desk = CloudFormation(course=MADE[:], changes=[change("Import")]), Desk()

    assert deploy(cloud, desk).ended is Ended.DEPLOYED

    assert request(cloud)["ImportExistingResources"] is True
    body = request(cloud)["TemplateBody"]
    assert "RetainExceptOnCreate" not in body
    # CloudFormation looks for what has a name as it stands in the template.
    for table in TABLES:
        assert f"TableName: {table}-qa\n" in body
    assert any("shipment-logs-qa" in line for line in desk.said)


def test_a_table_that_was_restored_without_its_stream_is_refused_and_the_way_out_said() -> None:
    leave_table()
    cloud, desk = CloudFormation(course=MADE[:], changes=[change("Import")]), Desk()

    assert deploy(cloud, desk).ended is Ended.REFUSED

    [stream, *others] = desk.findings
    assert "no stream" in stream.what
    assert "update-table --table-name shipment-logs-qa" in stream.way_out
    assert (stream.blocks, *(one.blocks for one in others)) == (True, False, False)
    assert cloud.asked == []
    assert client("s3").list_buckets()["Buckets"] == []


def test_a_table_of_another_stack_is_refused_and_that_stack_named() -> None:
    leave_table(StreamSpecification=STREAM)
    cloud, desk = CloudFormation(course=MADE[:], owner="logistics-qa"), Desk()

    assert deploy(cloud, desk).ended is Ended.REFUSED

    assert "--stack-name logistics-qa" in desk.findings[0].way_out
    assert cloud.asked == []


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS"])
@pytest.mark.parametrize("env", ["a" * 33, "qa-", "-"])
def test_a_new_stack_cannot_have_a_suffix_that_only_the_first_version_took(
    env: str, status: str | None
) -> None:
    cloud, desk = CloudFormation(status), Desk()

    assert deploy(cloud, desk, EnvironmentSuffix=env).ended is Ended.REFUSED

    assert "1 to 32 lowercase letters" in desk.findings[0].way_out
    assert cloud.asked == []


def test_a_new_stack_imports_nothing_else() -> None:
    cloud = CloudFormation(course=MADE[:], changes=[change("Add")])

    deploy(cloud)

    assert "ImportExistingResources" not in request(cloud)
    assert "RetainExceptOnCreate" in request(cloud)["TemplateBody"]
