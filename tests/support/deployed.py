"""A stack that is deployed: what goes into it, and what comes out."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from boto3.dynamodb.types import TypeDeserializer

from tests.support.ministack import Ministack
from tests.support.templates import listed
from waypost.stack import bundle
from waypost.stack.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUCKET: Final = "waypost-code"
"""Where templates go, and code; whoever starts the local AWS makes it."""
Details = dict[str, Any]
T = TypeVar("T")

PATIENCE: Final = 200.0
"""Seconds for what has to happen; on an idle machine it takes one, with a cold start two. A queue
hides a batch for 180 whose function could not be started."""
_OFTEN: Final = {"Delay": 0.2, "MaxAttempts": PATIENCE / 0.2}
"""How CloudFormation is looked at."""
_CALL: Final = 10
"""The most entries of a PutEvents call."""


def eventually(look: Callable[[], T], is_enough: Callable[[T], bool] = bool) -> T:
    """Look until it is enough, or `PATIENCE` is over; return what was seen last."""
    end = time.monotonic() + PATIENCE
    while not is_enough(seen := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


def deploy(aws: Ministack, template: bytes, suffix: str, **parameters: str) -> Deployed:
    """Deploy a template as the AWS CLI does it: by way of a bucket, in a change set."""
    path = aws.folder / f"{suffix}.yaml"
    path.write_bytes(template)
    values = {"EnvironmentSuffix": suffix, **parameters}
    aws.cli(
        *f"cloudformation deploy --stack-name waypost-{suffix} --template-file {path}".split(),
        *f"--s3-bucket {BUCKET} --capabilities CAPABILITY_IAM --parameter-overrides".split(),
        *(f"{name}={value}" for name, value in values.items()),
    )
    return Deployed(aws, suffix, bus=parameters.get("EventBusName", "default"))


def put_code(aws: Ministack) -> None:
    """Put the functions' code where the form of the template looks for it that is for a bucket."""
    aws.client("s3").put_object(Bucket=BUCKET, Key=bundle.zip_key(), Body=bundle.zip_code())


