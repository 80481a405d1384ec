"""Exit codes, and which error ends in which."""

from __future__ import annotations

from enum import IntEnum

from waypost.core.errors import (
    InvalidSettings,
    InvalidUpdate,
    NotFound,
    Problem,
    WaypostError,
)
from waypost.stack.errors import StackFailed, UnusableTemplate


class ExitCode(IntEnum):
    """What a command's end means; other programs rely on it."""

    DONE = 0
    NO = 1
    """The answer is "no": not found, or something was rejected."""
    WRONG_USE = 2
    """The command line or the settings make no sense."""
    UNREACHABLE = 3
    """A store or a server could not be reached or used."""


class ServerUnreachable(WaypostError):
    """The server that has the data folder does not answer, or not in a way that helps."""


class CallRefused(WaypostError):
    """The server would not do what it was asked for; a retry cannot help."""


def judge(error: WaypostError) -> tuple[ExitCode, list[str]]:
    """Return how a command ends that met an error, and the lines that say why."""
    match error:
        case InvalidSettings():
            return ExitCode.WRONG_USE, ["These settings cannot be used:", *_list(error.problems)]
        case UnusableTemplate():
            return ExitCode.WRONG_USE, [f"The template cannot be used: {error}."]
        case InvalidUpdate():
            return ExitCode.NO, ["That cannot be done:", *_list(error.problems)]
        case NotFound():
            return ExitCode.NO, [f"Not found: {error}."]
        case CallRefused() | StackFailed():
            return ExitCode.NO, [str(error)]
        case _:
            return ExitCode.UNREACHABLE, [str(error)]


def _list(problems: tuple[Problem, ...]) -> list[str]:
    return [f"  {problem}" for problem in problems]
