"""The clearing table, cell by cell: each is shown by folding a tiny history."""

from __future__ import annotations

import pytest

from tests.support.histories import at, do, update
from waypost.core.entries import Action, Entry
from waypost.core.shipments import Episode, Fold, Thresholds
from waypost.core.statuses import Kind, Status

SHIPMENT = "SHIP-1"
QUIET_DAY = Thresholds({(None, None): 24})

SAYS_NOTHING = ["UNKNOWN", "NOTE", "PENDING", "INFO_RECEIVED"]
CONDITIONS = ["LOST", "DAMAGED", "EXCEPTION", "DELAYED", "ON_HOLD"]
SCANS = [
    "PICKED_UP",
    "IN_TRANSIT",
    "OUT_FOR_DELIVERY",
    "DELIVERY_ATTEMPTED",
    "AVAILABLE_FOR_PICKUP",
]
TERMINALS = ["DELIVERED", "RETURNED", "CANCELLED", "DISPOSED"]
SENT = [*SAYS_NOTHING, *CONDITIONS, *SCANS, "RETURNING", *TERMINALS]
STATED = ["LOST", "EXCEPTION", "ON_HOLD"]

NEWS_AT = 30.0


def episodes(condition: str, *history: Entry) -> list[Episode]:
    shipment = Fold.of(SHIPMENT, history, thresholds=QUIET_DAY).shipment(at(NEWS_AT))
    return [e for e in shipment.episodes if e.condition == condition]


def closes(condition: str, *history: Entry) -> bool:
    """Tell whether the last entry, at `NEWS_AT`, closed the one episode of the condition."""
    [before] = episodes(condition, *history[:-1])
    assert before.resolved_at is None
    [after, *_] = episodes(condition, *history)
    assert after.resolved_at in {None, at(NEWS_AT)}
    return after.resolved_at is not None


# --- the first row: what says nothing, and conditions ------------------------------------------


@pytest.mark.parametrize("news", [*SAYS_NOTHING, *CONDITIONS])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_reports_close_no_stated_condition(condition: str, news: str) -> None:
    assert not closes(condition, update(condition, 10), update(news, NEWS_AT))


# --- scans -------------------------------------------------------------------------------------


@pytest.mark.parametrize("news", [*SCANS, "RETURNING"])
@pytest.mark.parametrize("condition", STATED)
def test_scans_close_lost_exception_and_on_hold(condition: str, news: str) -> None:
    assert closes(condition, update(condition, 10), update(news, NEWS_AT))


@pytest.mark.parametrize("news", [s for s in SENT if s not in CONDITIONS])
def test_nothing_that_is_sent_closes_damaged(news: str) -> None:
    assert not closes("DAMAGED", update("DAMAGED", 10), update(news, NEWS_AT))


LEVELS = {
    "PENDING": 0,
    "INFO_RECEIVED": 1,
    "PICKED_UP": 2,
    "IN_TRANSIT": 3,
    "OUT_FOR_DELIVERY": 4,
    "DELIVERY_ATTEMPTED": 4,
    "AVAILABLE_FOR_PICKUP": 4,
    "RETURNING": 5,
}


@pytest.mark.parametrize("news", [*SCANS, "RETURNING"])
@pytest.mark.parametrize("before", LEVELS)
def test_progress_closes_delayed_only_above_the_level_at_its_opening(
    before: str, news: str
) -> None:
    history = (update(before, 5), update("DELAYED", 10), update(news, NEWS_AT))
    assert closes("DELAYED", *history) == (LEVELS[news] > LEVELS[before])


@pytest.mark.parametrize("news", SCANS)
def test_any_scan_closes_a_delay_that_came_before_all_progress(news: str) -> None:
    assert closes("DELAYED", update("DELAYED", 10), update(news, NEWS_AT))


