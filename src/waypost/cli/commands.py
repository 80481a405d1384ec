"""What all commands share: how they are declared, and how they end."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperGroup

from waypost.cli import output
from waypost.cli.exits import ExitCode, judge
from waypost.cli.home import with_place
from waypost.core.errors import WaypostError

_Function = TypeVar("_Function", bound=Callable[..., None])


class Commands(TyperGroup):
    """The whole program: errors of ours end it with one clear message and their exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named."""
        try:
            return super().invoke(ctx)
        except WaypostError as error:
            code, lines = judge(error)
            output.warn(*lines)
            raise typer.Exit(code) from error
        except BrokenPipeError:
            # Whoever read has had enough. What Python still holds would only fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.DONE) from None


class ListByDefault(TyperGroup):
    """Commands about one noun: without a command's name, options belong to ``list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        if not args or (args[0].startswith("-") and args[0] != "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


def group(help_text: str) -> typer.Typer:
    """Return an empty group of commands about one noun."""
    return typer.Typer(cls=ListByDefault, help=help_text, rich_markup_mode="rich")


def command(
    app: typer.Typer, *examples: str, name: str | None = None
) -> Callable[[_Function], _Function]:
    """Return the decorator that adds a command whose help ends in examples.

    Args:
        app: to add it to.
        examples: command lines, without a prompt.
        name: if the function's will not do.
    """

    def add(function: _Function) -> _Function:
        function = with_place(function)
        lines = "\n".join(f"  {example}" for example in examples)
        app.command(name, help=f"{flowing(function)}\n\n\b\nExamples:\n{lines}")(function)
        return function

    return add


def flowing(function: Callable[..., None]) -> str:
    """Return a function's docstring with each paragraph on one line, to be wrapped as needed."""
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
