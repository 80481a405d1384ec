"""Who is told of what: by coverage, so that no opening that moves is told of twice or never."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.histories import SHIPMENT, at, do, update
from tests.support.strategies import (
    THRESHOLDS,
    acts,
    entries,
    mappings,
    shuffles,
    troubles,
)
from waypost.core.entries import Action
from waypost.core.incidents import NOBODY_TOLD, Alert, Told, decide, tell
from waypost.core.shipments import NO_MAPPINGS, Mappings, Shipment, fold
from waypost.core.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from waypost.core.entries import Entry
    from waypost.core.shipments import Episode

pytestmark = pytest.mark.no_cover  # runs again, often, what other tests run

Turn = tuple[list["Entry"], Mappings, int]
"""What came, how codes are read from then on, and how many hours went by before."""
crowded = st.lists(st.one_of(troubles, troubles, acts, entries), max_size=8)
turns = st.lists(
    st.tuples(crowded, mappings, st.integers(0, 4)),
    min_size=1,
    max_size=6,
)


@dataclass
class Desk:
    """Decides at the end of each turn, as a follower does, and remembers."""

    told: Told = NOBODY_TOLD
    log: list[Entry] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    hours: int = 0

    def see(self, came: Sequence[Entry], meanings: Mappings, hours: int) -> Shipment:
        """Take what came, and return the shipment on which the new alerts were decided."""
        self.log += came
        self.hours += hours
        shipment = self.folded(self.log, meanings)
        alerts, joined = decide(shipment, self.told)
        assert joined >= self.told, "what was told stays told"
        self.told = tell(joined, alerts)
        self.alerts += alerts
        return shipment

    def folded(self, log: Sequence[Entry], meanings: Mappings) -> Shipment:
        return fold(SHIPMENT, log, meanings, thresholds=THRESHOLDS, as_of=at(self.hours))


def refs(condition: Status, episode: Episode | Alert) -> Told:
    """Return the members of an episode, as they are noted when they are told."""
    return frozenset((condition, *ref) for ref in episode.members)


@given(turns)
def test_every_open_critical_episode_is_told_of_unless_it_is_acknowledged_or_muted(
    said: list[Turn],
) -> None:
    desk = Desk()
    for came, meanings, hours in said:
        for episode in desk.see(came, meanings, hours).episodes:
            if episode.condition.critical and episode.resolved_at is None:
                covered = refs(episode.condition, episode) <= desk.told
                assert covered or episode.acknowledged or episode.muted


@given(turns)
def test_an_episode_that_was_told_of_is_not_told_of_again_wherever_its_opening_moves(
    said: list[Turn],
) -> None:
    desk = Desk()
    known: set[tuple[str, str, str]] = set()
    for came, meanings, hours in said:
        before = len(desk.alerts)
        shipment = desk.see(came, meanings, hours)
        for alert in desk.alerts[before:]:
            assert refs(alert.condition, alert).isdisjoint(known)
            known |= refs(alert.condition, alert)
        for episode in shipment.episodes:
            members = refs(episode.condition, episode)
            if not members.isdisjoint(known):
                known |= members


@given(turns)
def test_a_key_alerts_once(said: list[Turn]) -> None:
    desk = Desk()
    for turn in said:
        desk.see(*turn)
    keys = [alert.key for alert in desk.alerts]
    assert len(keys) == len(set(keys))


@given(turns, shuffles)
def test_a_replay_with_what_was_told_kept_alerts_nobody(said: list[Turn], shuffle: Random) -> None:
    desk = Desk()
    for turn in said:
        desk.see(*turn)
    again = [*desk.log, *desk.log[::2]]
    shuffle.shuffle(again)
    assert decide(desk.folded(again, said[-1][1]), desk.told) == ((), desk.told)


@given(crowded, st.sampled_from([Status.LOST, Status.DAMAGED]), st.booleans())
def test_losses_and_damage_alert_even_if_they_were_over_before_anybody_looked_unless_silenced(
    history: list[Entry], condition: Status, muted: bool
) -> None:
    silencing = do(Action.MUTE if muted else Action.UNMUTE, condition, 10, "act")
    wrong: list[Entry] = [
        silencing,
        update(condition.value, 11, "wrong"),
        update("DELIVERED", 12, "over"),
    ]
    desk = Desk()
    shipment = desk.see([*history, *wrong], NO_MAPPINGS, 0)
    told = {(alert.condition, alert.opened_by) for alert in desk.alerts}
    for episode in shipment.episodes:
        if episode.condition in {Status.LOST, Status.DAMAGED}:
            silenced = episode.acknowledged or episode.muted
            assert ((episode.condition, episode.opened_by) in told) is not silenced


@given(crowded, mappings)
def test_what_came_quietly_is_told_of_to_nobody(history: list[Entry], meanings: Mappings) -> None:
    shipment = fold(SHIPMENT, history, meanings, thresholds=THRESHOLDS, as_of=at(12))
    quiet = frozenset((entry.sender, entry.event_id) for entry in history)
    alerts, told = decide(shipment, NOBODY_TOLD, quiet)
    assert alerts == ()
    assert decide(shipment, told)[0] == ()
