from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.clocks import NOON, FakeClock
from tests.support.histories import SHIPMENT, at, do, means, take_back, update
from waypost.core.entries import MAPPINGS, OPERATOR, Act, Action, Entry, to_json
from waypost.core.errors import NotFound
from waypost.core.shipments import Thresholds
from waypost.core.statuses import Status
from waypost.core.times import DAY, HOUR
from waypost.core.updates import ShipmentUpdate
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import Operator, derive
from waypost.ports import Fate, Metric, Outcome, Rejection
from waypost.stores.memory import MemoryStore

GOOD = {"shipmentId": SHIPMENT, "status": "LOST"}
LATER = "2026-03-02T13:00:00Z"


@pytest.fixture
def operator() -> Operator:
    return Operator(
        store=MemoryStore(),
        clock=FakeClock(NOON + 12_345),
        metrics=MemoryMetrics(),
        thresholds=Thresholds({(None, None): 24}),
    )


def log(operator: Operator, shipment_id: str = SHIPMENT) -> list[Entry]:
    return operator.store.history(shipment_id)


def reasons(result: object) -> list[str]:
    assert isinstance(result, Rejection)
    return [str(problem) for problem in result.problems]


def clock(operator: Operator) -> FakeClock:
    assert isinstance(operator.clock, FakeClock)
    return operator.clock


# --- not found ---------------------------------------------------------------------------------


def test_what_is_not_there_is_not_found(operator: Operator) -> None:
    for call in (
        lambda: operator.act("SHIP-0", Action.MUTE, Status.LOST),
        lambda: operator.shipment("SHIP-0", NOON),
        lambda: operator.track("SHIP-0"),
        lambda: operator.retract("SHIP-0", "e", None),
        lambda: operator.replay("0" * 16),
        lambda: operator.drop("0" * 16),
    ):
        with pytest.raises(NotFound):
            call()


def test_the_mappings_are_no_shipment(operator: Operator) -> None:
    operator.map_code(None, "XB", Status.LOST)
    with pytest.raises(NotFound):
        operator.track(MAPPINGS)
    assert list(derive(operator.store)) == []


@pytest.mark.parametrize("action", [Action.ACK, Action.RESOLVE])
def test_what_is_not_open_can_be_neither_acknowledged_nor_resolved(
    operator: Operator, action: Action
) -> None:
    operator.put(GOOD, "")
    with pytest.raises(NotFound, match=r"^SHIP-1 has no open DAMAGED incident$"):
        operator.act(SHIPMENT, action, Status.DAMAGED)
    operator.act(SHIPMENT, Action.RESOLVE, Status.LOST)
    with pytest.raises(NotFound, match="no open LOST"):
        operator.act(SHIPMENT, action, Status.LOST)


def test_an_event_id_that_nobody_gave_cannot_be_retracted(operator: Operator) -> None:
    operator.put({**GOOD, "eventId": "e"}, "")
    operator.act(SHIPMENT, Action.ACK, Status.LOST)
    with pytest.raises(NotFound, match="no update with the event id f"):
        operator.retract(SHIPMENT, "f", None)


# --- put ---------------------------------------------------------------------------------------


def test_put_records_as_the_bus_would_now(operator: Operator) -> None:
    assert operator.put(GOOD, "raw") is Outcome.APPENDED
    [update_said] = log(operator)
    assert isinstance(update_said, ShipmentUpdate)
    assert (update_said.event_time, update_said.record_time) == (NOON + 12_000, NOON + 12_345)
    assert (update_said.sender, update_said.raw_event) == ("logistics.shipments", "raw")
    assert update_said.event_id.startswith("00000000-")


def test_put_quarantines_what_is_no_update(operator: Operator) -> None:
    assert reasons(operator.put({}, "{}")) == ["shipmentId: is missing", "status: is missing"]
    assert len(operator.store.rejected()) == 1


# --- acts, mappings, retractions ---------------------------------------------------------------


@pytest.mark.parametrize("action", list(Action))
def test_an_act_is_recorded(operator: Operator, action: Action) -> None:
    operator.put(GOOD, "")
    assert operator.act(SHIPMENT, action, Status.LOST) is Outcome.APPENDED
    [entry] = [e for e in log(operator) if isinstance(e, Act)]
    assert (entry.action, entry.condition, entry.sender) == (action, Status.LOST, OPERATOR)
    assert entry.event_time == entry.record_time == NOON + 12_345


@pytest.mark.parametrize("action", [Action.MUTE, Action.UNMUTE])
def test_what_is_not_open_yet_can_be_muted(operator: Operator, action: Action) -> None:
    operator.put(GOOD, "")
    assert operator.act(SHIPMENT, action, Status.DAMAGED) is Outcome.APPENDED


