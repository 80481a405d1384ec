"""A stack of the first version is brought over."""

from __future__ import annotations

import pytest

from tests.support.aws import Refusing
from tests.support.cloudformation import Desk
from tests.support.deploying import client, deploy, first_version
from waypost.stack.deploy import Ended


def test_all_that_stands_in_the_way_is_said_at_once_and_nothing_is_changed() -> None:
    cloud, desk = first_version(), Desk()

    done = deploy(cloud, desk, EnvironmentSuffix="uat")

    assert done.ended is Ended.REFUSED
    assert cloud.asked == []
    assert [one.what.split()[1] for one in desk.findings if one.blocks] == ["stack", "AlertEmail"]
    assert done.findings == tuple(desk.findings)
    assert client("s3").list_buckets()["Buckets"] == []


def test_its_rows_are_counted_before() -> None:
    cloud, desk = first_version(), Desk()

    done = deploy(cloud, desk, AlertEmail="")

    assert str(done.rows_before) == "3"
    assert "for two minutes at the most" in desk.said[1]
    assert "Its table has 3 rows, which stay" in desk.said[2]
    assert "waypost stack backfill --env qa" in desk.said[2]


def test_what_was_changed_by_hand_is_looked_for_only_if_wanted() -> None:
    desk = Desk()

    done = deploy(first_version(), desk, drift=False, AlertEmail="")

    assert done.ended is Ended.DEPLOYED
    assert not any("changes by hand" in line for line in desk.said)


def test_a_large_table_is_counted_by_what_dynamodb_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.stack.rows.EXACT", -1)

    assert str(deploy(first_version(), AlertEmail="").rows_before) == "about 3"


def test_it_is_brought_over_by_who_may_not_read_its_rows() -> None:
    refusing = Refusing(client("dynamodb"), "Scan")
    refusing.start(400, "AccessDeniedException")
    try:
        done = deploy(first_version(), AlertEmail="")
    finally:
        refusing.stop()

    assert done.ended is Ended.DEPLOYED
    assert str(done.rows_before) == "about 3"
