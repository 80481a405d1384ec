"""Rules about permissions: as much as the code needs, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.stack.lint import grants
from waypost.stack.lint.code import Code
from waypost.stack.lint.findings import Hit, Rule, gap, hit
from waypost.stack.lint.sources import code_of
from waypost.stack.lint.values import listed
from waypost.stack.lint.watching import ALARM
from waypost.stack.lint.wiring import FUNCTION, MAPPING, TOPIC, failure_destination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.grants import Grant
    from waypost.stack.lint.template import Resource, View

_KEY: Final = "AWS::KMS::Key"
_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
_PUT_METRICS: Final = "cloudwatch:PutMetricData"
_UNSCOPED: Final = (
    "cloudwatch:GetMetric",
    "cloudwatch:List",
    "comprehend:",
    "dynamodb:ListStreams",
    "dynamodb:ListTables",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
    "logs:ListLogDeliveries",
    "polly:",
    "rekognition:Detect",
    "s3:ListAllMyBuckets",
    "sts:GetCallerIdentity",
    "tag:GetResources",
    "textract:",
    "translate:",
    "xray:",
)
"""Actions that AWS grants on everything or not at all begin so."""
_BY_LAMBDA: Final = ("ec2:", "kms:", "logs:", "xray:")
"""What Lambda itself does with a function's role begins so; and what polls a source is this:"""
_POLLING: Final = frozenset(
    {
        "dynamodb:describestream",
        "dynamodb:getrecords",
        "dynamodb:getsharditerator",
        "dynamodb:liststreams",
        "kinesis:describestream",
        "kinesis:describestreamsummary",
        "kinesis:getrecords",
        "kinesis:getsharditerator",
        "kinesis:listshards",
        "kinesis:liststreams",
        "kinesis:subscribetoshard",
        "sqs:changemessagevisibility",
        "sqs:deletemessage",
        "sqs:getqueueattributes",
        "sqs:getqueueurl",
        "sqs:receivemessage",
    }
)
_DELIVERING: Final = frozenset(
    {"sqs:sendmessage", "sns:publish", "lambda:invokefunction", "events:putevents"}
)
"""What Lambda does with a role to bring what failed to its destination."""
_ACTIONS: Final = {
    ("lambda", "invoke"): "invokefunction",
    ("s3", "headobject"): "getobject",
    ("s3", "listobjects"): "listbucket",
    ("s3", "listobjectsv2"): "listbucket",
    ("s3", "copyobject"): "putobject",
    ("s3", "uploadfile"): "putobject",
    ("s3", "uploadfileobj"): "putobject",
    ("s3", "downloadfile"): "getobject",
    ("s3", "downloadfileobj"): "getobject",
    ("s3", "createmultipartupload"): "putobject",
    ("s3", "deleteobjects"): "deleteobject",
    ("sns", "publishbatch"): "publish",
    ("sqs", "sendmessagebatch"): "sendmessage",
    ("sqs", "deletemessagebatch"): "deletemessage",
    ("sqs", "changemessagevisibilitybatch"): "changemessagevisibility",
}
"""Calls that need a permission of another name."""
_FREE: Final = frozenset({("sts", "getcalleridentity")})
_PREFIXES: Final = {
    "sesv2": "ses",
    "stepfunctions": "states",
    "logs": "logs",
    "cognito-idp": "cognito-idp",
}
_VARIOUS: Final = frozenset(
    {"dynamodb:transactwriteitems", "dynamodb:transactgetitems", "dynamodb:executestatement"}
)
"""Calls that need permissions by what is in them."""


def _no_stars(view: View) -> Iterator[Said]:
    for grant in grants.grants(view):
        wide = [a for a in grant.actions if a == "*" or a.endswith(":*")]
        if wide:
            yield Hit(grant.resource.name, grant.line, f"it allows {', '.join(wide)}")
        elif "*" in grant.on and grant.conditions is None:
            scoped = [a for a in grant.actions if _can_be_scoped(a)]
            if scoped:
                what = f"it allows {', '.join(scoped)} on every resource"
                yield Hit(grant.resource.name, grant.line, what)


def _can_be_scoped(action: str) -> bool:
    """Tell whether an action can be granted on single resources; what only describes is let be."""
    describes = action.partition(":")[2].startswith("Describe")
    return not describes and action != _PUT_METRICS and not action.startswith(_UNSCOPED)


def _own_namespace(view: View) -> Iterator[Said]:
    for grant in grants.grants(view):
        if _PUT_METRICS in grant.actions and "cloudwatch:namespace" not in str(grant.conditions):
            what = f"it allows {_PUT_METRICS} into every namespace"
            yield Hit(grant.resource.name, grant.line, what)


def _used_is_granted(view: View) -> Iterator[Said]:
    for function, role, code in _functions(view):
        if isinstance(code, str):
            yield gap(function, code, "Code")
            continue
        if role is None or grants.has_more(view, role):
            if code.calls:
                yield gap(function, "its role has policies that are not here", "Role")
            continue
        granted = {a.lower() for grant in grants.of_role(view, role) for a in grant.actions}
        for service, operation in sorted(code.calls - _FREE):
            action = _action(service, operation)
            if action not in _VARIOUS and not _covers(granted, action):
                yield hit(
                    function, f"its code calls {action}, and {role.name} does not allow it", "Role"
                )