def test_a_repeated_delay_keeps_the_level_of_its_opening() -> None:
    history = (
        update("PICKED_UP", 5),
        update("DELAYED", 10),
        update("ON_HOLD", 11),
        update("DELAYED", 12),
    )
    assert closes("DELAYED", *history, update("IN_TRANSIT", NEWS_AT))


def test_a_delay_after_the_end_is_closed_by_no_scan_of_the_leg() -> None:
    history = (update("DELIVERED", 5), update("DELAYED", 10))
    for news in ["IN_TRANSIT", "OUT_FOR_DELIVERY", "RETURNING"]:
        assert not closes("DELAYED", *history, update(news, NEWS_AT))


# --- terminals, and a new leg ------------------------------------------------------------------


@pytest.mark.parametrize("news", TERMINALS)
@pytest.mark.parametrize("condition", ["DELAYED", *STATED])
def test_a_terminal_closes_what_can_be_over(condition: str, news: str) -> None:
    history = (update("OUT_FOR_DELIVERY", 5), update(condition, 10), update(news, NEWS_AT))
    assert closes(condition, *history)


@pytest.mark.parametrize("condition", ["DELAYED", *STATED])
def test_a_new_leg_closes_what_the_old_one_left(condition: str) -> None:
    history = (update("DELIVERED", 5), update(condition, 10), update("PICKED_UP", NEWS_AT))
    assert closes(condition, *history)


def test_a_new_leg_leaves_damage() -> None:
    history = (update("DELIVERED", 5), update("DAMAGED", 10), update("PICKED_UP", NEWS_AT))
    assert not closes("DAMAGED", *history)


# --- STALLED -----------------------------------------------------------------------------------


@pytest.mark.parametrize("news", SENT)
def test_every_sign_of_life_closes_stalled(news: str) -> None:
    assert closes("STALLED", update("IN_TRANSIT", 0), update(news, NEWS_AT))


def test_a_new_leg_closes_stalled() -> None:
    history = (update("DELIVERED", -9), update("IN_TRANSIT", 0), update("PICKED_UP", NEWS_AT))
    assert closes("STALLED", *history)


# --- LATE --------------------------------------------------------------------------------------

ONLY_BY_ETA = [*SAYS_NOTHING, *CONDITIONS, *SCANS]


@pytest.mark.parametrize("news", ONLY_BY_ETA)
@pytest.mark.parametrize(
    ("eta", "is_closed"), [(None, False), (15.0, False), (NEWS_AT, False), (NEWS_AT + 1, True)]
)
def test_late_is_closed_only_by_an_eta_that_has_not_passed(
    news: str, eta: float | None, is_closed: bool
) -> None:
    history = (update("IN_TRANSIT", 9, eta=20), update(news, NEWS_AT, eta=eta))
    assert closes("LATE", *history) == is_closed


@pytest.mark.parametrize("news", ["RETURNING", *TERMINALS])
@pytest.mark.parametrize("eta", [None, 15.0])
def test_late_is_closed_by_the_way_back_and_by_every_end(news: str, eta: float | None) -> None:
    history = (update("IN_TRANSIT", 9, eta=20), update(news, NEWS_AT, eta=eta))
    assert closes("LATE", *history)


def test_a_new_leg_closes_late() -> None:
    history = (
        update("DELIVERED", 8),
        update("IN_TRANSIT", 9, eta=20),
        update("PICKED_UP", NEWS_AT),
    )
    assert closes("LATE", *history)


# --- the operator's row ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resolved", [s for s in Status if s.kind in {Kind.CONDITION, Kind.DERIVED}]
)
@pytest.mark.parametrize("condition", [*CONDITIONS, "STALLED", "LATE"])
def test_an_operator_closes_only_what_is_named(condition: str, resolved: Status) -> None:
    history: list[Entry] = [update("IN_TRANSIT", 0, eta=20)]
    if condition in CONDITIONS:
        history = [update("IN_TRANSIT", 5), update(condition, 10)]
    history.append(do(Action.RESOLVE, resolved, NEWS_AT))
    assert closes(condition, *history) == (condition == resolved)
