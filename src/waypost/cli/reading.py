"""Reading a data folder beside whoever writes to it, or a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from waypost.cli.options import settings
from waypost.cli.output import PAGE
from waypost.core.errors import StoreUnusable

if TYPE_CHECKING:
    from waypost.cli.home import Home
    from waypost.operate import Operator
    from waypost.ports import LocalStore
    from waypost.settings import Settings

T = TypeVar("T")


@contextmanager
def reading(home: Home, *, whole: bool = False) -> Iterator[Operator]:
    """Lend an operator's eyes on a data folder or a stack.

    Args:
        home: which.
        whole: whether the whole log will be read, which is said where that costs something.

    Raises:
        InvalidSettings: with everything that is wrong.
        StoreUnusable: there is no file or no such stack, or it cannot be used.
        StoreUnavailable: it cannot be read now.
        AwsFailed: AWS was not reached, or refused.
    """
    if home.stack is not None:
        from waypost.cli.on_stack import opened

        with opened(home.stack) as stack:
            if whole:
                stack.say_scan(stack.parts.logs)
            yield stack.operator
        return
    from waypost.bootstrap import operate

    with reading_folder(home.data) as (store, configured):
        yield operate(store, configured.thresholds)


@contextmanager
def reading_folder(data: str | None) -> Iterator[tuple[LocalStore, Settings]]:
    """Lend the store of a data folder, and the settings that it is read with.

    Raises: as `reading`.
    """
    from waypost.bootstrap import FILE, open_store

    configured = settings(data)
    path = configured.data / FILE
    if not path.exists():
        raise StoreUnusable(
            f"there is no {path} yet: start `waypost serve`, record something with `waypost put`, "
            "or name another folder with --data"
        )
    store = open_store(configured)
    try:
        yield store, configured
    finally:
        store.close()


def paged(
    fetch: Callable[[Any, int], list[T]],
    cursor: Callable[[T], Any],
    limit: int | None,
    *,
    page: int | None = None,
) -> Iterator[T]:
    """Yield rows page by page, so that memory stays bounded.

    Args:
        fetch: returns at most so many rows that follow a cursor, None being the start.
        cursor: of a row.
        limit: at most so many; None: all.
        page: so many are fetched at once; None: `PAGE`.
    """
    most = PAGE if page is None else page
    after, left = None, limit
    while left is None or left > 0:
        wanted = most if left is None else min(most, left)
        rows = fetch(after, wanted)
        yield from rows
        if len(rows) < wanted:
            return
        after = cursor(rows[-1])
        left = None if left is None else left - len(rows)
