"""What can go wrong between this machine and a stack on AWS."""

from __future__ import annotations

from waypost.core.errors import WaypostError


class AwsFailed(WaypostError):
    """AWS could not be reached, or refused a call (no right to it, too many calls)."""


class StackFailed(WaypostError):
    """AWS answered, and the answer is no: the stack is not as it was asked to be.

    The message says the first cause and the next step.
    """


class UnusableTemplate(WaypostError):
    """A text is no template that could be judged; the message says why, and where."""
