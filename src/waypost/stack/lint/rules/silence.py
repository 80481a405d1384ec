"""Rules about what no alarm would notice: that events stop, that AWS gives up on some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.stack.lint.findings import Gap, Rule, hit
from waypost.stack.lint.values import listed, member
from waypost.stack.lint.watching import ALARM, watches
from waypost.stack.lint.wiring import (
    FUNCTION,
    QUEUE,
    RULE,
    SUBSCRIPTION,
    TOPIC,
    called_and_left,
    failure_destination,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import Resource, View
    from waypost.stack.lint.watching import Watch

_SIGNS_OF_LIFE: Final = frozenset(
    {
        ("AWS/Events", "Invocations"),
        ("AWS/Events", "MatchedEvents"),
        ("AWS/Events", "SuccessfulInvocationAttempts"),
        ("AWS/Events", "TriggeredRules"),
        ("AWS/Lambda", "Invocations"),
        ("AWS/SQS", "NumberOfMessagesDeleted"),
        ("AWS/SQS", "NumberOfMessagesReceived"),
        ("AWS/SQS", "NumberOfMessagesSent"),
    }
)
_LOST: Final = {
    RULE: frozenset(
        {"FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq"}
    ),
    FUNCTION: frozenset({"AsyncEventsDropped", "DeadLetterErrors", "DestinationDeliveryFailures"}),
    TOPIC: frozenset({"NumberOfNotificationsFailed", "NumberOfNotificationsRedrivenToDlq"}),
}
_NO_ALARMS: Final = Gap("", 1, "the template has no alarm at all; they may be in another one")


def _silence_is_seen(view: View) -> Iterator[Said]:
    rules = [rule for rule in view.of(RULE) if _is_fed_by_a_program(rule)]
    if not view.any_of(ALARM):
        yield from ([_NO_ALARMS] if rules else [])
        return
    watched = [watch for watch in watches(view, all_alarms=True) if _is_dead_man(watch)]
    for rule in rules:
        around = {rule.name} | {
            found.name
            for target in listed(rule.get("Targets"))
            if (found := view.target(member(target, "Arn"), FUNCTION, QUEUE)) is not None
        }
        if not any(_is_on(view, watch, around) for watch in watched):
            yield hit(rule, "if events stop coming, no alarm says so", "EventPattern")


def _is_fed_by_a_program(rule: Resource) -> bool:
    """Tell whether a rule is on and waits for events of somebody's own program.

    Those of AWS's services come when something happens, and may as well not come.
    """
    sources = listed(rule.get("EventPattern", "source"))
    of_aws = bool(sources) and all(str(source).startswith("aws.") for source in sources)
    return "EventPattern" in rule.properties and not of_aws and rule.get("State") != "DISABLED"


def _is_dead_man(watch: Watch) -> bool:
    comparison = str(watch.alarm.get("ComparisonOperator"))
    is_low = comparison.startswith("LessThan") or watch.alarm.get("TreatMissingData") == "breaching"
    return is_low and (watch.namespace, watch.metric) in _SIGNS_OF_LIFE


def _is_on(view: View, watch: Watch, names: set[str]) -> bool:
    found = (view.target(v, RULE, FUNCTION, QUEUE, TOPIC) for v in watch.dimensions.values())
    return any(resource.name in names for resource in found if resource is not None)


def _losses_are_seen(view: View) -> Iterator[Said]:
    exposed = list(_exposed(view))
    if not view.any_of(ALARM):
        yield from ([_NO_ALARMS] if exposed else [])
        return
    all_watches = watches(view, all_alarms=True)
    for resource, what in exposed:
        names = _LOST[resource.type]
        seen = [w for w in all_watches if w.metric in names and _is_on(view, w, {resource.name})]
        if not seen:
            yield hit(resource, f"{what}, and no alarm looks at {' or '.join(sorted(names))}")


def _exposed(view: View) -> Iterator[tuple[Resource, str]]:
    """Return what may lose something that no dead-letter queue gets."""
    for rule in view.of(RULE):
        targets = listed(rule.get("Targets"))
        if any(member(target, "DeadLetterConfig", "Arn") is None for target in targets):
            yield rule, "it drops what a target does not take within its retries"
    for function in called_and_left(view):
        if failure_destination(view, function) is None:
            yield function, "Lambda drops what it fails at three times"
    bare = {
        topic.name: topic
        for subscription in view.of(SUBSCRIPTION)
        if subscription.get("RedrivePolicy") is None
        and (topic := view.target(subscription.get("TopicArn"), TOPIC)) is not None
    }
    for topic in bare.values():
        yield topic, "it drops what a subscriber does not take"


RULES: Final = (
    Rule(
        id="WP207",
        title="Nothing notices that events have stopped",
        level="error",
        at_night="The rule is disabled, the producer is dead or its events no longer match, and "
        "everything is green: nothing happens, so nothing fails.",
        fix="Add an alarm on TriggeredRules of the rule: Sum less than 1 over the hours that silence "
        "may last, with missing data breaching.",
        source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html",
        check=_silence_is_seen,
    ),
    Rule(
        id="WP208",
        title="Nothing notices what AWS drops",
        level="error",
        at_night="AWS gives up on events, as it says it does, and neither a queue nor an alarm knows.",
        fix="Give it a dead-letter queue (WP401), or an alarm on the metric that counts what is "
        "dropped.",
        source="https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html",
        check=_losses_are_seen,
    ),
)
