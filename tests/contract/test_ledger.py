"""What every store promises of its ledger of alerts, whether an outbox sends them or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.support.clocks import NOON
from tests.support.stores import decided, folded, update
from waypost.core.errors import StateConflict
from waypost.core.incidents import alert_json
from waypost.core.shipments import fold
from waypost.core.statuses import Status
from waypost.core.times import format_time
from waypost.ports import IncidentQuery, Store

if TYPE_CHECKING:
    from waypost.ports import Save


class WithLedger(Store, Protocol):
    """A store whose ledger can be read; its alerts' ids are its own."""

    def alerts(self) -> list[dict[str, Any]]:
        """Return the ledger."""


def lost(shipment_id: str = "A", at: int = NOON) -> Save:
    return decided(fold(shipment_id, [update(shipment_id, status=Status.LOST, at=at)]))


def test_a_save_that_conflicts_leaves_the_ledger_as_it_was(store: WithLedger) -> None:
    store.save([lost()])
    noted = store.alerts()
    with pytest.raises(StateConflict):
        store.save([lost()])
    with pytest.raises(StateConflict):
        store.save([lost("B"), lost()])
    assert store.alerts() == noted


def test_an_alert_is_noted_with_its_json(store: WithLedger) -> None:
    said = update("A", status=Status.LOST, location="Łódź", carrier="DHL")
    save = decided(fold("A", [said]))
    store.save([save])
    [row] = store.alerts()
    assert row.pop("alertId")
    assert row == {
        "kind": "incident",
        "createdAt": format_time(NOON),
        **alert_json(save.alerts[0]),
        "messageId": None,
        "deliveries": [],
    }


def test_a_key_is_noted_once_and_stays_as_it_was(store: WithLedger) -> None:
    save = lost()
    store.save([save])
    noted = store.alerts()
    store.save([replace(save, version=1, alerts=(replace(save.alerts[0], carrier="DHL"),))])
    assert store.alerts() == noted


def test_the_same_key_twice_in_one_save_is_noted_once(store: WithLedger) -> None:
    save = lost()
    store.save([replace(save, alerts=save.alerts * 2)])
    assert len(store.alerts()) == 1


def test_keys_with_slashes_are_noted_apart(store: WithLedger) -> None:
    said = [
        update("A/B", "1", Status.LOST, sender="C"),
        update("A", "1", Status.LOST, sender="B/C"),
    ]
    store.append(said)
    store.save([folded(store, "A/B"), folded(store, "A")])
    assert [row["sender"] for row in store.alerts()] in (["C", "B/C"], ["B/C", "C"])


def test_what_was_noted_stays_whatever_becomes_of_the_shipment(store: WithLedger) -> None:
    store.save([lost()])
    noted = store.alerts()
    store.save([decided(fold("A", [update("A")]), version=1)])
    assert store.incidents(IncidentQuery()) == []
    assert store.alerts() == noted


def test_a_shipment_twice_in_one_call_has_the_alerts_of_both(store: WithLedger) -> None:
    damaged = decided(fold("A", [update("A", "e2", Status.DAMAGED, at=NOON + 1)]), version=1)
    store.save([lost(), damaged])
    assert [row["condition"] for row in store.alerts()] == ["LOST", "DAMAGED"]


def test_alerts_come_in_the_order_in_which_they_were_noted_and_in_pages(store: Any) -> None:
    for number in range(5):
        store.save([lost(f"S-{9 - number}", NOON + number)])
    rows = store.alerts()
    assert [row["shipmentId"] for row in rows] == ["S-9", "S-8", "S-7", "S-6", "S-5"]
    assert store.alerts(limit=2) == rows[:2]
    assert store.alerts(after=rows[1]["alertId"], limit=2) == rows[2:4]
    assert store.alerts(after=rows[4]["alertId"]) == []
