"""What each service says of a stack's parts; their errors are raised as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from waypost.core.errors import StoreUnavailable
from waypost.core.times import SECOND
from waypost.stack.status.month import Table
from waypost.stack.status.report import RUNBOOK, Alarm, Function, Queue, Topic, ends
from waypost.stack.verify import differences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ALARMS_A_CALL: Final = 100
_ORDER: Final = ("ALARM", "INSUFFICIENT_DATA", "OK")


def alarms(client: Any, names: Sequence[str], suffix: str) -> list[Alarm]:
    """Return the alarms, the worst first; of more than a hundred, the first hundred."""
    if not names:  # no names would mean all alarms of the account
        return []
    said = client.describe_alarms(AlarmNames=names[:_ALARMS_A_CALL], MaxRecords=_ALARMS_A_CALL)
    found = [_alarm(one, suffix) for one in said["MetricAlarms"]]
    return sorted(found, key=lambda alarm: (_ORDER.index(alarm.state), alarm.name))


def _alarm(said: dict[str, Any], suffix: str) -> Alarm:
    name: str = said["AlarmName"]
    since = said.get("StateUpdatedTimestamp")
    watched = [one for one in said.get("Metrics", ()) if "MetricStat" in one]
    return Alarm(
        name=name,
        state=said["StateValue"],
        since=None if since is None else int(since.timestamp() * SECOND),
        meaning=said.get("AlarmDescription", ""),
        runbook=f"{RUNBOOK}#{name.removesuffix(f'-{suffix}')}",
        metrics=len(watched) or 1,
    )


def queues(client: Any, urls: Sequence[str]) -> list[Queue]:
    """Return the queues, without the ages of their messages."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found: list[Queue] = []
    for url in urls:
        said = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        waiting, in_flight = (int(said[name]) for name in names)
        found.append(Queue(name=queue_name(url), waiting=waiting, in_flight=in_flight))
    return found


def queue_name(url: str) -> str:
    """Return a queue's name."""
    return url.rpartition("/")[2]


def with_ages(found: Sequence[Queue], ages: Mapping[str, float | None]) -> list[Queue]:
    """Return queues with how long the oldest message has waited, by the queue's name."""
    return [replace(queue, oldest=ages.get(queue.name)) for queue in found]


def functions(client: Any, names: Sequence[str]) -> list[Function]:
    """Return the functions, with how their code compares with this version's."""
    found: list[Function] = []
    for name in names:
        answer = client.get_function(FunctionName=name)
        said = answer["Configuration"]
        sources = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        [architecture] = said.get("Architectures", ["x86_64"])
        found.append(
            Function(
                name=name,
                state=said.get("State", "Active"),
                runtime=said["Runtime"],
                ends=ends(said["Runtime"]),
                sources=tuple(source["State"] for source in sources),
                differences=_differences(answer),
                architecture=architecture,
                memory=said["MemorySize"],
            )
        )
    return found


def _differences(answer: dict[str, Any]) -> tuple[str, ...] | None:
    try:
        return differences(answer)
    except StoreUnavailable:  # said in the report: the code could not be compared
        return None


def topics(client: Any, arns: Sequence[str]) -> list[Topic]:
    """Return the topics, with how many subscribers they have."""
    found: list[Topic] = []
    for arn in arns:
        said = client.get_topic_attributes(TopicArn=arn)["Attributes"]
        found.append(
            Topic(
                name=topic_name(arn),
                confirmed=int(said.get("SubscriptionsConfirmed", 0)),
                pending=int(said.get("SubscriptionsPending", 0)),
            )
        )
    return found


def topic_name(arn: str) -> str:
    """Return a topic's name."""
    return arn.rpartition(":")[2]


def tables(client: Any, names: Sequence[str]) -> list[Table]:
    """Return the tables, with how large they are."""
    found: list[Table] = []
    for name in names:
        said = client.describe_table(TableName=name)["Table"]
        indexes = said.get("GlobalSecondaryIndexes", ())
        found.append(
            Table(
                name=name,
                bytes=said.get("TableSizeBytes", 0),
                index_bytes={one["IndexName"]: one.get("IndexSizeBytes", 0) for one in indexes},
            )
        )
    return found
