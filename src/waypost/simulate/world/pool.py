"""Runs worlds on all cores, and shows how far it has come."""

from __future__ import annotations

import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def on_all_cores(
    name: str,
    tasks: Sequence[_Task],
    attempt: Callable[[_Task], _Result],
    console: Console,
    *,
    chunk: int = 1,
) -> Iterator[_Result]:
    """Yield what becomes of each task, in their order, with a bar that says how many are done.

    Args:
        name: what the tasks are, for the bar.
        tasks: each is sent to a process.
        attempt: does one; it is imported there.
        console: where to draw the bar.
        chunk: so many tasks are sent at a time.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        progress = bar.add_task(name, total=len(tasks))
        for result in _attempted(tasks, attempt, chunk):
            yield result
            bar.update(progress, advance=1)


def _attempted(
    tasks: Sequence[_Task], attempt: Callable[[_Task], _Result], chunk: int
) -> Iterator[_Result]:
    # Spawned, not forked: a fork of a process with threads can hang on a lock that one of them held.
    with ProcessPoolExecutor(
        min(os.cpu_count() or 1, len(tasks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=logging.disable,
    ) as pool:
        yield from pool.map(attempt, tasks, chunksize=chunk)