def deploy_from_bucket(aws: Ministack, suffix: str, **parameters: str) -> Deployed:
    """Deploy the form whose code is in a bucket."""
    put_code(aws)
    return deploy(aws, render(BUCKET), suffix, **parameters)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered that was called directly.

    Attributes:
        error: what it raised; empty if it returned.
        payload: what it returned, or the error as Lambda describes it.
    """

    error: str
    payload: Any


class Deployed:
    """A stack on a local AWS, and a queue that witnesses what is published to its alert topic."""

    def __init__(self, aws: Ministack, suffix: str, *, bus: str) -> None:
        self.aws = aws
        self.suffix = suffix
        self._bus = bus
        self.sqs = aws.client("sqs")
        self._dynamodb = aws.client("dynamodb")
        self._events = aws.client("events")
        self._functions = aws.client("lambda")
        self._iam = aws.client("iam")
        self._logs = aws.client("logs")
        [stack] = aws.client("cloudformation").describe_stacks(StackName=f"waypost-{suffix}")[
            "Stacks"
        ]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        self._witness = self._subscribe(self.outputs["SNSTopicArn"])
        self._messages: list[dict[str, Any]] = []

    def _subscribe(self, topic: str) -> str:
        url: str = self.sqs.create_queue(QueueName=f"witness-{self.suffix}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = arn["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return url

    # --- What goes in

    def send(self, *details: Details) -> list[str]:
        """Put events on the bus; return the ids that it gave them."""
        ids: list[str] = []
        for start in range(0, len(details), _CALL):
            entries = [
                {
                    "EventBusName": self._bus,
                    "Source": "logistics.shipments",
                    "DetailType": "Shipment Update",
                    "Detail": json.dumps(detail),
                }
                for detail in details[start : start + _CALL]
            ]
            answer = self._events.put_events(Entries=entries)
            assert answer["FailedEntryCount"] == 0, answer
            ids += [entry["EventId"] for entry in answer["Entries"]]
        return ids

    def invoke(self, function: str, event: dict[str, Any]) -> Answer:
        """Call a function directly, and wait for its answer."""
        answer = self._functions.invoke(
            FunctionName=f"{function}-{self.suffix}", Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read())
        return Answer(payload["errorMessage"] if "FunctionError" in answer else "", payload)

    # --- What comes out

    def rows(self, shipment_id: str) -> list[dict[str, Any]]:
        """Return the log of a shipment, in the order of its keys."""
        answer = self._dynamodb.query(
            TableName=f"shipment-logs-{self.suffix}",
            KeyConditionExpression="shipmentId = :id",
            ExpressionAttributeValues={":id": {"S": shipment_id}},
            ConsistentRead=True,
        )
        return [_read(item) for item in answer["Items"]]

    def log(self) -> list[dict[str, Any]]:
        """Return the log of all shipments."""
        return self._scan("shipment-logs")

    def state(self, shipment_id: str) -> dict[str, Any]:
        """Return what follows from the log of a shipment; nothing if that was not yet folded."""
        answer = self._dynamodb.get_item(
            TableName=f"shipment-state-{self.suffix}",
            Key={"shipmentId": {"S": shipment_id}},
            ConsistentRead=True,
        )
        if "Item" not in answer:
            return {}
        item = _read(answer["Item"])
        return {**item, **json.loads(item["state"])}

    def rejected(self) -> dict[str, dict[str, Any]]:
        """Return the quarantine, by the ids of the events."""
        return {item["envelopeId"]: item for item in self._scan("shipment-rejected")}

    def _scan(self, table: str) -> list[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=f"{table}-{self.suffix}", ConsistentRead=True
        )
        return [_read(item) for page in pages for item in page["Items"]]

    def messages(self, about: str) -> list[dict[str, Any]]:
        """Return what was published so far, as far as a text is in the subject or the message."""
        while found := self.sqs.receive_message(QueueUrl=self._witness, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in found:
                self._messages.append(json.loads(message["Body"]))
                self.sqs.delete_message(
                    QueueUrl=self._witness, ReceiptHandle=message["ReceiptHandle"]
                )
        return [m for m in self._messages if about in m["Subject"] or about in m["Message"]]

    def lines(self, function: str) -> list[str]:
        """Return what a function wrote to its log."""
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}-{self.suffix}"
        )
        return [event["message"] for page in pages for event in page["events"]]

    def total(self, function: str, metric: str, **dimensions: str) -> float:
        """Add up what a function published of a metric, as CloudWatch would read its log."""
        wanted = {"Environment": self.suffix, **dimensions}
        return sum(
            float(number[metric])
            for number in map(_read_emf, self.lines(function))
            for directive in number.get("_aws", {}).get("CloudWatchMetrics", [])
            if directive["Namespace"] == "LogisticsProcessing"
            and {"Name": metric, "Unit": "Count"} in directive["Metrics"]
            and directive["Dimensions"] == [list(wanted)]
            and all(number[name] == value for name, value in wanted.items())
        )

    # --- What it is made of

    def update(self, template: bytes, **parameters: str) -> None:
        """Change the stack, and return as soon as that is done: the AWS CLI looks twice a minute."""
        name, client = f"waypost-{self.suffix}", self.aws.client("cloudformation")
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=name, Body=template)
        values = {"EnvironmentSuffix": self.suffix, **parameters}
        client.update_stack(
            StackName=name,
            TemplateURL=f"{self.aws.url}/{BUCKET}/{name}",
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        client.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=_OFTEN)

    def course(self, logical_id: str = "") -> list[str]:
        """Return what CloudFormation did to a resource, or to the stack, oldest first."""
        name = f"waypost-{self.suffix}"
        pages = self.aws.client("cloudformation").get_paginator("describe_stack_events")
        return [
            event["ResourceStatus"]
            for page in pages.paginate(StackName=name)
            for event in page["StackEvents"]
            if event["LogicalResourceId"] == (logical_id or name)
        ][::-1]

    def delete(self) -> None:
        """Delete the stack, and wait until that is done."""
        name, client = f"waypost-{self.suffix}", self.aws.client("cloudformation")
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_OFTEN)

    def queue(self, name: str) -> str:
        """Return the address of a queue."""
        url: str = self.sqs.get_queue_url(QueueName=f"{name}-{self.suffix}")["QueueUrl"]
        return url

    def depth(self, name: str) -> int:
        """Return how many messages are in a queue, visible or in somebody's hands."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    @contextmanager
    def visible_again_after(self, name: str, seconds: int) -> Iterator[None]:
        """Have a queue redeliver what failed sooner than it would."""
        url = self.queue(name)
        attribute = "VisibilityTimeout"
        before = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={attribute: str(seconds)})
        try:
            yield
        finally:
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes=before["Attributes"])

    @contextmanager
    def without(self, function: str, action: str, on: str) -> Iterator[None]:
        """Take one grant from a function's role: an action on the resource whose ARN ends so."""
        role, policy = self.role(function), function.removeprefix("shipment-")
        whole = self._iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        grants = [
            {"Effect": "Allow", "Action": granted, "Resource": resource}
            for statement in whole["Statement"]
            for granted in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ]
        kept = [g for g in grants if g["Action"] != action or not g["Resource"].endswith(on)]
        assert len(kept) == len(grants) - 1, f"{role} has not one grant of {action} on {on}"
        self.put_policy(role, policy, {**whole, "Statement": kept})
        try:
            yield
        finally:
            self.put_policy(role, policy, whole)

    def role(self, function: str) -> str:
        """Return the name of a function's role."""
        answer = self._functions.get_function_configuration(
            FunctionName=f"{function}-{self.suffix}"
        )
        arn: str = answer["Role"]
        return arn.rpartition("/")[2]

    def put_policy(self, role: str, policy: str, document: dict[str, Any]) -> None:
        """Set what a policy of a role grants."""
        self._iam.put_role_policy(
            RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document)
        )


def _read(item: dict[str, Any]) -> dict[str, Any]:
    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}


def _read_emf(line: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line) if line.startswith('{"_aws"') else {}
    return found
