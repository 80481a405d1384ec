"""The asynchronous edges of a stack: who hands what over to whom, and where it goes if that fails."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

from waypost.stack.lint.values import Reference, listed, member, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.template import Resource, View

FUNCTION: Final = "AWS::Lambda::Function"
MAPPING: Final = "AWS::Lambda::EventSourceMapping"
QUEUE: Final = "AWS::SQS::Queue"
RULE: Final = "AWS::Events::Rule"
SCHEDULE: Final = "AWS::Scheduler::Schedule"
SUBSCRIPTION: Final = "AWS::SNS::Subscription"
TOPIC: Final = "AWS::SNS::Topic"
_INVOKE_CONFIG: Final = "AWS::Lambda::EventInvokeConfig"
_PERMISSION: Final = "AWS::Lambda::Permission"
_POSTING: Final = frozenset({"s3.amazonaws.com", "ses.amazonaws.com", "iot.amazonaws.com"})
"""Services that call a function without waiting for its answer, beside those with edges here."""

Kind = Literal["rule", "schedule", "subscription", "function", "stream", "queue"]


@dataclass(frozen=True, slots=True)
class Edge:
    """One hand-over.

    Attributes:
        resource: which defines it.
        what: it is, in words.
        keys: of the property that defines it.
        to: what it hands over to, as it stands there.
        dead_letters: where goes what cannot be handed over; None for nowhere.
    """

    kind: Kind
    resource: Resource
    what: str
    keys: tuple[str, ...]
    to: Any
    dead_letters: Any


@lru_cache(maxsize=1)  # rules run over one view after another
def edges(view: View) -> tuple[Edge, ...]:
    """Return all hand-overs that are made in a view."""
    return tuple(_edges(view))


def _edges(view: View) -> Iterator[Edge]:
    for rule in view.of(RULE):
        for target in listed(rule.get("Targets")):
            yield Edge(
                "rule",
                rule,
                f"the rule's target {member(target, 'Id') or ''}".rstrip(),
                ("Targets",),
                member(target, "Arn"),
                member(target, "DeadLetterConfig", "Arn"),
            )
    for schedule in view.of(SCHEDULE):
        keys = ("Target", "DeadLetterConfig", "Arn")
        to = schedule.get("Target", "Arn")
        yield Edge(
            "schedule", schedule, "the schedule's target", ("Target",), to, schedule.get(*keys)
        )
    for subscription in view.of(SUBSCRIPTION):
        redrive = as_json(subscription.get("RedrivePolicy"))
        yield Edge(
            "subscription",
            subscription,
            f"the subscription of {subscription.get('Protocol')}",
            ("Endpoint",),
            subscription.get("Endpoint"),
            member(redrive, "deadLetterTargetArn"),
        )
    for function in called_and_left(view):
        dead_letters = failure_destination(view, function)
        what = "the asynchronous call of the function"
        yield Edge("function", function, what, (), function.name, dead_letters)
    yield from _mappings(view)


def _mappings(view: View) -> Iterator[Edge]:
    for mapping in view.of(MAPPING):
        to = mapping.get("FunctionName")
        if is_stream(mapping):
            dead_letters = mapping.get("DestinationConfig", "OnFailure", "Destination")
            what = "the mapping of a stream"
            yield Edge("stream", mapping, what, ("EventSourceArn",), to, dead_letters)
        elif queue := view.target(mapping.get("EventSourceArn"), QUEUE):
            dead_letters = member(as_json(queue.get("RedrivePolicy")), "deadLetterTargetArn")
            what = f"the queue that feeds {mapping.name}"
            yield Edge("queue", queue, what, (), to, dead_letters)


def is_stream(mapping: Resource) -> bool:
    """Tell whether a mapping reads a stream of DynamoDB or Kinesis."""
    source = mapping.get("EventSourceArn")
    if isinstance(source, Reference) and source.attribute == "StreamArn":
        return True
    is_kafka = any(key.endswith("KafkaEventSourceConfig") for key in mapping.properties)
    return "StartingPosition" in mapping.properties and not is_kafka and source is not None


@lru_cache(maxsize=1)  # as `edges`
def called_and_left(view: View) -> list[Resource]:
    """Return the functions that something calls without waiting for the answer."""
    callers: list[Any] = [
        member(target, "Arn") for rule in view.of(RULE) for target in listed(rule.get("Targets"))
    ]
    callers += [schedule.get("Target", "Arn") for schedule in view.of(SCHEDULE)]
    callers += [
        subscription.get("Endpoint")
        for subscription in view.of(SUBSCRIPTION)
        if subscription.get("Protocol") == "lambda"
    ]
    callers += [
        permission.get("FunctionName")
        for permission in view.of(_PERMISSION)
        if text(permission.get("Principal")) in _POSTING
    ]
    found = {function.name: function for c in callers if (function := view.target(c, FUNCTION))}
    return [found[name] for name in sorted(found)]


def failure_destination(view: View, function: Resource) -> Any:
    """Return where goes what a function failed to do asynchronously; None for nowhere."""
    found = function.get("DeadLetterConfig", "TargetArn")
    for config in view.of(_INVOKE_CONFIG):
        if view.target(config.get("FunctionName"), FUNCTION) is function:
            found = config.get("DestinationConfig", "OnFailure", "Destination") or found
    return found


def dead_letter_queues(view: View) -> dict[str, Resource]:
    """Return the queues of a template that take what could not be handed over, by logical id."""
    values = [edge.dead_letters for edge in edges(view)]
    values += [
        member(as_json(queue.get("RedrivePolicy")), "deadLetterTargetArn")
        for queue in view.of(QUEUE)
    ]
    found = (view.target(value, QUEUE) for value in values)
    return {queue.name: queue for queue in found if queue is not None}


def as_json(value: Any) -> Any:
    """Return a policy that may be written as a text of JSON; None if it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
