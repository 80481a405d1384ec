"""Rules about functions: their logs, handlers, variables, runtimes, and how they end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from waypost.stack.lint import catalogue, grants
from waypost.stack.lint.findings import Rule, gap, hit
from waypost.stack.lint.sources import code_of, handler_of, is_inline
from waypost.stack.lint.values import Hole, is_known, listed
from waypost.stack.lint.wiring import FUNCTION, called_and_left

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.lint.findings import Said
    from waypost.stack.lint.template import Resource, View

CONTRACT: Final = frozenset({"DYNAMODB_TABLE", "SNS_TOPIC_ARN", "ENVIRONMENT"})
"""Variables that may be set though no code reads them: people's own tools look for them."""
_OF_THE_RUNTIME: Final = re.compile(
    r"(AWS|DD|LAMBDA|NEW_RELIC|NODE|OTEL|PATH|POWERTOOLS|PYTHON|TZ|LANG|LC|LD|SENTRY)(_.*)?|"
    r"PYTHON\w*|LOG_LEVEL"
)
"""Variables that the runtime and well-known libraries read."""
_SET_BY_LAMBDA: Final = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_\w+|LAMBDA_\w+|TZ|LANG|PATH|LD_LIBRARY_PATH|PYTHONPATH|HOME"
)
_GROUP: Final = "AWS::Logs::LogGroup"
_MAKES_GROUPS: Final = re.compile(r"logs:(CreateLogGroup|Create\*|\*)|\*")
_BASIC: Final = (
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSLambdaSQSQueueExecutionRole",
    "AWSLambdaDynamoDBExecutionRole",
    "AWSLambdaKinesisExecutionRole",
)


def _log_group_first(view: View) -> Iterator[Said]:
    for group in view.of(_GROUP):
        name = group.get("LogGroupName")
        for function in view.of(FUNCTION):
            own = function.get("FunctionName")
            if not isinstance(own, str) or name != f"/aws/lambda/{own}":
                continue
            tied = group.name in view.before(function) or function.name in view.before(group)
            role = view.target(function.get("Role"), grants.ROLE)
            if not tied and (role is None or _makes_groups(view, role)):
                what = f"nothing ties it to {function.name}, whose role may make a group of this name first"
                yield hit(group, what, "LogGroupName")


def _makes_groups(view: View, role: Resource) -> bool:
    managed = [str(arn).rpartition("/")[2] for arn in listed(role.get("ManagedPolicyArns"))]
    allowed = [action for grant in grants.of_role(view, role) for action in grant.actions]
    return any(name in _BASIC for name in managed) or any(map(_MAKES_GROUPS.fullmatch, allowed))


def _inline_handler(view: View) -> Iterator[Said]:
    for function in view.of(FUNCTION):
        handler = function.get("Handler")
        is_said = isinstance(handler, str) and is_known(handler)
        if is_inline(function) and is_said and not handler.startswith("index."):
            what = f"its code stands in the template, which makes index of it; the handler is {handler}"
            yield hit(function, what, "Handler")


def _read_is_set(view: View) -> Iterator[Said]:
    for function in view.of(FUNCTION):
        code = code_of(view, function)
        if isinstance(code, str):
            yield gap(function, code, "Code")
            continue
        missing = sorted(
            name
            for name in code.needed - _variables(function)
            if not _SET_BY_LAMBDA.fullmatch(name)
        )
        if missing:
            yield hit(
                function,
                f"its code needs {', '.join(missing)}, not set",
                "Environment",
                "Variables",
            )


def _set_is_read(view: View) -> Iterator[Said]:
    for function in view.of(FUNCTION):
        code = code_of(view, function)
        if isinstance(code, str):
            continue  # `_read_is_set` says so
        if code.reads_more:
            yield gap(
                function, "its code reads variables by names that are not known here", "Environment"
            )
            continue
        idle = sorted(
            name
            for name in _variables(function) - code.read - CONTRACT
            if not _OF_THE_RUNTIME.fullmatch(name)
        )
        if idle:
            yield hit(
                function, f"its code does not read {', '.join(idle)}", "Environment", "Variables"
            )


def _variables(function: Resource) -> set[str]:
    found = function.get("Environment", "Variables")
    return set(found) if isinstance(found, dict) else set()


def _runtime_lives(view: View) -> Iterator[Said]:
    for function in view.of(FUNCTION):
        runtime = function.get("Runtime")
        if runtime is None or isinstance(runtime, Hole):
            if runtime is not None:
                yield gap(function, "its runtime is known only when it is deployed", "Runtime")
            continue
        known = catalogue.runtimes().get(str(runtime))
        if known is None:
            yield gap(function, f"when {runtime} ends is not known here", "Runtime")
        elif known.deprecated <= view.facts.today:
            blocked = (
                f", updates are refused from {known.update_block}" if known.update_block else ""
            )
            instead = f"; take {known.successor}" if known.successor else ""
            yield hit(
                function, f"{runtime} ended on {known.deprecated}{blocked}{instead}", "Runtime"
            )


def _lets_errors_out(view: View) -> Iterator[Said]:
    for function in called_and_left(view):
        code = code_of(view, function)
        if isinstance(code, str):
            yield gap(function, code, "Code")
        elif handler_of(function) in code.swallowing:
            what = f"{function.get('Handler')} catches every error and returns, and nobody waits for its answer"
            yield hit(function, what, "Code")


RULES: Final = (
    Rule(
        id="WP601",
        title="A log group and its function race for its name",
        level="warning",
        at_night="The first call makes the group itself and the deployment fails, or a late one makes "
        "it anew after the stack is gone, and it keeps its lines for ever.",
        fix="LoggingConfig: LogGroup: a Ref to the group; and no logs:CreateLogGroup for the role.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
        check=_log_group_first,
    ),
    Rule(
        id="WP602",
        title="A handler names a file that is not there",
        level="error",
        at_night="Every call fails with Runtime.ImportModuleError.",
        fix="Code in the template becomes a file index: the handler is index.NAME.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html",
        check=_inline_handler,
    ),
    Rule(
        id="WP603",
        title="The code needs a variable that is not set",
        level="error",
        at_night="Every call fails with a KeyError, or the first that comes to that line does.",
        fix="Set it in Environment: Variables.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
        check=_read_is_set,
    ),
    Rule(
        id="WP604",
        title="A variable is set that no code reads",
        level="warning",
        at_night="You change it, and nothing happens.",
        fix="Take it out, or read it.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html",
        check=_set_is_read,
    ),
    Rule(
        id="WP605",
        title="A runtime has ended",
        level="warning",
        at_night="The fix cannot be deployed: Lambda takes no change of a function on a runtime that "
        "is blocked.",
        fix="Move to the successor.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
        check=_runtime_lives,
    ),
    Rule(
        id="WP606",
        title="A function reports every failure as a success",
        level="error",
        at_night="The table is throttled for a minute, and each event of that minute is gone: no "
        "retry, no dead letter, no error counted. A statusCode means nothing to an asynchronous call.",
        fix="Let errors out of the handler; catch what is known, close to where it happens.",
        source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",
        check=_lets_errors_out,
    ),
)
