"""The machine's own clock: the one place that may ask the machine for the time or a name."""

from __future__ import annotations

import time
import uuid


class SystemClock:
    """The machine's own clock, and random names."""

    def now(self) -> int:
        """Return the present in epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def new_id(self) -> str:
        """Return a random UUID."""
        return str(uuid.uuid4())