def _granted_is_used(view: View) -> Iterator[Said]:
    users: dict[str, list[tuple[Resource, Code | str]]] = {}
    for function, role, code in _functions(view):
        if role is not None:
            users.setdefault(role.name, []).append((function, code))
    for name, found in users.items():
        role = view.all[name]
        reasons = [code for _, code in found if isinstance(code, str)]
        codes = [code for _, code in found if isinstance(code, Code)]
        if any(code.calls_more or _actions(code) & _VARIOUS for code in codes):
            reasons.append("its code makes calls that are not known here")
        if reasons:
            yield gap(role, reasons[0])
            continue
        used = {action for code in codes for action in _actions(code)}
        used |= _by_lambda(view, [function for function, _ in found])
        yield from _idle(grants.of_role(view, role), used)


def _functions(view: View) -> Iterator[tuple[Resource, Resource | None, Code | str]]:
    for function in view.of(FUNCTION):
        role = view.target(function.get("Role"), grants.ROLE)
        yield function, role, code_of(view, function)


def _idle(granted: list[Grant], used: set[str]) -> Iterator[Said]:
    for grant in granted:
        idle = [
            action
            for action in grant.actions
            if "*" not in action
            and not action.startswith(_BY_LAMBDA)
            and action.lower() not in used
        ]
        if idle:
            yield Hit(
                grant.resource.name, grant.line, f"it allows {', '.join(idle)}, which no code uses"
            )


def _by_lambda(view: View, functions: list[Resource]) -> set[str]:
    """Return what Lambda itself does with the role of these functions."""
    names = {function.name for function in functions}
    fed = any(
        (found := view.target(mapping.get("FunctionName"), FUNCTION)) is not None
        and found.name in names
        for mapping in view.of(MAPPING)
    )
    delivers = fed or any(failure_destination(view, f) is not None for f in functions)
    return set(_POLLING if fed else ()) | set(_DELIVERING if delivers else ())


def _actions(code: Code) -> set[str]:
    return {_action(service, operation) for service, operation in code.calls}


def _action(service: str, operation: str) -> str:
    return f"{_PREFIXES.get(service, service)}:{_ACTIONS.get((service, operation), operation)}"


def _covers(granted: set[str], action: str) -> bool:
    return any(
        action == one or (one.endswith("*") and action.startswith(one.rstrip("*")))
        for one in granted
    )


def _readable_by_alarms(view: View) -> Iterator[Said]:
    told = [
        view.target(action, TOPIC)
        for alarm in view.any_of(ALARM)
        for key in ("AlarmActions", "OKActions", "InsufficientDataActions")
        for action in listed(alarm.get(key))
    ]
    for topic in view.of(TOPIC):
        key = topic.get("KmsMasterKeyId")
        if topic not in told or key is None:
            continue
        made_here = view.target(key, _KEY)
        if "alias/aws/sns" in str(key):
            yield hit(topic, f"alarms publish to it, and {key} does not let them", "KmsMasterKeyId")
        elif made_here is None:
            why = "whether its key lets CloudWatch publish is not seen here"
            yield gap(topic, why, "KmsMasterKeyId")
        elif _CLOUDWATCH not in str(made_here.get("KeyPolicy")):
            what = f"alarms publish to it, and {made_here.name} does not name {_CLOUDWATCH}"
            yield hit(topic, what, "KmsMasterKeyId")


RULES: Final = (
    Rule(
        id="WP501",
        title="A role may do too much",
        level="warning",
        at_night="A fault, or a stranger, in one function reaches everything of that service.",
        fix="Name the actions, and the resources by reference.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
        check=_no_stars,
    ),
    Rule(
        id="WP502",
        title="A role may write metrics of everybody",
        level="warning",
        at_night="The numbers that your alarms go by, or another team's, may be somebody else's.",
        fix="Condition: StringEquals: cloudwatch:namespace; or write metrics as log lines (EMF), which "
        "needs no permission.",
        source="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html",
        check=_own_namespace,
    ),
    Rule(
        id="WP503",
        title="The code does what its role does not allow",
        level="error",
        at_night="The branch that runs once a month, the one for failures, is refused when it runs.",
        fix="Grant the action on what the code uses, or take the call out.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
        check=_used_is_granted,
    ),
    Rule(
        id="WP504",
        title="A role allows what no code uses",
        level="warning",
        at_night="Nothing: until somebody else runs code with this role.",
        fix="Take the action out.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",
        check=_granted_is_used,
    ),
    Rule(
        id="WP505",
        title="Alarms cannot publish to their topic",
        level="error",
        at_night="The alarm goes off, is refused the key of the topic, and nobody hears of it.",
        fix="Leave the topic unencrypted, or take a key of your own whose policy lets "
        "cloudwatch.amazonaws.com use it.",
        source="https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns",
        check=_readable_by_alarms,
    ),
)