def test_an_act_is_stamped_no_earlier_than_what_it_acts_on(operator: Operator) -> None:
    operator.put({**GOOD, "occurredAt": LATER}, "")
    operator.act(SHIPMENT, Action.RESOLVE, Status.LOST)
    assert operator.shipment(SHIPMENT, clock(operator).now()).conditions == ()
    [entry] = [e for e in log(operator) if isinstance(e, Act)]
    assert (entry.event_time, entry.record_time) == (NOON + HOUR, NOON + 12_345)


@pytest.mark.parametrize("wait", [DAY, DAY + 1])
def test_silence_can_be_acknowledged_from_its_first_millisecond(
    operator: Operator, wait: int
) -> None:
    operator.put({**GOOD, "status": "IN_TRANSIT"}, "")
    clock(operator).time = NOON + 12_000 + wait
    operator.act(SHIPMENT, Action.ACK, Status.STALLED)
    [incident] = operator.track(SHIPMENT)["incidents"]
    assert (incident["condition"], incident["acknowledged"]) == ("STALLED", True)


def test_a_mapping_gives_history_its_meaning(operator: Operator) -> None:
    operator.put({"shipmentId": SHIPMENT, "status": "?", "statusCode": "xb", "carrier": "UPS"}, "")
    assert operator.map_code("ups", "XB", Status.DAMAGED) is Outcome.APPENDED
    tracked = operator.track(SHIPMENT)
    assert tracked["conditions"] == ["DAMAGED"]
    assert [(u["status"], u["statusWord"], u["statusCode"]) for u in tracked["updates"]] == [
        ("DAMAGED", "?", "xb")
    ]


def test_a_retraction_takes_back_what_any_sender_said(operator: Operator) -> None:
    operator.put({**GOOD, "eventId": "e"}, "")
    assert operator.retract(SHIPMENT, "e", "wrong parcel") is Outcome.APPENDED
    tracked = operator.track(SHIPMENT)
    assert (tracked["condition"], tracked["retracted"]) == (None, 1)
    assert [u["counts"] for u in tracked["updates"]] == [False]


# --- take --------------------------------------------------------------------------------------


def envelope(**members: object) -> dict[str, Any]:
    return {
        "id": "envelope-1",
        "source": "logistics.shipments",
        "detail-type": "Shipment Update",
        "time": LATER,
        "detail": GOOD,
        **members,
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ["is not JSON"]),
        ("{", ["is not JSON"]),
        ("[1]", ["must be a JSON object"]),
        (json.dumps(GOOD), ["occurredAt: is missing"]),
        (
            json.dumps({"kind": "act", "recordTime": LATER, "eventTime": LATER, "eventId": "e"}),
            [
                "shipmentId: is missing",
                "sender: is missing",
                "action: is missing",
                "condition: is missing",
            ],
        ),
        (
            json.dumps(envelope(id="", source=5, time=None)),
            [
                "id: must not be blank",
                "source: must be text",
                "time: must be an RFC 3339 time with an offset, such as 2026-11-23T08:30:00+01:00",
            ],
        ),
        (
            json.dumps(envelope(**{"detail-type": "Other"})),
            ["must have the source logistics.shipments and the detail-type Shipment Update"],
        ),
        (
            json.dumps(envelope(detail=None)),
            ["must be a JSON object"],
        ),
    ],
)
def test_a_line_that_is_no_update_is_quarantined(
    operator: Operator, line: str, expected: list[str]
) -> None:
    [result] = operator.take([line], quiet=False)
    assert reasons(result) == expected
    assert operator.store.rejected() == [result]
    assert isinstance(operator.metrics, MemoryMetrics)
    assert operator.metrics.value(Metric.REJECTED) == 1


def test_lines_of_all_kinds_are_taken(operator: Operator) -> None:
    lines = [
        json.dumps({**GOOD, "occurredAt": LATER, "eventId": "a"}),
        json.dumps(envelope(detail={**GOOD, "eventId": "b", "extra": 1})),
        json.dumps(to_json(update("DAMAGED", 0, "c"))),
        json.dumps(to_json(do(Action.ACK, Status.LOST, 0, "d"))),
        json.dumps(to_json(take_back("e"))),
        json.dumps(to_json(means("XB", Status.LOST))),
    ]
    assert operator.take(lines, quiet=True) == [Outcome.APPENDED] * 6
    assert {e.event_id for e in log(operator)} == {"a", "b", "c", "d", "retract:e"}
    assert len(log(operator, MAPPINGS)) == 1
    assert isinstance(operator.store, MemoryStore)
    assert operator.store.changes(10).quiet
    [from_envelope] = [e for e in log(operator) if e.event_id == "b"]
    assert isinstance(from_envelope, ShipmentUpdate)
    assert from_envelope.event_time == NOON + HOUR
    assert json.loads(from_envelope.raw_event) == {**GOOD, "eventId": "b", "extra": 1}
    assert operator.take(lines, quiet=False) == [Outcome.DUPLICATE] * 6


