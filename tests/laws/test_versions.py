"""Two versions work on one log, by turns: nothing is lost, misread, or told twice or wrongly.

The older one does not know all words of the newer. Both homes are held to each law.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.test_follow import derived, noted
from tests.support.homes import HOMES, Home
from tests.support.strategies import logged
from tests.support.versions import older_version
from waypost.core.incidents import decide, incident_json, incidents, shipment_json
from waypost.ports import IncidentQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.core.entries import Entry

outlives_its_process = pytest.mark.parametrize("name", ["machine-sqlite", "serverless"])
"""What is in memory never meets another version."""
fewer = settings(max_examples=settings().max_examples // 4)

Turn = tuple[bool, list["Entry"], int]
"""Whether the older version is in charge, what it records and follows, and the hours until then."""
turns = st.lists(
    st.tuples(st.booleans(), st.lists(logged, min_size=1, max_size=5), st.integers(0, 2)),
    min_size=2,
    max_size=6,
)


def take_turns(home: Home, said: list[Turn]) -> Iterator[bool]:
    """Let each version have its turns; yield after each whether it was the older one's."""
    for is_older, entries, hours in said:
        with older_version() if is_older else nullcontext():
            home.restart()
            home.record(entries)
            home.wait(hours)
            for _ in range(2):
                home.follow()
                home.sweep()
                home.decide()
        yield is_older


@outlives_its_process
@fewer
@given(said=turns)
def test_the_older_version_tells_nobody_what_is_not_so(name: str, said: list[Turn]) -> None:
    with HOMES[name]() as home:
        heard: list[str] = []
        for is_older in take_turns(home, said):
            new, heard = home.alerted()[len(heard) :], home.alerted()
            if is_older:
                true = {a.key for s in derived(home) for a in decide(s, frozenset())[0]}
                assert set(new) <= true


@outlives_its_process
@fewer
@given(said=turns)
def test_rolling_forward_heals_everything_by_itself_and_alerts_once(
    name: str, said: list[Turn]
) -> None:
    with HOMES[name]() as home:
        assert len([*take_turns(home, said)]) == len(said)
        home.restart()
        home.wait(1)  # what could not be folded is tried again within a minute
        home.settle()
        for shipment in derived(home):
            shipment_id = shipment.shipment_id
            query = IncidentQuery(shipment_id=shipment_id)
            assert home.store.shipment(shipment_id) == shipment_json(shipment)
            assert home.store.incidents(query) == [*map(incident_json, incidents(shipment))]
        keys = home.alerted()
        assert len(keys) == len(set(keys))
        before = noted(home)
        home.restart()
        home.rederive()
        home.settle()
        assert noted(home) == before
