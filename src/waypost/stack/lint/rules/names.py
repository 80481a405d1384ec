"""Rules about names and addresses that a template gives."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.lint.findings import Hit, Rule
from waypost.stack.lint.template import parameters
from waypost.stack.lint.values import Hole, listed, member, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import Resource, View

LIMITS: Final = {
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::DynamoDB::Table", "TableName"): 255,
    ("AWS::Events::EventBus", "Name"): 256,
    ("AWS::Events::Rule", "Name"): 64,
    ("AWS::IAM::Role", "RoleName"): 64,
    ("AWS::Lambda::Function", "FunctionName"): 64,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::S3::Bucket", "BucketName"): 63,
    ("AWS::SNS::Topic", "TopicName"): 256,
    ("AWS::SQS::Queue", "QueueName"): 80,
    ("AWS::Scheduler::Schedule", "Name"): 64,
    ("AWS::StepFunctions::StateMachine", "StateMachineName"): 80,
}
"""The most characters of a name, as the services' own models say."""
LONGEST_PARAMETER: Final = 4_096
"""Characters of a parameter's value, if nothing else bounds it."""
_PSEUDO: Final = {"AWS::AccountId": 12, "AWS::Region": 14, "AWS::StackName": 128}
_GAP: Final = re.compile(r"\$\{([^}]*)\}")
_PATTERNS: Final = 500
"""Longer patterns are not looked into."""
_RESERVED: Final = re.compile(
    r"(?i)@(?:[^@]+\.)?(?:example\.(?:com|net|org)|[^.@]+\.(?:example|invalid|test)|localhost)$"
)
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _short_enough(view: View) -> Iterator[Said]:
    if view.scenario.words:
        return  # the longest values are the same in all
    tightest: dict[str, tuple[int, Resource, str, int]] = {}
    for resource in view.any_of(*(kind for kind, _ in LIMITS)):
        for (kind, key), limit in LIMITS.items():
            written = _written(view, resource, key) if kind == resource.type else None
            if written is None:
                continue
            names = _GAP.findall(written)
            spare = limit - len(_GAP.sub("", written)) - sum(_longest(view, name) for name in names)
            for name in names:
                if spare < 0 and name in parameters(view.document):
                    found = (spare, resource, key, limit)
                    tightest[name] = min(tightest.get(name, found), found, key=lambda f: f[0])
    for name, (spare, resource, key, limit) in tightest.items():
        most = _longest(view, name) + spare
        line = parameters(view.document).lines[name]
        what = (
            f"{key} of {resource.name} has room for {most} characters of it (at most {limit} in all); "
            + (
                f"it may have {_longest(view, name)}"
                if _is_bounded(view, name)
                else "nothing bounds it"
            )
        )
        yield Hit(name, line, what)


def _written(view: View, resource: Resource, key: str) -> str | None:
    """Return a name with its parameters in their places, as ``${Name}``."""
    whole = member(view.document, "Resources", resource.name, "Properties", key)
    if isinstance(whole, str):
        return whole
    text = listed(member(whole, "Fn::Sub"))[:1]
    if text and isinstance(text[0], str):
        return text[0]
    reference = member(whole, "Ref")
    if isinstance(reference, str):
        return f"${{{reference}}}"
    parts = member(whole, "Fn::Join")
    if isinstance(parts, list) and len(parts) > 1 and isinstance(parts[1], list):
        words = [p if isinstance(p, str) else f"${{{member(p, 'Ref') or ''}}}" for p in parts[1]]
        return str(parts[0]).join(words)
    return None


def _is_bounded(view: View, name: str) -> bool:
    return _longest(view, name) < LONGEST_PARAMETER


def _longest(view: View, name: str) -> int:
    """Return how long the longest value of a parameter is."""
    declared = parameters(view.document).get(name)
    if declared is None:
        return _PSEUDO.get(name, 0)
    allowed = listed(member(declared, "AllowedValues"))
    if allowed:
        return max(len(str(value)) for value in allowed)
    bounds = [LONGEST_PARAMETER]
    if (most := number(member(declared, "MaxLength"))) is not None:
        bounds.append(int(most))
    if (highest := number(member(declared, "MaxValue"))) is not None:
        bounds.append(len(f"{highest:.0f}"))
    bounds.append(_widest(member(declared, "AllowedPattern")))
    return min(bounds)


def _widest(pattern: Any) -> int:
    """Return how many characters a text has at most that a pattern takes whole."""
    if not isinstance(pattern, str) or isinstance(pattern, Hole) or len(pattern) > _PATTERNS:
        return LONGEST_PARAMETER
    try:
        # The module reads a pattern without trying it on anything; it has no public name.
        _, widest = importlib.import_module("re._parser").parse(pattern).getwidth()
    except (re.error, OverflowError, RecursionError):
        return LONGEST_PARAMETER  # a pattern of Java's that Python does not know
    return min(int(widest), LONGEST_PARAMETER)


def _own_address(view: View) -> Iterator[Said]:
    if view.scenario.words:
        return
    for name, declared in parameters(view.document).items():
        default = member(declared, "Default")
        if (
            isinstance(default, str)
            and _ADDRESS.fullmatch(default)
            and not _RESERVED.search(default)
        ):
            line = declared.lines["Default"]
            what = f"its default is {default}: whoever has that address is asked to confirm, and told all"
            yield Hit(name, line, what)


RULES: Final = (
    Rule(
        id="WP701",
        title="A name may become too long",
        level="warning",
        at_night="The stack for the customer with the long name cannot be made.",
        fix="Bound the parameter with MaxLength or with its AllowedPattern.",
        source="https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
        check=_short_enough,
    ),
    Rule(
        id="WP702",
        title="Alerts go to a stranger unless somebody says otherwise",
        level="error",
        at_night="Nobody of yours is told; a stranger may be, of everything.",
        fix="No default, or an empty one with a condition on the subscription. Addresses at "
        "example.com belong to nobody.",
        source="https://www.rfc-editor.org/rfc/rfc2606",
        check=_own_address,
    ),
)
