"""What follows from a fold: the state to save, and the alerts that it calls for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waypost.core.incidents import NOBODY_TOLD, decide, tell
from waypost.ports import Save, Saved

if TYPE_CHECKING:
    from waypost.core.shipments import Fold, Ref

UNSAVED: Final = Saved(version=0, told=NOBODY_TOLD, conflicts=0)
"""Stands for what was saved of a shipment that never was."""


def judge(
    fold: Fold,
    saved: Saved,
    quiet: frozenset[Ref],
    now: int,
    *,
    quiet_is_new: bool,
    deciding: bool,
) -> Save:
    """Return what is to be saved of a folded shipment.

    Args:
        fold: of its whole history.
        saved: what was saved of it last, which says who was told of what.
        quiet: all its entries that came in quietly, and so alert nobody.
        now: the instant at which STALLED and LATE are judged, epoch ms.
        quiet_is_new: whether some of those are followed for the first time.
        deciding: whether the alerts it calls for are sent now; else they stay ``undecided``.
    """
    shipment = fold.shipment(now)
    alerts, told = decide(shipment, saved.told, quiet, quiet_is_new=quiet_is_new)
    return Save(
        shipment=shipment,
        told=tell(told, alerts) if deciding else told,
        version=saved.version,
        due_at=fold.due(now),
        undecided=bool(alerts) and not deciding,
        alerts=alerts if deciding else (),
        quiet=len(quiet),
    )
