"""Reading the data folder beside whoever writes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from waypost.cli.options import settings
from waypost.cli.output import PAGE
from waypost.core.errors import StoreUnusable

if TYPE_CHECKING:
    from waypost.operate import Operator

T = TypeVar("T")


@contextmanager
def reading(data: str | None) -> Iterator[Operator]:
    """Lend an operator's eyes on the data folder.

    Raises:
        InvalidSettings: with everything that is wrong.
        StoreUnusable: there is no file, or it cannot be used.
        StoreUnavailable: it cannot be read now.
    """
    from waypost.bootstrap import FILE, open_operator

    configured = settings(data)
    path = configured.data / FILE
    if not path.exists():
        raise StoreUnusable(
            f"there is no {path} yet: start `waypost serve`, record something with `waypost put`, "
            "or name another folder with --data"
        )
    operator = open_operator(configured)
    try:
        yield operator
    finally:
        operator.store.close()


def paged(
    fetch: Callable[[Any, int], list[T]], cursor: Callable[[T], Any], limit: int | None
) -> Iterator[T]:
    """Yield rows page by page, so that memory stays bounded.

    Args:
        fetch: returns at most so many rows that follow a cursor, None being the start.
        cursor: of a row.
        limit: at most so many; None: all.
    """
    after, left = None, limit
    while left is None or left > 0:
        wanted = PAGE if left is None else min(PAGE, left)
        rows = fetch(after, wanted)
        yield from rows
        if len(rows) < wanted:
            return
        after = cursor(rows[-1])
        left = None if left is None else left - len(rows)
