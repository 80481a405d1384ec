"""The options of all commands on a stack, and the way to AWS."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from waypost.cli import output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from waypost.stack.changes import Change
    from waypost.stack.connection import Connection
    from waypost.stack.preflight import Finding
    from waypost.stack.progress import Event

PANEL: Final = "On AWS"
"""Under this heading a command's help has the options of AWS."""
_ANY_ENV: Final = re.compile(r"[a-z0-9-]{1,64}")
_STACK: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


def read_env(text: str) -> str:
    """Read an EnvironmentSuffix."""
    from waypost.stack.render import SUFFIX

    if SUFFIX.fullmatch(text) is None:
        raise typer.BadParameter("must be 1 to 32 lowercase letters, digits and inner hyphens")
    return text


def _read_any_env(text: str) -> str:
    """Read an EnvironmentSuffix that the first version may have taken, too."""
    return text if _ANY_ENV.fullmatch(text) else read_env(text)


def _read_stack(text: str) -> str:
    if _STACK.fullmatch(text) is None:
        raise typer.BadParameter("must be 1 to 128 letters, digits and hyphens, a letter first")
    return text


def read_bucket(text: str) -> str:
    """Read the name of a bucket."""
    from waypost.stack.render import BUCKET_NAME

    if BUCKET_NAME.fullmatch(text) is None:
        raise typer.BadParameter("is no name that a bucket can have")
    return text


Env = Annotated[
    str,
    typer.Option(
        "--env", metavar="NAME", parser=read_env, help="What its names end in: dev, prod ..."
    ),
]
AnyEnv = Annotated[
    str,
    typer.Option(
        "--env", metavar="NAME", parser=_read_any_env, help="What its names end in: dev, prod ..."
    ),
]
StackName = Annotated[
    str | None,
    typer.Option(
        "--stack-name",
        metavar="STACK",
        parser=_read_stack,
        help="Its name in CloudFormation; else waypost-ENV.",
        rich_help_panel=PANEL,
        show_default=False,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Of the AWS configuration files.",
        rich_help_panel=PANEL,
    ),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="REGION", help="The AWS Region.", rich_help_panel=PANEL),
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        metavar="URL",
        help="What answers in place of AWS.",
        rich_help_panel=PANEL,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Answer every question with yes.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which environment a command is about, and where it is.

    Attributes:
        env: its EnvironmentSuffix.
    """

    env: str
    profile: str | None
    region: str | None
    endpoint_url: str | None

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Connect; errors of AWS within become ours.

        Raises:
            InvalidSettings: there is no Region, no credentials, no such profile.
            AwsFailed: AWS was not reached, or refused.
        """
        from waypost.stack.connection import Connection, aws_errors

        with aws_errors():
            yield Connection(self.profile, self.region, self.endpoint_url)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target(Place):
    """Which stack a command is about, and where it is.

    Attributes:
        stack_name: its name in CloudFormation, if it is not the usual one.
    """

    stack_name: str | None

    @property
    def stack(self) -> str:
        """Return the stack's name in CloudFormation."""
        return self.stack_name or f"waypost-{self.env}"

    @property
    def again(self) -> str:
        """Return the options that name it to the `stack` commands."""
        return self._options("--env")

    @property
    def home(self) -> str:
        """Return the options that name it to the operator's commands."""
        return self._options("--stack")

    def _options(self, env: str) -> str:
        given = {
            env: self.env,
            "--stack-name": self.stack_name,
            "--profile": self.profile,
            "--region": self.region,
            "--endpoint-url": self.endpoint_url,
        }
        return shlex.join(word for name, value in given.items() if value for word in (name, value))


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyTarget(Target):
    """A target whose environment only the first version may have taken."""


def _is_somebody_there() -> bool:
    return sys.stdin.isatty()


class Screen:
    """The desk of a person at a terminal; all but the answer goes to stderr.

    Attributes:
        is_asked: whether each question is put; else the answer is yes.
    """

    def __init__(self, *, yes: bool) -> None:
        self.is_asked = not yes

    def say(self, text: str) -> None:
        """Print a line."""
        self._print(text)

    def ask(self, question: str) -> bool:
        """Put a question; where nobody can answer, that is wrong use."""
        if not self.is_asked:
            return True
        if not _is_somebody_there():
            raise typer.BadParameter(f"{question} Nobody is there to answer: say --yes")
        return typer.confirm(output.plain(question), err=True)

    def show(self, changes: tuple[Change, ...]) -> None:
        """Print changes as a table, what replaces or removes in red."""
        table = output.table("", "resource", "kind", "replaced")
        for change in sorted(changes, key=lambda one: (not one.replaces, one.logical_id)):
            style = "bold red" if change.replaces else ""
            table.add_row(
                output.cell(change.action.lower(), style),
                output.cell(change.logical_id, style),
                output.cell(change.kind, style or "dim"),
                output.cell(_REPLACED[change.replacement], style),
            )
        if table.row_count:
            output.console(stderr=True).print(table)
        else:
            self.say("No resource changes; outputs, tags or parameters do.")

    def found(self, findings: Sequence[Finding]) -> None:
        """Print what stands in the way, numbered, and what else is worth knowing."""
        for heading, blocks in (("In the way:", True), ("To know:", False)):
            listed = [finding for finding in findings if finding.blocks is blocks]
            if listed:
                self._print(heading, "bold red" if blocks else "bold")
            for number, finding in enumerate(listed, 1):
                self._print(f"  {number}. {finding.what}")
                self._print(f"     -> {finding.way_out}", "cyan")

    def _print(self, text: str, style: str = "") -> None:
        output.console(stderr=True).print(output.cell(text, style), soft_wrap=True)

    def event(self, event: Event) -> None:
        """Print what is done, failures in red; what begins is said of the whole stack only."""
        if event.status.endswith("_IN_PROGRESS") and event.kind != _WHOLE:
            return
        style = "red" if event.is_failure else "dim" if event.status.endswith("PROGRESS") else ""
        words = f"{event.status:<28} {event.logical_id}"
        if event.reason:
            words += f": {event.reason}"
        output.console(stderr=True).print(output.cell(words, style), soft_wrap=True)


_WHOLE: Final = "AWS::CloudFormation::Stack"
_REPLACED: Final = {"True": "yes", "Conditional": "perhaps", "False": "", "": ""}
