from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.deployed import Deployed
from tests.support.ministack import REGION, Ministack
from waypost.stack.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with Ministack(tmp_path_factory.mktemp("ministack")) as aws:
        yield aws


@pytest.fixture(scope="session")
def stack(aws: Ministack, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The stack, deployed as the AWS CLI does it: alerts at once, no alarms on metric math."""
    template = tmp_path_factory.mktemp("template") / "waypost.yaml"
    template.write_bytes(render())
    aws.client("s3").create_bucket(
        Bucket="templates", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    deploy = (
        f"cloudformation deploy --stack-name waypost-dev --template-file {template} --s3-bucket "
        "templates --capabilities CAPABILITY_IAM --parameter-overrides Alarms=basic "
        "AlertWindowSeconds=0"
    )
    aws.cli(*deploy.split())
    stack = Deployed(aws, "waypost-dev", "dev")
    make_as_strict_as_aws(stack)
    return stack


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
