from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waypost.core.keys import TRIES, probes

TIME = 1_767_225_600_000


def test_the_event_time_and_its_neighbours_come_first() -> None:
    assert list(probes(TIME, "a"))[:4] == [TIME, TIME + 1, TIME + 2, TIME + 3]


@given(st.text(st.characters(codec="utf-8")))
def test_there_are_64_distinct_keys_within_ten_seconds(event_id: str) -> None:
    keys = list(probes(TIME, event_id))
    assert len(set(keys)) == len(keys) == TRIES == 64
    assert all(TIME <= key < TIME + 4 + 9_973 for key in keys)


@given(st.text(st.characters(codec="utf-8")))
def test_the_far_keys_follow_each_other_and_wrap(event_id: str) -> None:
    far = [key - TIME - 4 for key in list(probes(TIME, event_id))[4:]]
    assert far == [(far[0] + i) % 9_973 for i in range(60)]


def test_a_repeat_walks_the_same_way() -> None:
    assert list(probes(TIME, "a")) == list(probes(TIME, "a"))
    assert list(probes(TIME, "a")) != list(probes(TIME, "b"))
    # Kept for ever: stores hold keys that were chosen by it.
    assert list(probes(0, "EVENT-1"))[4:6] == [468, 469]


def test_300_ties_all_find_a_place() -> None:
    taken: set[int] = set()
    for number in range(300):
        taken.add(next(key for key in probes(TIME, f"event-{number}") if key not in taken))
    assert len(taken) == 300
