"""The turns that a journey may take: what goes wrong on the way, and how it is put right.

Each turn changes a plan in place, and keeps true in what order its steps are, how it ends and
what is open then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from waypost.core.statuses import Status
from waypost.simulate.journeys import Plan
from waypost.simulate.mix import Mix
from waypost.simulate.places import LAST_MILE

_DELAYS: Final = (
    ("WEATHER", "Delayed by the weather"),
    ("TRAFFIC", "Delayed in traffic"),
    ("MISSED_CONNECTION", "Missed its connection"),
    ("CAPACITY", "Rolled over: no space left"),
)
_EXCEPTIONS: Final = (
    ("ADDRESS", "Address incomplete"),
    ("MISROUTED", "Sorted to the wrong terminal"),
    ("BREAKDOWN", "Vehicle broke down"),
)


def take(plan: Plan, mix: Mix) -> None:
    """Let a plan take the turns that chance has for it; what is cancelled or lost takes no other."""
    if _happens(plan, mix.cancelled):
        cancel(plan)
        return
    if _happens(plan, mix.lost):
        lose(plan, found=_happens(plan, mix.found))
        return
    if plan.customs and _happens(plan, mix.held):
        hold(plan, mix)
    if _happens(plan, mix.delayed):
        delay(plan, mix, plan.on_the_way())
    for rate, turn in (
        (mix.failed, fail),
        (mix.damaged, damage),
        (mix.attempted, attempt),
        (mix.returned, send_back),
        (mix.corrected, mis_scan),
    ):
        if _happens(plan, rate):
            turn(plan)
    _chatter(plan, mix)


def _chatter(plan: Plan, mix: Mix) -> None:
    for index in reversed(range(1, len(plan.steps) - 1)):
        if _happens(plan, mix.unmapped):
            say_unmapped(plan, index)


def _happens(plan: Plan, rate: float) -> bool:
    return plan.rng.random() < rate


def sit_out(plan: Plan, mix: Mix, stormy: Iterable[int]) -> None:
    """A storm delays it at the first of the steps ``stormy`` that is on the way.

    What has been lost or cancelled sits out nothing.
    """
    if plan.ends not in {Status.DELIVERED, Status.RETURNED}:
        return
    for index in stormy:
        if plan.steps[index].status is Status.IN_TRANSIT:
            delay(plan, mix, index)
            return


def cancel(plan: Plan) -> None:
    """The sender cancels before anybody picks it up."""
    del plan.steps[1:]
    plan.add((1, 20), Status.CANCELLED, plan.steps[0].city, "Cancelled by the sender")
    plan.ends = Status.CANCELLED


def hand_over(plan: Plan) -> None:
    """Another carrier takes over at the last step on the way."""
    index = plan.last(Status.IN_TRANSIT)
    taker = plan.rng.choice(LAST_MILE)
    plan.insert(index, Status.IN_TRANSIT, f"Handed over to {taker}", after=(0.5, 2), lasts=(0.2, 1))
    plan.steps[index + 2 :] = [replace(s, carrier=taker) for s in plan.steps[index + 2 :]]


def hold(plan: Plan, mix: Mix) -> None:
    """Customs holds it where it enters a country, then lets it go."""
    index = next(i for i, step in enumerate(plan.steps) if step.city is plan.customs)
    plan.insert(
        index, Status.ON_HOLD, "Held by customs", after=(0.3, 2), lasts=(4, 60), reason="CUSTOMS"
    )
    if _happens(plan, mix.revised):
        _revise(plan, index + 1)
    release = next(i for i in range(index + 1, len(plan.steps)) if _is_scan(plan, i)) - 1
    plan.insert(release, Status.IN_TRANSIT, "Released by customs", after=(0.2, 2), lasts=(0.2, 2))


def _is_scan(plan: Plan, index: int) -> bool:
    return plan.steps[index].status.level >= Status.PICKED_UP.level


def delay(plan: Plan, mix: Mix, index: int) -> None:
    """It is delayed after step ``index``."""
    reason, text = plan.rng.choice(_DELAYS)
    plan.insert(index, Status.DELAYED, text, after=(0.2, 2), lasts=(6, 36), reason=reason)
    if _happens(plan, mix.revised):
        _revise(plan, index + 1)


def _revise(plan: Plan, index: int) -> None:
    plan.insert(index, Status.NOTE, "Estimated arrival revised", after=(0.1, 1), lasts=(0.1, 0.5))
    plan.promise(index + 1)


def fail(plan: Plan) -> None:
    """Something goes wrong on the way, and the next scan shows that it was put right."""
    reason, text = plan.rng.choice(_EXCEPTIONS)
    plan.insert(
        plan.on_the_way(), Status.EXCEPTION, text, after=(0.2, 3), lasts=(2, 12), reason=reason
    )


def damage(plan: Plan) -> None:
    """It is damaged on the way, and goes on; damage does not heal."""
    index = plan.on_the_way()
    plan.insert(index, Status.DAMAGED, "Damage found at sorting", after=(0.1, 2), lasts=(0.5, 4))
    plan.open.add(Status.DAMAGED)


def lose(plan: Plan, *, found: bool) -> None:
    """It is reported lost on the way; if it is not found, that is the last that is heard of it."""
    index = plan.on_the_way()
    plan.insert(index, Status.LOST, "Cannot be located", after=(24, 60), lasts=(8, 40))
    if found:
        plan.insert(index + 1, Status.IN_TRANSIT, "Found again", after=(6, 60), lasts=(1, 4))
    else:
        del plan.steps[index + 2 :]
        plan.ends = Status.IN_TRANSIT
        plan.open.add(Status.LOST)


def attempt(plan: Plan) -> None:
    """Nobody is in; it is delivered the next day."""
    index = plan.last(Status.OUT_FOR_DELIVERY)
    plan.insert(index, Status.DELIVERY_ATTEMPTED, "Nobody was in", after=(1, 6), lasts=(12, 16))
    plan.insert(
        index + 1, Status.OUT_FOR_DELIVERY, "Out for delivery again", after=(12, 18), lasts=(0, 1)
    )
    plan.promise(index + 2)


def send_back(plan: Plan) -> None:
    """The receiver refuses it, and it goes back to where it came from."""
    del plan.steps[-1]
    here, home = plan.steps[-1].city, plan.steps[0].city
    plan.add((1, 6), Status.DELIVERY_ATTEMPTED, here, "Refused by the receiver")
    plan.add((2, 24), Status.RETURNING, here, "On its way back to the sender")
    plan.add((12, 48), Status.RETURNING, home, "Arrived at the depot of the sender")
    plan.add((4, 24), Status.RETURNED, home, "Returned to the sender")
    plan.ends = Status.RETURNED


def mis_scan(plan: Plan) -> None:
    """Somebody scans it as delivered by mistake, and it is corrected."""
    index = plan.on_the_way()
    plan.insert(index, Status.DELIVERED, "Delivered", after=(0.1, 1), lasts=(0.1, 0.5))
    plan.insert(
        index + 1,
        Status.IN_TRANSIT,
        "Correction: not delivered, scanned in error",
        after=(0.2, 2),
        lasts=(0.1, 0.5),
    )


def say_unmapped(plan: Plan, index: int) -> None:
    """The carrier says something after step ``index`` that our vocabulary lacks."""
    word, _ = plan.carrier.unmapped
    plan.insert(index, Status.UNKNOWN, word, after=(0.1, 1), lasts=(0.1, 0.5))
