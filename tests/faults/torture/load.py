"""Real PutEvents clients that keep sending, and remember what they were promised."""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from waypost.core.times import format_time
from waypost.operate import DETAIL_TYPE, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable

TROUBLE: Final = ("IN_TRANSIT", "DELAYED", "OUT_FOR_DELIVERY", "LOST", "DAMAGED", "EXCEPTION")
STEPS: Final = 5
"""Updates of a shipment; all of them are one call."""
READ_TIMEOUT: Final = 5.0

Ref = tuple[str, str]
"""The shipment and the event id of an update."""


def events_client(address: str, *, read_timeout: float = READ_TIMEOUT) -> Any:
    """Return a real PutEvents client that tries once, so that every failure is seen."""
    return boto3.client(
        "events",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=read_timeout
        ),
    )


def put_entry(detail: dict[str, Any]) -> dict[str, str]:
    return {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}


def story(shipment_id: str, rng: random.Random, padding: int) -> list[dict[str, Any]]:
    """Return the details of a shipment that is picked up and then meets trouble, shuffled."""
    statuses = ["PICKED_UP", *rng.choices(TROUBLE, k=STEPS - 1)]
    began = int(time.time() * 1_000) - 3_600_000
    details: list[dict[str, Any]] = [
        {
            "shipmentId": shipment_id,
            "eventId": f"e-{step}",
            "status": status,
            "occurredAt": format_time(began + step * 60_000),
            "remark": "x" * padding,
        }
        for step, status in enumerate(statuses)
    ]
    rng.shuffle(details)
    return details


class Producer(threading.Thread):
    """Sends the whole story of one shipment after another; what got no answer is sent again.

    It gives up only when it is stopped.
    """

    def __init__(
        self,
        name: str,
        address: str,
        *,
        pause: float = 0,
        padding: int = 0,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()
        self.sent: set[Ref] = set()
        self.acknowledged: list[Ref] = []
        self.envelopes: dict[str, Ref] = {}
        """Which update got which EventId; of those that were answered."""
        self.failures: dict[str, int] = {}
        """Calls that were not acknowledged, by the kind of error."""
        self.slowest = 0.0
        self._pause = pause
        self._padding = padding
        self._rng = random.Random(name)
        self._client = events_client(address, read_timeout=read_timeout)

    def run(self) -> None:
        with closing(self._client):
            self._produce()

    def _produce(self) -> None:
        for number in count():
            details = story(f"{self.name}-{number}", self._rng, self._padding)
            refs = [(detail["shipmentId"], detail["eventId"]) for detail in details]
            entries = [put_entry(detail) for detail in details]
            self.sent |= set(refs)
            while not self._send(entries, refs):
                if self.stopping.wait(0.05):
                    return
            if self.stopping.wait(self._pause):
                return

    def _send(self, entries: list[dict[str, str]], refs: list[Ref]) -> bool:
        began = time.monotonic()
        try:
            answer = self._client.put_events(Entries=entries)
        except ClientError as error:
            self._count(error.response["Error"]["Code"])
            return False
        except BotoCoreError as error:
            self._count(type(error).__name__)
            return False
        if answer["FailedEntryCount"]:
            self._count("FailedEntryCount")
            return False
        self.slowest = max(self.slowest, time.monotonic() - began)
        for result, ref in zip(answer["Entries"], refs, strict=True):
            self.envelopes[result["EventId"]] = ref
        self.acknowledged += refs
        return True

    def _count(self, kind: str) -> None:
        self.failures[kind] = self.failures.get(kind, 0) + 1


class Load:
    """Some producers, and the sum of what they were promised."""

    def __init__(self) -> None:
        self.producers: list[Producer] = []
        self._others: list[Ref] = []

    def start(self, address: str, producers: int = 2, **how: Any) -> None:
        """Start more producers; ``how`` is as for `Producer`."""
        for _ in range(producers):
            self.producers.append(Producer(f"SHIP-{len(self.producers)}", address, **how))
            self.producers[-1].start()

    def note(self, refs: Iterable[Ref]) -> None:
        """Count updates that somebody else sent, and that were acknowledged."""
        self._others += refs

    def abandon(self) -> None:
        """Let all producers end, and wait for none."""
        for producer in self.producers:
            producer.stopping.set()

    def stop(self) -> None:
        """End all producers; an answer that is awaited is awaited still."""
        self.abandon()
        for producer in self.producers:
            producer.join(60)
            assert not producer.is_alive(), f"{producer.name} hangs"

    @property
    def acknowledged(self) -> list[Ref]:
        return self._others + [ref for p in self.producers for ref in p.acknowledged]

    @property
    def sent(self) -> set[Ref]:
        return {*self._others, *(ref for p in self.producers for ref in p.sent)}

    @property
    def envelopes(self) -> dict[str, Ref]:
        return {key: ref for producer in self.producers for key, ref in producer.envelopes.items()}

    @property
    def failures(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for producer in self.producers:
            for kind, times in list(producer.failures.items()):
                total[kind] = total.get(kind, 0) + times
        return total

    def wait_for(self, acknowledged: int, seconds: float = 60) -> None:
        """Wait until so many further updates are acknowledged."""
        wanted = len(self.acknowledged) + acknowledged
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, (
                f"{acknowledged} updates were not acknowledged within {seconds} s: {self.failures}"
            )
            time.sleep(0.01)