def test_an_event_without_an_id_of_its_own_has_the_envelopes(operator: Operator) -> None:
    operator.take([json.dumps(envelope())], quiet=False)
    assert [e.event_id for e in log(operator)] == ["envelope-1"]


# --- the quarantine ----------------------------------------------------------------------------


def rejected(operator: Operator, line: str) -> str:
    [result] = operator.take([line], quiet=False)
    assert isinstance(result, Rejection)
    return result.rejection_id


def test_what_is_still_wrong_stays_in_quarantine(operator: Operator) -> None:
    for line in ("{", json.dumps(GOOD), json.dumps(envelope(detail={}))):
        rejection_id = rejected(operator, line)
        assert isinstance(operator.replay(rejection_id), Rejection)
        assert operator.store.rejection(rejection_id).fate is Fate.OPEN
    assert len(operator.store.rejected()) == 3


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({**GOOD, "occurredAt": "2026-03-04T12:00:00Z"}),
        json.dumps(to_json(update("LOST", 48))),
        json.dumps(envelope(time="2026-03-04T12:00:00Z")),
        json.dumps(envelope(detail={**GOOD, "occurredAt": "2026-03-04T12:00:00Z"})),
    ],
    ids=["detail", "entry", "envelope", "detail in an envelope"],
)
def test_what_is_right_now_is_recorded_and_settled(operator: Operator, line: str) -> None:
    rejection_id = rejected(operator, line)
    clock(operator).time = at(48)
    assert operator.replay(rejection_id) is Outcome.APPENDED
    assert operator.store.rejection(rejection_id).fate is Fate.REPLAYED
    [entry] = log(operator)
    assert entry.event_time == at(48)
    assert operator.replay(rejection_id) is Outcome.DUPLICATE


def test_what_came_over_the_wire_is_replayed_as_a_detail(operator: Operator) -> None:
    detail = {**GOOD, "occurredAt": "2026-03-04T12:00:00Z", "kind": "update", "recordTime": 1}
    result = operator.put(detail, json.dumps(detail))
    assert isinstance(result, Rejection)
    clock(operator).time = at(48)
    assert operator.replay(result.rejection_id) is Outcome.APPENDED


def test_what_is_dropped_is_settled_and_kept(operator: Operator) -> None:
    rejection_id = rejected(operator, "{")
    operator.drop(rejection_id)
    assert operator.store.rejected() == []
    assert operator.store.rejection(rejection_id).fate is Fate.DROPPED


# --- seeing ------------------------------------------------------------------------------------


def test_a_timeline_is_in_the_order_of_what_happened(operator: Operator) -> None:
    for entry in (
        update("DELIVERED", 2, "late", recorded=3),
        update("IN_TRANSIT", 1, "early", eta=5, location="Chicago", carrier="UPS", reason="R1"),
        update("LOST", 2, "late"),
    ):
        operator.store.append([entry])
    tracked = operator.track(SHIPMENT)
    assert (tracked["leg"], tracked["conflicts"]) == (1, 1)
    assert [u["eventId"] for u in tracked["updates"]] == ["early", "late", "late"]
    assert tracked["updates"][0] == {
        "eventId": "early",
        "sender": "logistics.shipments",
        "status": "IN_TRANSIT",
        "statusWord": "IN_TRANSIT",
        "statusCode": None,
        "reasonCode": "R1",
        "eventTime": "2026-03-02T13:00:00.000Z",
        "recordTime": "2026-03-02T13:00:00.000Z",
        "zone": "Z",
        "location": "Chicago",
        "carrier": "UPS",
        "eta": "2026-03-02T17:00:00.000Z",
        "description": None,
        "counts": True,
    }
    assert sorted(u["counts"] for u in tracked["updates"]) == [False, True, True]


def test_all_shipments_are_derived_from_the_log(operator: Operator) -> None:
    operator.put({"shipmentId": "B", "status": "IN_TRANSIT"}, "")
    operator.put({"shipmentId": "A", "status": "XB"}, "")
    operator.map_code(None, "XB", Status.LOST)
    derived = list(derive(operator.store, operator.thresholds))
    assert [(s.shipment_id, s.conditions) for s in derived] == [("A", (Status.LOST,)), ("B", ())]
    judged = derive(operator.store, operator.thresholds, NOON + 2 * DAY)
    assert [s.conditions for s in judged] == [(Status.LOST, Status.STALLED), (Status.STALLED,)]
