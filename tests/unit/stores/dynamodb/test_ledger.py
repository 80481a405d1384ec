"""The ledger of alerts in DynamoDB: what was sent, how much of it is kept, how it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.clocks import NOON
from tests.support.stores import decided, update
from tests.support.tables import new_store
from waypost.core.errors import StoreUnusable
from waypost.core.shipments import fold
from waypost.core.statuses import Status
from waypost.core.times import format_time
from waypost.ports import Save, Sent
from waypost.stores.dynamodb.ledger import KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waypost.stores.dynamodb import DynamoStore

SENT = Sent("message-1", "sns", NOON + 5)


class Counting:
    """A client that notes which operations were called."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []

    def __getattr__(self, operation: str) -> Any:
        self.calls.append(operation)
        return getattr(self._client, operation)


def saved(shipment_id: str = "A", version: int = 0, sent: Sent | None = SENT, *keys: str) -> Save:
    """Return a save with an alert of each key."""
    save = decided(fold(shipment_id, [update(shipment_id, status=Status.LOST)]), version=version)
    [alert] = save.alerts
    alerts = tuple(replace(alert, opened_by=(alert.opened_by[0], key)) for key in keys)
    return replace(save, alerts=alerts or (alert,), sent=sent)


def store_table(client: Any) -> str:
    """Return the name of the one table of shipments."""
    [name] = (n for n in client.list_tables()["TableNames"] if n.startswith("shipment-state-"))
    return str(name)


def keys(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["eventId"] for row in rows]


def test_a_listing_that_would_look_through_too_much_is_an_error_and_never_short(
    client: Any,
) -> None:
    store = new_store(client, read_limit=2)
    store.save([saved("A"), saved("B")])
    assert len(store.alerts()) == 2
    store.save([replace(saved("C"), alerts=())])
    with pytest.raises(StoreUnusable, match="the alerts of one shipment"):
        store.alerts()
    assert len(store.alerts(shipment_id="A")) == 1


def test_beyond_the_bound_the_newest_alerts_are_kept_and_the_others_counted(client: Any) -> None:
    store = new_store(client)
    ids = [f"e{number:03}" for number in range(KEPT + 5)]
    table = store_table(client)
    store.save([saved("A", 0, SENT, *ids[:KEPT])])
    assert len(store.alerts(limit=1_000)) == KEPT
    store.save([saved("A", 1, SENT, *ids[KEPT : KEPT + 3])])
    store.save([saved("A", 2, SENT, *ids[KEPT + 3 :])])
    assert sorted(keys(store.alerts(limit=1_000))) == ids[5:]
    store.save([replace(saved("A", 3), alerts=())])
    [item] = client.scan(TableName=table)["Items"]
    assert item["alertsDropped"] == {"N": "5"}


def test_an_alert_says_in_which_message_it_was_sent_and_when(store: DynamoStore) -> None:
    store.save([saved()])
    [row] = store.alerts()
    assert row["createdAt"] == format_time(SENT.at)
    assert row["messageId"] == "message-1"
    assert row["deliveries"] == [{"notifier": "sns", "state": "sent", "attempts": 1, "error": None}]


def test_what_two_runs_sent_at_once_is_in_the_ledger_once(store: DynamoStore) -> None:
    store.save([saved()])
    noted = store.alerts()
    store.save([saved(version=1, sent=Sent("message-2", "sns", NOON + 9))])
    assert store.alerts() == noted


def test_an_alert_keeps_its_id_when_others_join_it(store: DynamoStore) -> None:
    store.save([saved("A", 0, SENT, "e1")])
    [first] = store.alerts()
    store.save([saved("A", 1, Sent("message-2", "sns", NOON + 9), "e0")])
    store.save([saved("B", 0, replace(SENT, at=NOON + 1), "e0")])
    rows = store.alerts()
    assert [(row["shipmentId"], row["eventId"]) for row in rows] == [
        ("B", "e0"),
        ("A", "e1"),
        ("A", "e0"),
    ]
    assert rows[1] == first


def test_the_alerts_of_one_shipment_are_one_read(client: Any) -> None:
    counting = Counting(client)
    store = new_store(counting)
    store.save([saved("A", 0, SENT, "e1", "e2")])
    store.save([saved("B", 0, SENT, "e3")])
    counting.calls.clear()
    first, second = store.alerts(shipment_id="A")
    assert {first["eventId"], second["eventId"]} == {"e1", "e2"}
    assert store.alerts(first["alertId"], shipment_id="A") == [second]
    assert store.alerts(shipment_id="nobody") == []
    assert counting.calls == ["batch_get_item"] * 3


def test_the_ledger_costs_no_write_and_without_alerts_no_read(client: Any) -> None:
    counting = Counting(client)
    store = new_store(counting)
    counting.calls.clear()
    store.save([saved()])
    assert counting.calls == ["batch_get_item", "update_item"]
    counting.calls.clear()
    store.save([replace(saved(version=1), alerts=())])
    assert counting.calls == ["update_item"]
