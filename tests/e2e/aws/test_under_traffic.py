"""A stack is changed while producers go on sending: each event that was taken is in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from botocore.exceptions import WaiterError

from tests.support.deployed import BUCKET, Deployed, deploy, eventually, put_code
from tests.support.producers import ON_THE_WAY, Traffic, traffic
from waypost.stack.render import render

if TYPE_CHECKING:
    from tests.support.ministack import Ministack

pytestmark = pytest.mark.timeout(400)

BASIC: Final = {"Alarms": "basic", "AlertWindowSeconds": "0"}
DEAD_LETTERS: Final = (
    "shipment-updates-dlq",
    "shipment-delivery-dlq",
    "shipment-invoke-dlq",
    "shipment-stream-dlq",
    "shipment-refold-dlq",
)


def assert_nothing_is_set_aside(stack: Deployed, sending: Traffic) -> None:
    assert sending.missing() == set(), stack.lines("shipment-processor")
    assert eventually(lambda: stack.depth("shipment-updates"), lambda depth: not depth) == 0
    assert stack.rejected() == {}
    assert {name: stack.depth(name) for name in DEAD_LETTERS} == dict.fromkeys(DEAD_LETTERS, 0)


def test_no_event_is_lost_between_the_first_version_and_this_one(
    aws: Ministack, first_template: bytes
) -> None:
    first = deploy(aws, first_template, "first")
    with traffic(first, "TURN") as sending:
        assert eventually(lambda: len(first.log()) > 3)
        first.update(render(), **BASIC)
        sending.more(5)

    assert_nothing_is_set_aside(first, sending)
    early, ours = sending.rows()
    assert early
    assert ours
    assert set(ours.values()) == {1}
    # An update takes milliseconds here, not minutes: the first version's role may go while its
    # function still runs. It has written a row by then, may neither count nor tell any more, fails,
    # and is tried again: ours has that row too, and tells of it as little as of any early one.
    once = early.keys() - sending.again
    assert {early[event] for event in once} == {1}
    cut = once & ours.keys()
    assert len(cut) <= ON_THE_WAY
    assert sending.untold(but=cut) == set()
    first.delete()  # for its rule matches what other tests send


def test_no_event_is_lost_by_an_update_of_the_first_version_that_fails(
    aws: Ministack, first_template: bytes
) -> None:
    first = deploy(aws, first_template, "failed")
    whole, part = render(), b"\n SweepInvokeConfig:"
    at = whole.index(part)
    broken = whole[:at] + whole[at:].replace(b"!Ref ShipmentSweepFunction", b"nobody", 1)
    with traffic(first, "FAIL") as sending:
        sending.more(1)
        with pytest.raises(WaiterError):
            first.update(broken, **BASIC)
        assert eventually(lambda: first.course()[-1] == "UPDATE_ROLLBACK_COMPLETE")
        sending.more(5)

    assert sending.missing() == set()
    assert "DELETE_COMPLETE" in first.course("IngestMapping")
    assert first.course("ShipmentProcessorFunction").count("UPDATE_COMPLETE") == 2
    # Between the two the function has its old code again, which would drop what is in the queue.
    assert first.course("ShipmentUpdateRule") == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    first.delete()  # for its rule matches what other tests send


def test_no_event_is_lost_between_two_versions_there_and_back(aws: Ministack) -> None:
    aws.client("events").create_event_bus(Name="versions")
    put_code(aws)
    one = deploy(aws, render(), "versions", **BASIC, EventBusName="versions")
    with traffic(one, "BACK") as sending:
        sending.more(3)
        for form in (render(BUCKET), render()):
            one.update(form, **BASIC, EventBusName="versions")
            sending.more(5)

    assert_nothing_is_set_aside(one, sending)
    early, ours = sending.rows()
    assert not early
    assert set(ours.values()) == {1}
    assert sending.untold() == set()
    one.delete()


def test_two_environments_of_one_account_have_nothing_in_common(
    aws: Ministack, stack: Deployed
) -> None:
    aws.client("events").create_event_bus(Name="second")
    second = deploy(aws, render(), "second", **BASIC, EventBusName="second")
    tell(stack, "ONLY-dev", not_to=second)
    tell(second, "ONLY-second", not_to=stack)
    topic = second.outputs["SNSTopicArn"]
    told = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["Protocol"] for one in told] == ["sqs"]  # who witnesses it, and no mail

    second.delete()

    tell(stack, "ONLY-ONE", not_to=second)


def tell(one: Deployed, shipment: str, *, not_to: Deployed) -> None:
    one.send({"shipmentId": shipment, "status": "LOST"})
    assert len(eventually(lambda: one.messages(about=shipment))) == 1
    assert eventually(lambda: one.state(shipment))["updates"] == len(one.rows(shipment)) == 1
    assert (not_to.rows(shipment), not_to.state(shipment)) == ([], {})
    assert not_to.messages(about=shipment) == []
