from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.bus import Bus
from waypost.simulate.journeys import Detail
from waypost.simulate.sender import ATTEMPTS, Counts, SendFailed, events_client, send


class Client:
    """Refuses each shipment as often as it is told to."""

    def __init__(self, refusals: dict[str, int] | None = None) -> None:
        self.refusals = refusals or {}
        self.calls: list[list[str]] = []

    def put_events(self, *, Entries: Sequence[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 (boto3's own spelling)
        details = [json.loads(entry["Detail"]) for entry in Entries]
        self.calls.append([d["shipmentId"] for d in details])
        answers = [self._answer(d["shipmentId"]) for d in details]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def _answer(self, shipment_id: str) -> dict[str, str]:
        left = self.refusals.get(shipment_id, 0)
        self.refusals[shipment_id] = left - 1
        if left > 0:
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        return {"EventId": "1"}


def details(number: int) -> list[Detail]:
    return [{"shipmentId": f"S{i}", "status": "IN_TRANSIT"} for i in range(number)]


def test_what_is_refused_at_every_attempt_is_raised_and_nothing_follows() -> None:
    client = Client({"S3": 99, "S7": 99})
    waits: list[float] = []

    with pytest.raises(SendFailed, match="refused 2 updates 5 times: ThrottlingException") as error:
        send(details(25), client, wait=waits.append)

    assert [d["shipmentId"] for d in error.value.failed] == ["S3", "S7"]
    assert error.value.counts == Counts(sent=8, retried=8)
    assert client.calls == [[f"S{i}" for i in range(10)]] + [["S3", "S7"]] * (ATTEMPTS - 1)
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8])


def test_only_what_is_refused_is_sent_again() -> None:
    client = Client({"S3": 2, "S12": ATTEMPTS - 1})
    taken: list[int] = []

    counts = send(details(14), client, wait=lambda _: None, on_batch=taken.append)

    assert counts == Counts(sent=14, retried=2 + ATTEMPTS - 1)
    assert client.calls[1:3] == [["S3"], ["S3"]]
    assert taken == [10, 4]


def test_nothing_to_send_makes_no_call() -> None:
    client = Client()

    assert send([], client) == Counts()
    assert client.calls == []


def test_a_bus_that_is_not_there_is_one_clear_error() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"

        with pytest.raises(SendFailed, match="did not take the call: Could not connect") as error:
            send(details(1), events_client(url))

    assert error.value.failed == ({"shipmentId": "S0", "status": "IN_TRANSIT"},)


def test_the_client_speaks_the_real_wire_unsigned_without_a_key(bus: Bus) -> None:
    assert send(details(12), events_client(bus.url)).sent == 12
    assert bus.details == details(12)
    assert bus.authorizations == [None, None]


def test_the_client_signs_with_a_key(bus: Bus) -> None:
    send(details(1), events_client(bus.url, "AKIDEXAMPLE", "not-a-secret", "eu-west-1"))

    assert "Credential=AKIDEXAMPLE/" in str(bus.authorizations[0])
    assert "/eu-west-1/events/" in str(bus.authorizations[0])
