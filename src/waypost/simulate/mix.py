"""How often what happens to the fleet: all its knobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How often what happens: shares from 0 to 1. The defaults are a believable bad month.

    Attributes:
        ltl: shipments that are pallets; the rest are parcels.
        container: shipments that are containers.
        abroad: parcels that go to another continent.
        handed_over: parcels that another carrier takes for the last miles.
        held: shipments from abroad that customs holds.
        delayed: shipments delayed for reasons of their own.
        revised: delays and holds that a new estimate of the arrival follows.
        failed: shipments with an exception on the way.
        damaged: shipments that get damaged.
        lost: shipments that get lost.
        found: lost ones that are found again.
        attempted: shipments that could not be delivered at the first attempt.
        returned: shipments that are refused and go back.
        cancelled: shipments that are cancelled before pick-up.
        corrected: shipments scanned as delivered by mistake.
        reused: delivered shipments whose number is given to another one days later.
        storms: days on which a storm stops all that passes one hub.
        unmapped: steps after which the carrier says something that our vocabulary lacks.
        late: updates that are sent hours after they occurred.
        disordered: updates that are sent after the next one of the same shipment.
        duplicated: updates that are sent twice, with the same event id.
        malformed: updates that are sent broken before they are sent right.
    """

    ltl: float = 0.15
    container: float = 0.05
    abroad: float = 0.25
    handed_over: float = 0.1
    held: float = 0.15
    delayed: float = 0.06
    revised: float = 0.8
    failed: float = 0.02
    damaged: float = 0.01
    lost: float = 0.006
    found: float = 0.5
    attempted: float = 0.08
    returned: float = 0.02
    cancelled: float = 0.01
    corrected: float = 0.005
    reused: float = 0.01
    storms: float = 0.1
    unmapped: float = 0.02
    late: float = 0.02
    disordered: float = 0.03
    duplicated: float = 0.02
    malformed: float = 0.004


PLAIN: Final = Mix(duplicated=0, malformed=0)
"""The default mix with nothing sent twice or broken."""
