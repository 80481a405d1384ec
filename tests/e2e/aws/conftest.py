from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.deployed import BUCKET, Deployed, deploy
from tests.support.ministack import REGION, Ministack
from tests.support.operators import StackOperator
from waypost.stack.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with Ministack(tmp_path_factory.mktemp("ministack")) as aws:
        aws.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield aws


@pytest.fixture
def first_template() -> bytes:
    return (Path(__file__).parent / "first.yaml").read_bytes()


@pytest.fixture(scope="session")
def stack(aws: Ministack) -> Deployed:
    """The stack as it is deployed where one file holds all."""
    stack = deploy(aws, render(), "dev", Alarms="basic", AlertWindowSeconds="0")
    make_as_strict_as_aws(stack)
    return stack


@pytest.fixture(scope="session")
def operator(stack: Deployed) -> StackOperator:
    return StackOperator(stack)


def make_as_strict_as_aws(stack: Deployed) -> None:
    """Correct where MiniStack checks other rights than AWS does."""
    # A topic that CloudFormation made lets everybody publish: the condition is missing that makes
    # this policy apply to AWS's own services only.
    topic = stack.outputs["SNSTopicArn"]
    account = topic.split(":")[4]
    anybody = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:Receive"],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    stack.aws.client("sns").set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2008-10-17", "Statement": [anybody]}),
    )
    # SendMessageBatch needs sqs:SendMessage; here it needs an action that AWS does not know.
    batch = {
        "Effect": "Allow",
        "Action": "sqs:SendMessageBatch",
        "Resource": f"arn:aws:sqs:{REGION}:{account}:shipment-refold-dev",
    }
    stack.put_policy(
        stack.role("shipment-notifier"),
        "emulator",
        {"Version": "2012-10-17", "Statement": [batch]},
    )
