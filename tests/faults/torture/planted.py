"""``waypost`` with something planted in it: run as a script, with the plants before a ``--``.

    python planted.py checkpoint=64 die=sent-not-noted:3 -- serve --data folder

Each plant changes one thing of the real program from outside, in its own process:

* ``checkpoint=PAGES``: the write-ahead log is moved into the database so often.
* ``sync=OFF``: commits do not wait for the disk (to see that a check can fail).
* ``clock=FILE``: the clock is off by the milliseconds that the file says, at every look.
* ``pause=MS``: every pause after a failed delivery is so long, and idle workers look so often.
* ``die=POINT:N``: the process kills itself (SIGKILL) when it comes to a point for the Nth time.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from waypost.cli import main
from waypost.clock import SystemClock
from waypost.core.times import SECOND
from waypost.follow import deliver, work
from waypost.stores.sqlite import SqliteStore, database, outbox

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS: Final[dict[str, tuple[Any, str, bool]]] = {
    "round-not-committed": (SqliteStore, "commit", False),
    "round-half-written": (outbox, "add_alerts", False),
    "round-committed": (SqliteStore, "commit", True),
    "message-not-made": (SqliteStore, "post", False),
    "message-made": (SqliteStore, "post", True),
    "sent-not-noted": (SqliteStore, "delivered", False),
}
"""Where the follower or a deliverer may die: what is called, and whether it dies after it."""


def plant_checkpoint(pages: str) -> None:
    vars(database)["_CHECKPOINT_PAGES"] = int(pages)


def plant_sync(mode: str) -> None:
    class Lazy(sqlite3.Connection):
        def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
            return super().execute(
                statement.replace("synchronous = FULL", f"synchronous = {mode}"), *parameters
            )

    real = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        return real(*args, factory=Lazy, **options)

    vars(sqlite3)["connect"] = connect


def plant_clock(file: str) -> None:
    real = SystemClock.now

    def now(self: SystemClock) -> int:
        return real(self) + int(Path(file).read_text(encoding="utf-8"))

    SystemClock.now = now  # type: ignore[method-assign] # that is the plant


def plant_pause(milliseconds: str) -> None:
    vars(deliver)["FIRST_PAUSE"] = vars(deliver)["LONGEST_PAUSE"] = int(milliseconds)
    vars(work)["IDLE"] = int(milliseconds) / SECOND


def plant_die(where: str) -> None:
    point, _, number = where.partition(":")
    owner, name, after = POINTS[point]
    real: Callable[..., Any] = getattr(owner, name)
    passes = count(1)

    def deadly(*args: Any, **options: Any) -> Any:
        dies = next(passes) == int(number)
        result = real(*args, **options) if after or not dies else None
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


PLANTS: Final = {
    "checkpoint": plant_checkpoint,
    "sync": plant_sync,
    "clock": plant_clock,
    "pause": plant_pause,
    "die": plant_die,
}

if __name__ == "__main__":
    end = sys.argv.index("--")
    for plant in sys.argv[1:end]:
        kind, _, value = plant.partition("=")
        PLANTS[kind](value)
    sys.argv[1:] = sys.argv[end + 1 :]
    main()
