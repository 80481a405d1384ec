"""The functions on AWS: what one machine's threads do, done batch by batch.

`lambda_handler` records, `notifier_handler` follows what was recorded, `sweep_handler` looks for
silence. Each is put together, from the environment, when it is first asked for: Lambda does that
while it starts, and one function never loads what only another needs.

They need the standard library and botocore, and nothing else.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if sys.version_info < (3, 11):  # noqa: UP036 (the Runtime of a stack may lag behind its code)
    message = f"Waypost needs Python 3.11 or newer, not {sys.version}: change the stack's Runtime"
    raise RuntimeError(message)

if TYPE_CHECKING:
    from waypost.aws_lambda.environment import Handler


def __getattr__(name: str) -> Handler:
    """Put a function together.

    Raises:
        InvalidSettings: with everything that the environment lacks.
    """
    match name:
        case "lambda_handler":
            from waypost.aws_lambda.processor import build
        case "notifier_handler":
            from waypost.aws_lambda.notifier import build
        case "sweep_handler":
            from waypost.aws_lambda.sweep import build
        case _:
            raise AttributeError(f"module {__name__} has no attribute {name}")
    return build(os.environ)
