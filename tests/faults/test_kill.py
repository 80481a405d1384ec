"""kill -9 of the real server under load: what was acknowledged is there once, and alerted."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.support.processes import ServerProcess, rows
from waypost.core.times import format_time
from waypost.operate import DETAIL_TYPE, SOURCE

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 20
TROUBLE = ("IN_TRANSIT", "DELAYED", "OUT_FOR_DELIVERY", "LOST", "DAMAGED", "EXCEPTION")


class Producer(threading.Thread):
    """Sends the whole story of one shipment after another; what got no answer is sent again."""

    def __init__(self, number: int) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.address = ""
        self.stopping = threading.Event()
        self.acknowledged: list[tuple[str, str]] = []
        self.unanswered = 0
        self._clients: dict[str, Any] = {}

    def run(self) -> None:
        rng = random.Random(self.number)
        for batch in count():
            shipment_id = f"SHIP-{self.number}-{batch}"
            entries, ids = story(shipment_id, rng)
            while not self._send(entries):
                if self.stopping.is_set():
                    return
                self.unanswered += 1
                time.sleep(0.05)
            self.acknowledged += ids
            if self.stopping.is_set():
                return

    def _send(self, entries: list[dict[str, str]]) -> bool:
        if self.address not in self._clients:
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
            self._clients[self.address] = boto3.client(
                "events",
                endpoint_url=self.address,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=config,
            )
        try:
            answer = self._clients[self.address].put_events(Entries=entries)
        except (BotoCoreError, ClientError):
            return False
        return bool(answer["FailedEntryCount"] == 0)


def story(
    shipment_id: str, rng: random.Random
) -> tuple[list[dict[str, str]], list[tuple[str, str]]]:
    """Return the entries of a shipment that is picked up and then meets trouble, and their ids."""
    statuses = ["PICKED_UP", *rng.choices(TROUBLE, k=4)]
    began = int(time.time() * 1_000) - 3_600_000
    details = [
        {
            "shipmentId": shipment_id,
            "eventId": f"e-{step}",
            "status": status,
            "occurredAt": format_time(began + step * 60_000),
        }
        for step, status in enumerate(statuses)
    ]
    rng.shuffle(details)
    entries = [
        {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
        for detail in details
    ]
    return entries, [(shipment_id, detail["eventId"]) for detail in details]


@pytest.mark.timeout(300)
def test_twenty_kills_under_load_lose_nothing_double_nothing_and_alert_everything(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    data = tmp_path / "data"
    server = ServerProcess(data, {"WAYPOST_ALERT_WINDOW": "0.2", "WAYPOST_TERMINAL": "on"})
    rng = random.Random(7)
    producers = [Producer(number) for number in range(2)]
    address = server.start()
    request.addfinalizer(server.leave_nothing)
    server.port = int(address.rpartition(":")[2])
    for producer in producers:
        producer.address = address
        producer.start()
    for _ in range(KILLS):
        time.sleep(0.2 + rng.random() * 0.6)
        server.kill()
        server.start()
    time.sleep(0.5)
    for producer in producers:
        producer.stopping.set()
        producer.join(30)
    deadline = time.monotonic() + 60
    while rows(data, "doctor", "--json")[0]["behind"] and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(1)
    server.stop()

    acknowledged = [ids for producer in producers for ids in producer.acknowledged]
    assert len(acknowledged) > 500
    assert sum(producer.unanswered for producer in producers) > 0, "no kill fell under load"
    recorded = Counter((e["shipmentId"], e["eventId"]) for e in rows(data, "export", "updates"))
    assert [ids for ids in acknowledged if recorded[ids] != 1] == []
    assert [ids for ids, times in recorded.items() if times != 1] == []
    ledger = rows(data, "alerts", "--json")
    alerted = {(alert["shipmentId"], alert["condition"]) for alert in ledger}
    silent = [
        incident
        for incident in rows(data, "incidents", "--json")
        if (incident["state"] == "open" or incident["condition"] in {"LOST", "DAMAGED"})
        and (incident["shipmentId"], incident["condition"]) not in alerted
    ]
    assert silent == []
    assert {d["state"] for a in ledger for d in a["deliveries"]} == {"sent"}
