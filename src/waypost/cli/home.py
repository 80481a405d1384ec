"""Where a command works: on a data folder of this machine, or on AWS."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Final, TypeVar, cast

import typer

from waypost.cli import aws, options

_Function = TypeVar("_Function", bound=Callable[..., None])

_Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="ENV",
        parser=aws.read_env,
        help="Work on the stack of this environment on AWS, not on a data folder.",
        rich_help_panel=aws.PANEL,
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a command works.

    Attributes:
        data: the data folder, as ``--data`` says; None for what the settings say.
        stack: the stack on AWS; None for the data folder.
    """

    data: str | None = None
    stack: aws.Target | None = None

    def again(self, command: str) -> str:
        """Return the command line of another command in the same place."""
        if self.stack is not None:
            return f"{command} {self.stack.home}"
        return command if self.data is None else shlex.join([*command.split(), "--data", self.data])


def _home(
    *,
    data: options.Data = None,
    stack: _Stack = None,
    stack_name: aws.StackName = None,
    profile: aws.Profile = None,
    region: aws.Region = None,
    endpoint_url: aws.EndpointUrl = None,
) -> Home:
    if stack is None:
        only_there = {
            "--stack-name": stack_name,
            "--profile": profile,
            "--region": region,
            "--endpoint-url": endpoint_url,
        }
        if given := [name for name, value in only_there.items() if value is not None]:
            raise typer.BadParameter(f"{' and '.join(given)} needs --stack ENV beside it")
        return Home(data=data)
    if data is not None:
        raise typer.BadParameter(
            "--data names a folder on this machine and --stack a stack on AWS: give one of them"
        )
    target = _target(
        env=stack,
        stack_name=stack_name,
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
    )
    return Home(stack=target)


def _target(
    *,
    env: aws.Env,
    stack_name: aws.StackName = None,
    profile: aws.Profile = None,
    region: aws.Region = None,
    endpoint_url: aws.EndpointUrl = None,
) -> aws.Target:
    return aws.Target(
        env=env,
        stack_name=stack_name,
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
    )


def _any_target(
    *,
    env: aws.AnyEnv,
    stack_name: aws.StackName = None,
    profile: aws.Profile = None,
    region: aws.Region = None,
    endpoint_url: aws.EndpointUrl = None,
) -> aws.AnyTarget:
    return aws.AnyTarget(
        env=env,
        stack_name=stack_name,
        profile=profile,
        region=region,
        endpoint_url=endpoint_url,
    )


def _place(
    *,
    env: aws.Env,
    profile: aws.Profile = None,
    region: aws.Region = None,
    endpoint_url: aws.EndpointUrl = None,
) -> aws.Place:
    return aws.Place(env=env, profile=profile, region=region, endpoint_url=endpoint_url)


_READERS: Final[Mapping[object, Callable[..., object]]] = {
    Home: _home,
    aws.Target: _target,
    aws.AnyTarget: _any_target,
    aws.Place: _place,
}
"""By the type of a parameter, what makes its value of options: the reader's own parameters."""


def with_place(command: _Function) -> _Function:
    """Return a command with the options that say where it works.

    They stand at the place of its `Home`, `aws.Target`, `aws.AnyTarget` or `aws.Place`
    parameter, if it has one, and
    what they say is its value.
    """
    signature = inspect.signature(command, eval_str=True)
    parameters = signature.parameters.values()
    named = next((p for p in parameters if p.annotation in _READERS), None)
    if named is None:
        return command
    read = _READERS[named.annotation]
    options = inspect.signature(read, eval_str=True).parameters

    @wraps(command)
    def run(**given: Any) -> None:
        place = read(**{option: given.pop(option) for option in options})
        command(**given, **{named.name: place})

    merged = [q for p in parameters for q in (options.values() if p is named else [p])]
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what Typer reads
        parameters=[p.replace(kind=p.KEYWORD_ONLY) for p in merged]
    )
    return cast("_Function", run)
