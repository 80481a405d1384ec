from __future__ import annotations

import pytest

from tests.support.histories import SENDER, SHIPMENT, at, do, take_back, update
from waypost.core.entries import Action, Entry
from waypost.core.incidents import (
    NOBODY_TOLD,
    Alert,
    Told,
    alert_json,
    decide,
    incident_json,
    incidents,
    shipment_json,
    tell,
)
from waypost.core.shipments import Ref, Shipment, Thresholds, fold
from waypost.core.statuses import Status
from waypost.core.updates import Place

DAY = Thresholds({(None, None): 24})


def state(*history: Entry, as_of: float = 10) -> Shipment:
    return fold(SHIPMENT, history, thresholds=DAY, as_of=at(as_of))


def told_of(condition: str, *event_ids: str) -> Told:
    return frozenset((Status[condition], SENDER, event_id) for event_id in event_ids)


def alerts(
    shipment: Shipment, told: Told = NOBODY_TOLD, quiet: frozenset[Ref] = frozenset()
) -> list[str]:
    return [alert.key for alert in decide(shipment, told, quiet)[0]]


def key(condition: str, event_id: str) -> str:
    return f"{condition}/{SHIPMENT}/{SENDER}/{event_id}"


# --- nothing to tell ---------------------------------------------------------------------------


def test_what_is_not_critical_alerts_nobody() -> None:
    assert alerts(state(update("ON_HOLD", 1), update("IN_TRANSIT", 2))) == []


@pytest.mark.parametrize("condition", ["EXCEPTION", "DELAYED"])
def test_what_was_over_before_anybody_was_told_alerts_nobody(condition: str) -> None:
    assert alerts(state(update(condition, 1), update("DELIVERED", 2))) == []


def test_silence_and_lateness_that_are_over_alert_nobody() -> None:
    assert alerts(state(update("NOTE", 0, eta=5), update("DELIVERED", 40), as_of=50)) == []


@pytest.mark.parametrize("action", [Action.ACK, Action.MUTE])
@pytest.mark.parametrize("condition", ["LOST", "DAMAGED", "EXCEPTION", "DELAYED"])
def test_what_is_acknowledged_or_muted_alerts_nobody(condition: str, action: Action) -> None:
    shipment = state(update(condition, 1), do(action, Status[condition], 2))
    assert alerts(shipment) == []
    assert decide(shipment, NOBODY_TOLD)[1] == NOBODY_TOLD


def test_what_came_in_quietly_alerts_nobody_and_counts_as_told() -> None:
    shipment = state(update("LOST", 1, "a"), update("LOST", 2, "b"))
    decided, told = decide(shipment, NOBODY_TOLD, frozenset({(SENDER, "b")}))
    assert (decided, told) == ((), told_of("LOST", "a", "b"))


# --- to tell -----------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", ["LOST", "DAMAGED", "EXCEPTION", "DELAYED"])
def test_what_is_open_alerts_once(condition: str) -> None:
    shipment = state(update(condition, 1, "e"))
    assert alerts(shipment) == [key(condition, "e")]
    decided, told = decide(shipment, NOBODY_TOLD)
    assert told == NOBODY_TOLD
    assert tell(told, decided) == told_of(condition, "e")
    assert alerts(shipment, told_of(condition, "e")) == []


@pytest.mark.parametrize("condition", ["LOST", "DAMAGED"])
def test_lost_and_damaged_alert_even_if_over(condition: str) -> None:
    history: list[Entry] = [update(condition, 1, "e"), do(Action.RESOLVE, Status[condition], 2)]
    [alert] = decide(state(*history), NOBODY_TOLD)[0]
    assert (alert.key, alert.resolved_at) == (key(condition, "e"), at(2))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([update("IN_TRANSIT", 0, "scan")], key("STALLED", "scan")),
        ([update("NOTE", 9, "estimate", eta=25)], key("LATE", "estimate")),
    ],
)
def test_silence_and_lateness_alert(history: list[Entry], expected: str) -> None:
    assert alerts(state(*history, as_of=26)) == [expected]


def test_being_told_of_one_condition_does_not_cover_another() -> None:
    shipment = state(update("LOST", 1, "e"))
    assert alerts(shipment, told_of("DAMAGED", "e")) == [key("LOST", "e")]


def test_the_next_episode_alerts_anew() -> None:
    shipment = state(update("LOST", 1, "a"), update("IN_TRANSIT", 2), update("LOST", 3, "b"))
    assert alerts(shipment, told_of("LOST", "a")) == [key("LOST", "b")]


def test_an_alert_says_what_since_when_and_where_and_nothing_of_a_person() -> None:
    place = Place(name="Hub", country="DE", postal_code="20095", latitude=53.5, longitude=10.0)
    shipment = state(update("EXCEPTION", 1, "e", location=place, carrier="UPS", reason="R1"))
    assert decide(shipment, NOBODY_TOLD)[0] == (
        Alert(
            shipment_id=SHIPMENT,
            leg=1,
            condition=Status.EXCEPTION,
            opened_by=(SENDER, "e"),
            members=((SENDER, "e"),),
            opened_at=at(1),
            resolved_at=None,
            location="Hub, DE",
            carrier="UPS",
            reason_code="R1",
        ),
    )


def test_the_json_of_an_alert() -> None:
    [alert] = decide(state(update("LOST", 1, "e"), update("DELIVERED", 2)), NOBODY_TOLD)[0]
    assert alert_json(alert) == {
        "key": key("LOST", "e"),
        "shipmentId": SHIPMENT,
        "leg": 1,
        "condition": "LOST",
        "eventId": "e",
        "sender": SENDER,
        "openedAt": "2026-03-02T13:00:00.000Z",
        "resolvedAt": "2026-03-02T14:00:00.000Z",
        "location": None,
        "carrier": None,
        "reasonCode": None,
    }


