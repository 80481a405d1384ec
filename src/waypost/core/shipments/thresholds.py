"""How long a shipment may be silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from waypost.core.statuses import Status
from waypost.core.times import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

_SILENCE_HOURS: Final = MappingProxyType(
    {
        None: 168,
        Status.PENDING: 168,
        Status.INFO_RECEIVED: 120,
        Status.PICKED_UP: 72,
        Status.IN_TRANSIT: 120,
        Status.OUT_FOR_DELIVERY: 48,
        Status.DELIVERY_ATTEMPTED: 96,
        Status.AVAILABLE_FOR_PICKUP: 240,
        Status.RETURNING: 240,
    }
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """For how many hours an open shipment may be silent before it is STALLED.

    The defaults are ours: long enough that a weekend with a holiday alerts nobody. The first of
    these that is given wins: carrier and status, carrier, status, all, the default of the status.

    Attributes:
        hours: by (carrier in capitals or None for any, status or None for any).
    """

    hours: Mapping[tuple[str | None, Status | None], float] = field(default_factory=dict)

    def silence(self, carrier: str | None, progress: Status | None) -> int:
        """Return the longest silence allowed, in milliseconds."""
        if self.hours:
            name = carrier.strip().upper() if carrier else None
            for key in ((name, progress), (name, None), (None, progress), (None, None)):
                if key in self.hours:
                    return int(self.hours[key] * HOUR)
        return _SILENCE_HOURS[progress] * HOUR
