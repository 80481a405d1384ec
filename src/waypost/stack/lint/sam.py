"""Understands SAM: what the transform AWS::Serverless makes of functions, their events and tables.

As far as rules ask for it, and no further: a function with its role, its event sources and its
failure destinations; a simple table. What else SAM has is left as it stands, and `untold` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint.reading import Map, Seq
from waypost.stack.lint.values import Hole, listed, member, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Made = tuple[str, int, Any]

PREFIX: Final = "AWS::Serverless::"
POLICY_TEMPLATE: Final = "Waypost::SamPolicyTemplate"
"""The member of a made role that says that SAM adds statements which are not seen here."""
_FUNCTION: Final = f"{PREFIX}Function"
_TABLE: Final = f"{PREFIX}SimpleTable"
_HARMLESS: Final = frozenset({_FUNCTION, _TABLE, f"{PREFIX}Api", f"{PREFIX}HttpApi"})
_SYNCHRONOUS: Final = frozenset({"Api", "HttpApi", "Cognito", "AlexaSkill"})
_ATTRIBUTES: Final = ("Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy")
_BASIC: Final = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_QUEUE: Final = Hole("${a queue that SAM makes}")
_MAPPED: Final = ("SQS", "DynamoDB", "Kinesis")


def expand(document: Map) -> Iterator[Made]:
    """Return all resources, those of SAM as what it makes of them: logical id, line, definition."""
    resources = document["Resources"]
    for name, whole in resources.items():
        line = resources.lines[name]
        kind = member(whole, "Type")
        if kind == _FUNCTION:
            yield from _function(name, line, whole, member(document, "Globals", "Function"))
        elif kind == _TABLE:
            yield name, line, _as(whole, "AWS::DynamoDB::Table", whole.get("Properties"))
        else:
            yield name, line, whole


def untold(document: Map) -> Iterator[tuple[str, int, str]]:
    """Return what SAM would make that is not seen here: logical id, line, reason."""
    resources = document["Resources"]
    for name, whole in resources.items():
        kind = member(whole, "Type")
        if not isinstance(kind, str) or not kind.startswith(PREFIX):
            continue
        if kind not in _HARMLESS:
            yield name, resources.lines[name], f"what SAM makes of {kind} is not seen here"
        for event, defined in _events(member(whole, "Properties")):
            source = text(member(defined, "Type"))
            if source not in _KINDS and source not in _SYNCHRONOUS:
                reason = f"what SAM makes of its event {event} ({source}) is not seen here"
                yield name, resources.lines[name], reason


def _function(name: str, line: int, whole: Map, shared: Any) -> Iterator[Made]:
    given = _merged(whole.get("Properties"), shared, line)
    made = _copy(
        given, line, "FunctionName", "Runtime", "Handler", "Timeout", "Environment", "Role"
    )
    for key in ("LoggingConfig", "PackageType"):
        _move(given, key, made, key)
    code = Map(line)
    _move(given, "InlineCode", code, "ZipFile")
    _move(given, "CodeUri", code, "CodeUri")
    made.put("Code", code, given.lines.get("InlineCode", line))
    if isinstance(queue := given.get("DeadLetterQueue"), Map):
        made.put("DeadLetterConfig", _copy(queue, queue.line, "TargetArn"), queue.line)
    if "Role" not in given:
        role = f"{name}Role"
        made.put("Role", _call(line, "Fn::GetAtt", role, "Arn"), line)
        yield role, line, _role(given, line)
    yield name, line, _as(whole, "AWS::Lambda::Function", made)
    if isinstance(config := given.get("EventInvokeConfig"), Map):
        yield f"{name}EventInvokeConfig", config.line, _invoke_config(name, config)
    for event, defined in _events(given):
        make = _KINDS.get(text(member(defined, "Type")))
        if make is not None:
            properties = defined.get("Properties")
            where = given["Events"].lines[event]
            properties = properties if isinstance(properties, Map) else Map(where)
            yield from make(name, f"{name}{event}", where, properties)


def _events(properties: Any) -> Iterator[tuple[str, Map]]:
    events = member(properties, "Events")
    if isinstance(events, Map):
        yield from ((name, value) for name, value in events.items() if isinstance(value, Map))


def _role(given: Map, line: int) -> Map:
    made = Map(line)
    managed, inline = Seq(line), Seq(line)
    managed.append(_BASIC)
    where = given.lines.get("Policies", line)
    for policy in listed(given.get("Policies")):
        if isinstance(policy, str):
            managed.append(policy)
        elif isinstance(policy, Map) and "Statement" in policy:
            document = Map(policy.line)
            document.put("PolicyDocument", policy, policy.line)
            inline.append(document)
        else:
            made.put(POLICY_TEMPLATE, True, where)  # noqa: FBT003 (a mark)
    made.put("ManagedPolicyArns", managed, where)
    made.put("Policies", inline, where)
    return _typed("AWS::IAM::Role", made, line)


def _invoke_config(function: str, config: Map) -> Map:
    made = _copy(config, config.line, "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
    made.put("FunctionName", _call(config.line, "Ref", function), config.line)
    failure = member(config, "DestinationConfig", "OnFailure")
    if isinstance(failure, Map):
        # Without a destination SAM makes a queue of its own.
        destination = failure.get("Destination", _QUEUE)
        outer, inner = Map(failure.line), Map(failure.line)
        inner.put("Destination", destination, failure.line)
        outer.put("OnFailure", inner, failure.line)
        made.put("DestinationConfig", outer, failure.line)
    return _typed("AWS::Lambda::EventInvokeConfig", made, config.line)


def _mapping(function: str, name: str, line: int, given: Map) -> Iterator[Made]:
    made = Map(line)
    for key in given:
        _move(given, key, made, key)
    for key in ("Queue", "Stream"):
        _move(given, key, made, "EventSourceArn")
    made.put("FunctionName", _call(line, "Ref", function), line)
    yield name, line, _typed("AWS::Lambda::EventSourceMapping", made, line)


def _rule(function: str, name: str, line: int, given: Map) -> Iterator[Made]:
    made = _copy(given, line, "EventBusName", "State")
    _move(given, "RuleName", made, "Name")
    _move(given, "Name", made, "Name")
    _move(given, "Pattern", made, "EventPattern")
    _move(given, "Schedule", made, "ScheduleExpression")
    targets = Seq(line)
    targets.append(_target(function, line, given))
    made.put("Targets", targets, line)
    yield name, line, _typed("AWS::Events::Rule", made, line)
    yield _permission(function, name, line, "events.amazonaws.com")


def _schedule(function: str, name: str, line: int, given: Map) -> Iterator[Made]:
    made = _copy(given, line, "Name", "GroupName", "ScheduleExpression")
    made.put("Target", _target(function, line, given), line)
    yield name, line, _typed("AWS::Scheduler::Schedule", made, line)


def _target(function: str, line: int, given: Map) -> Map:
    target = _copy(given, line, "DeadLetterConfig", "RetryPolicy")
    target.put("Arn", _call(line, "Fn::GetAtt", function, "Arn"), line)
    queue = target.get("DeadLetterConfig")
    if isinstance(queue, Map) and "Arn" not in queue:
        made = _copy(queue, queue.line, *queue)
        made.put("Arn", _QUEUE, queue.line)
        target.put("DeadLetterConfig", made, queue.line)
    return target


def _subscription(function: str, name: str, line: int, given: Map) -> Iterator[Made]:
    made = _copy(given, line, "RedrivePolicy", "FilterPolicy")
    _move(given, "Topic", made, "TopicArn")
    made.put("Protocol", "lambda", line)
    made.put("Endpoint", _call(line, "Fn::GetAtt", function, "Arn"), line)
    yield name, line, _typed("AWS::SNS::Subscription", made, line)
    yield _permission(function, name, line, "sns.amazonaws.com")


def _bucket(function: str, name: str, line: int, _: Map) -> Iterator[Made]:
    yield _permission(function, name, line, "s3.amazonaws.com")


def _permission(function: str, name: str, line: int, principal: str) -> Made:
    made = Map(line)
    made.put("FunctionName", _call(line, "Ref", function), line)
    made.put("Action", "lambda:InvokeFunction", line)
    made.put("Principal", principal, line)
    return f"{name}Permission", line, _typed("AWS::Lambda::Permission", made, line)


_KINDS: Final[dict[str, Callable[[str, str, int, Map], Iterator[Made]]]] = {
    **dict.fromkeys(_MAPPED, _mapping),
    "CloudWatchEvent": _rule,
    "EventBridgeRule": _rule,
    "S3": _bucket,
    "SNS": _subscription,
    "Schedule": _rule,
    "ScheduleV2": _schedule,
}


def _merged(own: Any, shared: Any, line: int) -> Map:
    """Return what a function has, and of what all have what it has not."""
    made = Map(line)
    for source in (shared, own):
        if isinstance(source, Map):
            for key in source:
                both = isinstance(source[key], Map) and isinstance(made.get(key), Map)
                value = _merged(source[key], made[key], line) if both else source[key]
                made.put(key, value, source.lines[key])
    return made


def _copy(given: Map, line: int, *keys: str) -> Map:
    made = Map(line)
    for key in keys:
        _move(given, key, made, key)
    return made


def _move(given: Map, key: str, made: Map, name: str) -> None:
    if key in given:
        made.put(name, given[key], given.lines[key])


def _as(whole: Map, kind: str, properties: Any) -> Map:
    made = _copy(whole, whole.line, *_ATTRIBUTES)
    made.put("Type", kind, whole.line)
    made.put(
        "Properties", properties if isinstance(properties, Map) else Map(whole.line), whole.line
    )
    return made


def _typed(kind: str, properties: Map, line: int) -> Map:
    made = Map(line)
    made.put("Type", kind, line)
    made.put("Properties", properties, line)
    return made


def _call(line: int, function: str, *arguments: str) -> Map:
    made = Map(line)
    values = Seq(line)
    values.extend(arguments)
    made.put(function, arguments[0] if function == "Ref" else values, line)
    return made