# --- coverage under change ---------------------------------------------------------------------


def test_any_member_covers_and_the_others_join() -> None:
    shipment = state(update("LOST", 1, "a"), update("LOST", 2, "b"), update("LOST", 3, "c"))
    decided, told = decide(shipment, told_of("LOST", "b"))
    assert (decided, told) == ((), told_of("LOST", "a", "b", "c"))


def test_a_late_entry_that_moves_the_opening_alerts_nobody_again() -> None:
    told = told_of("LOST", "b")
    decided, told = decide(state(update("LOST", 2, "b"), update("LOST", 1, "a")), told)
    assert decided == ()
    # ... and if the one that was told of is taken back, what joined it still covers.
    later = state(update("LOST", 2, "b"), update("LOST", 1, "a"), take_back("b"))
    assert alerts(later, told) == []


def test_a_late_entry_that_splits_an_episode_tells_of_the_other_half() -> None:
    merged = state(update("LOST", 1, "a"), update("LOST", 3, "b"))
    told = tell(*decide(merged, NOBODY_TOLD)[::-1])
    split = state(update("LOST", 1, "a"), update("IN_TRANSIT", 2), update("LOST", 3, "b"))
    assert alerts(split, told) == []
    assert alerts(split, told_of("LOST", "a")) == [key("LOST", "b")]


def test_what_was_told_is_never_forgotten() -> None:
    told = told_of("LOST", "gone")
    assert decide(state(update("LOST", 1, "a")), told)[1] >= told
    assert decide(state(), told)[1] == told


def test_unmuting_tells_of_what_is_still_open() -> None:
    history: list[Entry] = [update("LOST", 1, "e"), do(Action.MUTE, Status.LOST, 2)]
    assert alerts(state(*history)) == []
    assert alerts(state(*history, do(Action.UNMUTE, Status.LOST, 3))) == [key("LOST", "e")]


# --- incidents and their JSON ------------------------------------------------------------------

HISTORY: list[Entry] = [
    update("LOST", 1, "a", location="Chicago", reason="R1"),
    update("IN_TRANSIT", 2, carrier="UPS", eta=9.5),
    update("ON_HOLD", 3),
    update("LOST", 4, "b", location=Place(unlocode="DEHAM", postal_code="20095")),
    update("LOST", 5, "c"),
    do(Action.ACK, Status.LOST, 6),
    update("DAMAGED", 6, "d"),
    update("XB", 7),
]


def test_an_incident_is_all_episodes_of_one_leg_and_condition() -> None:
    found = incidents(state(*HISTORY))
    assert [(i.leg, i.condition, len(i.episodes), i.is_open) for i in found] == [
        (1, Status.DAMAGED, 1, True),
        (1, Status.LATE, 1, True),
        (1, Status.LOST, 2, True),
    ]


def test_the_json_of_an_incident() -> None:
    [lost] = [i for i in incidents(state(*HISTORY)) if i.condition is Status.LOST]
    assert incident_json(lost) == {
        "shipmentId": SHIPMENT,
        "leg": 1,
        "condition": "LOST",
        "state": "open",
        "openedAt": "2026-03-02T16:00:00.000Z",
        "resolvedAt": None,
        "acknowledged": True,
        "muted": False,
        "location": {"unlocode": "DEHAM", "postalCode": "20095"},
        "carrier": "UPS",
        "reasonCode": None,
        "episodes": [
            {
                "openedAt": "2026-03-02T13:00:00.000Z",
                "resolvedAt": "2026-03-02T14:00:00.000Z",
                "eventId": "a",
                "sender": SENDER,
                "updates": 1,
                "newestAt": "2026-03-02T13:00:00.000Z",
            },
            {
                "openedAt": "2026-03-02T16:00:00.000Z",
                "resolvedAt": None,
                "eventId": "b",
                "sender": SENDER,
                "updates": 2,
                "newestAt": "2026-03-02T17:00:00.000Z",
            },
        ],
    }


def test_the_json_of_an_incident_that_is_over() -> None:
    [incident] = incidents(state(update("LOST", 1), update("DELIVERED", 2)))
    assert incident_json(incident)["state"] == "resolved"
    assert incident_json(incident)["location"] is None


def test_the_json_of_a_shipment() -> None:
    assert shipment_json(state(*HISTORY, take_back("a"), update("DAMAGED", 6.5, "d"))) == {
        "shipmentId": SHIPMENT,
        "progress": "IN_TRANSIT",
        "progressAt": "2026-03-02T14:00:00.000Z",
        "condition": "LOST",
        "conditions": ["LOST", "DAMAGED", "ON_HOLD", "LATE"],
        "leg": 1,
        "eta": "2026-03-02T21:30:00.000Z",
        "location": {"unlocode": "DEHAM", "postalCode": "20095"},
        "carrier": "UPS",
        "firstEventTime": "2026-03-02T14:00:00.000Z",
        "lastEventTime": "2026-03-02T19:00:00.000Z",
        "updates": 6,
        "conflicts": 1,
        "retracted": 1,
        "codes": [
            {
                "carrier": None,
                "code": "XB",
                "status": "UNKNOWN",
                "count": 1,
                "lastEventTime": "2026-03-02T19:00:00.000Z",
            }
        ],
    }


def test_the_json_of_a_shipment_without_updates() -> None:
    empty = shipment_json(state(take_back("e")))
    assert (empty["progress"], empty["progressAt"], empty["eta"]) == (None, None, None)
