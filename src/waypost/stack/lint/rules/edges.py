"""Rules about hand-overs: whatever cannot be handed over has to lie somewhere, and somebody to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint.findings import Rule, gap, hit
from waypost.stack.lint.values import listed, member, number, text
from waypost.stack.lint.watching import watches
from waypost.stack.lint.wiring import (
    FUNCTION,
    MAPPING,
    QUEUE,
    RULE,
    TOPIC,
    dead_letter_queues,
    edges,
    is_stream,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import Resource, View

_QUEUE_POLICIES: Final = ("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy")
_TOPIC_POLICIES: Final = ("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy")
_PERMISSION: Final = "AWS::Lambda::Permission"
_VISIBLE: Final = "ApproximateNumberOfMessagesVisible"
_SENT: Final = "NumberOfMessagesSent"
_MANY: Final = 6
_DEFAULT_VISIBILITY: Final = 30
_DEFAULT_TIMEOUT: Final = 3
_FOR_EVER: Final = -1


def _has_dead_letters(view: View) -> Iterator[Said]:
    for edge in edges(view):
        if edge.dead_letters is None:
            yield hit(edge.resource, f"{edge.what} has no dead-letter queue", *edge.keys)
    for mapping in view.of(MAPPING):
        source = mapping.get("EventSourceArn")
        if not is_stream(mapping) and source is not None and view.target(source, QUEUE) is None:
            yield gap(mapping, "what feeds it is not in the template", "EventSourceArn")


def _dead_letters_are_seen(view: View) -> Iterator[Said]:
    watched: dict[str, set[str]] = {}
    for watch in watches(view, all_alarms=True):
        queue = view.target(watch.dimensions.get("QueueName"), QUEUE)
        if queue is not None:
            watched.setdefault(queue.name, set()).add(str(watch.metric))
    for queue in dead_letter_queues(view).values():
        seen = watched.get(queue.name, set())
        if _VISIBLE in seen:
            continue
        other = f"; the one on {_SENT} misses what SQS moves, and forgets" if _SENT in seen else ""
        yield hit(queue, f"it takes dead letters, and no alarm looks at {_VISIBLE} of it{other}")


def _in_order(view: View) -> Iterator[Said]:
    for rule in view.of(RULE):
        before = view.before(rule)
        late: list[str] = []
        for queue in _queues(view, rule):
            needed = [*_policies(view, queue), *_consumers(view, queue)]
            late += [one.name for one in needed if one.name not in before]
        if late:
            names = ", ".join(dict.fromkeys(late))
            yield hit(rule, f"it may be there before {names}, which its events need", "Targets")


def _queues(view: View, rule: Resource) -> list[Resource]:
    found = (view.target(member(target, "Arn"), QUEUE) for target in listed(rule.get("Targets")))
    return [queue for queue in found if queue is not None]


def _policies(view: View, queue: Resource) -> list[Resource]:
    return [
        policy
        for policy in view.any_of(*_QUEUE_POLICIES)
        if any(
            view.target(one, QUEUE) is queue
            for one in [*listed(policy.get("Queues")), *listed(policy.get("Queue"))]
        )
    ]


def _consumers(view: View, queue: Resource) -> list[Resource]:
    return [m for m in view.of(MAPPING) if view.target(m.get("EventSourceArn"), QUEUE) is queue]


def _waits_long_enough(view: View) -> Iterator[Said]:
    for mapping in view.of(MAPPING):
        queue = view.target(mapping.get("EventSourceArn"), QUEUE)
        function = view.target(mapping.get("FunctionName"), FUNCTION)
        if queue is None or function is None:
            continue
        visibility = _seconds(queue, "VisibilityTimeout", _DEFAULT_VISIBILITY)
        timeout = _seconds(function, "Timeout", _DEFAULT_TIMEOUT)
        window = _seconds(mapping, "MaximumBatchingWindowInSeconds", 0)
        if visibility is None or timeout is None or window is None:
            yield gap(queue, "its times are known only when it is deployed", "VisibilityTimeout")
        elif visibility < _MANY * timeout + window:
            yield hit(
                queue,
                f"a message is hidden for {visibility:.0f} s; {function.name} may take {timeout:.0f} s, "
                f"so it should be {_MANY * timeout + window:.0f}",
                "VisibilityTimeout",
            )


def _seconds(resource: Resource, key: str, default: float) -> float | None:
    value = resource.get(key)
    return default if value is None else number(value)


def _ends(view: View) -> Iterator[Said]:
    for mapping in view.of(MAPPING):
        limits = [mapping.get(key) for key in ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds")]
        if is_stream(mapping) and all(v is None or number(v) == _FOR_EVER for v in limits):
            yield hit(
                mapping,
                "it tries a batch until its records expire, and all that comes after waits",
                "MaximumRetryAttempts",
            )


def _is_let_in(view: View) -> Iterator[Said]:
    for resource, sender, value, keys in _sends(view):
        receiver = view.target(value, QUEUE, TOPIC, FUNCTION)
        if receiver is not None and not _lets_in(view, receiver, sender):
            kinds = {QUEUE: "queue policy", TOPIC: "topic policy", FUNCTION: "Lambda permission"}
            what = f"no {kinds[receiver.type]} lets {sender} into {receiver.name}"
            yield hit(resource, what, *keys)


def _sends(view: View) -> Iterator[tuple[Resource, str, Any, tuple[str, ...]]]:
    """Return who sends what where by a policy of the receiver, and not by a role of its own."""
    for edge in edges(view):
        if edge.kind == "rule" and not _has_role(edge.resource, edge.to):
            yield edge.resource, "events.amazonaws.com", edge.to, edge.keys
            yield edge.resource, "events.amazonaws.com", edge.dead_letters, edge.keys
        elif edge.kind == "subscription":
            yield edge.resource, "sns.amazonaws.com", edge.dead_letters, ("RedrivePolicy",)
            if text(edge.resource.get("Protocol")) in {"sqs", "lambda"}:
                yield edge.resource, "sns.amazonaws.com", edge.to, edge.keys


def _has_role(rule: Resource, to: Any) -> bool:
    targets = listed(rule.get("Targets"))
    return any(member(t, "Arn") == to and member(t, "RoleArn") is not None for t in targets)


def _lets_in(view: View, receiver: Resource, sender: str) -> bool:
    if receiver.type == QUEUE:
        return bool(_policies(view, receiver))
    if receiver.type == TOPIC:
        return any(
            view.target(topic, TOPIC) is receiver
            for policy in view.any_of(*_TOPIC_POLICIES)
            for topic in [*listed(policy.get("Topics")), *listed(policy.get("TopicArn"))]
        )
    return any(
        view.target(permission.get("FunctionName"), FUNCTION) is receiver
        and _is(permission.get("Principal"), sender)
        for permission in view.any_of(_PERMISSION)
    )


def _is(principal: Any, sender: str) -> bool:
    """Tell whether a principal is a service, in whatever partition."""
    service = sender.partition(".")[0] + "."
    return isinstance(principal, str) and (principal == "*" or principal.startswith(service))


def _subscribed_in_place(view: View) -> Iterator[Said]:
    for topic in view.of(TOPIC):
        for one in listed(topic.get("Subscription")):
            what = f"its subscription of {member(one, 'Protocol')} stands in the topic and can have none"
            yield hit(topic, what, "Subscription")


def _dead_letters(view: View) -> Iterator[Said]:
    yield from _has_dead_letters(view)
    yield from _subscribed_in_place(view)


RULES: Final = (
    Rule(
        id="WP401",
        title="What cannot be handed over is dropped",
        level="error",
        at_night="The receiver is down for longer than the sender tries, or refuses for good: events "
        "are gone, and nothing can be sent again.",
        fix="Give it a dead-letter queue: DeadLetterConfig of a target, OnFailure of a function or a "
        "stream's mapping, RedrivePolicy of a queue or a subscription.",
        source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
        check=_dead_letters,
    ),
    Rule(
        id="WP402",
        title="Nobody looks into a dead-letter queue",
        level="error",
        at_night="What failed lies in a queue for days, and is deleted when its time is over.",
        fix="Add an alarm on ApproximateNumberOfMessagesVisible of the queue: Maximum above 0.",
        source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html",
        check=_dead_letters_are_seen,
    ),
    Rule(
        id="WP403",
        title="A rule may be there before its queue takes its events",
        level="warning",
        at_night="In the first minutes of a deployment events match, are refused by the queue, and are "
        "gone: EventBridge does not try again what it has no right to.",
        fix="DependsOn: the queue's policy and the mapping that empties it. The policy then names the "
        "rule by an ARN made with Fn::Sub, for it comes first.",
        source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
        check=_in_order,
    ),
    Rule(
        id="WP404",
        title="A queue hands out again what is still being worked on",
        level="error",
        at_night="Slow messages are worked on twice at once, and lie among the dead letters though "
        "they succeeded.",
        fix="VisibilityTimeout is at least six times the function's timeout, and the batching window "
        "more.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
        check=_waits_long_enough,
    ),
    Rule(
        id="WP405",
        title="One bad record stops a stream",
        level="error",
        at_night="A record that always fails is tried for a day (a week, of Kinesis), and everything "
        "behind it in the shard waits and expires.",
        fix="Set MaximumRetryAttempts or MaximumRecordAgeInSeconds, BisectBatchOnFunctionError, and "
        "an OnFailure destination.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html",
        check=_ends,
    ),
    Rule(
        id="WP406",
        title="A receiver does not let its sender in",
        level="error",
        at_night="Nothing arrives. The sender is refused, and only its own metrics know.",
        fix="Add the policy or the permission for the sending service, with the sender's ARN as its "
        "condition.",
        source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html",
        check=_is_let_in,
    ),
)
