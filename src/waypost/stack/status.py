"""How a stack is: itself, its alarms, queues, functions and topics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from waypost.stack import stacks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from waypost.stack.stacks import Stack

_ALARMS_A_CALL: Final = 100


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm, with the sentence of the template on what it means."""

    name: str
    state: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, and how many messages wait in it and are being worked on: about, as SQS says."""

    name: str
    waiting: int
    in_flight: int

    @property
    def is_dead_letter(self) -> bool:
        """Whether it holds what could not be processed."""
        return "-dlq-" in self.name


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        state: ``Active``, or what keeps it from running.
        sources: the states of what feeds it; all ``Enabled`` unless somebody stopped it.
    """

    name: str
    state: str
    runtime: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, and how many subscribers have confirmed and have not."""

    name: str
    confirmed: int
    pending: int


@dataclass(frozen=True, slots=True)
class Report:
    """All of it.

    Attributes:
        problems: what somebody should look at, a sentence each; empty if all is well.
    """

    stack: Stack
    alarms: Sequence[Alarm] = ()
    queues: Sequence[Queue] = ()
    functions: Sequence[Function] = ()
    topics: Sequence[Topic] = ()
    problems: list[str] = field(init=False)

    def __post_init__(self) -> None:
        problems: list[str] = []
        if self.stack.status not in stacks.DONE:
            problems.append(f"the stack is in {self.stack.status}")
        problems += [f"alarm {a.name}: {a.meaning}" for a in self.alarms if a.state == "ALARM"]
        problems += [
            f"{queue.name} holds {queue.waiting}: `waypost stack redrive {queue.name}`"
            for queue in self.queues
            if queue.is_dead_letter and queue.waiting
        ]
        for function in self.functions:
            if function.state != "Active":
                problems.append(f"{function.name} is {function.state}")
            if stopped := [state for state in function.sources if state != "Enabled"]:
                problems.append(f"{function.name} is not fed: {', '.join(stopped)}")
        problems += [
            f"{topic.name}: {topic.pending} have not confirmed their subscription"
            for topic in self.topics
            if topic.pending
        ]
        object.__setattr__(self, "problems", problems)


def look(connect: Callable[[str], Any], name: str) -> Report:
    """Ask AWS how a stack is.

    Args:
        connect: gives a client of a service; its errors are raised as they are.
        name: of the stack.

    Raises:
        NotFound: there is none.
    """
    client = connect("cloudformation")
    stack = stacks.get(client, name)
    found = stacks.resources(client, name)
    return Report(
        stack=stack,
        alarms=_alarms(connect("cloudwatch"), found.get("AWS::CloudWatch::Alarm", [])),
        queues=_queues(connect("sqs"), found.get("AWS::SQS::Queue", [])),
        functions=_functions(connect("lambda"), found.get("AWS::Lambda::Function", [])),
        topics=_topics(connect("sns"), found.get("AWS::SNS::Topic", [])),
    )


def _alarms(client: Any, names: list[str]) -> list[Alarm]:
    if not names:  # no names would mean all alarms of the account
        return []
    said = client.describe_alarms(AlarmNames=names[:_ALARMS_A_CALL], MaxRecords=_ALARMS_A_CALL)
    return [
        Alarm(alarm["AlarmName"], alarm["StateValue"], alarm.get("AlarmDescription", ""))
        for alarm in said["MetricAlarms"]
    ]


def _queues(client: Any, urls: list[str]) -> list[Queue]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queues: list[Queue] = []
    for url in urls:
        said = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        waiting, in_flight = (int(said[name]) for name in names)
        queues.append(Queue(url.rpartition("/")[2], waiting, in_flight))
    return queues


def _functions(client: Any, names: list[str]) -> list[Function]:
    functions: list[Function] = []
    for name in names:
        said = client.get_function_configuration(FunctionName=name)
        sources = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        functions.append(
            Function(
                name,
                said.get("State", "Active"),
                said["Runtime"],
                tuple(source["State"] for source in sources),
            )
        )
    return functions


def _topics(client: Any, arns: list[str]) -> list[Topic]:
    topics: list[Topic] = []
    for arn in arns:
        said = client.get_topic_attributes(TopicArn=arn)["Attributes"]
        topics.append(
            Topic(
                arn.rpartition(":")[2],
                int(said.get("SubscriptionsConfirmed", 0)),
                int(said.get("SubscriptionsPending", 0)),
            )
        )
    return topics
