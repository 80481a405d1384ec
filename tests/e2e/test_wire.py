"""The wire with real clients: boto3 and the AWS CLI, over HTTP, into a real file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import httpx2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.support.serving import Site, entry, serving
from waypost.clock import SystemClock
from waypost.core.errors import StoreUnavailable
from waypost.core.updates import ShipmentUpdate
from waypost.ports import Metric
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from waypost.core.entries import Entry
    from waypost.ports import LocalStore, Outcome

KEYS = {"AKIDEXAMPLE": "a secret of nobody"}


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalStore]:
    store: LocalStore = (
        MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "waypost.db")
    )
    yield store
    store.close()


@pytest.fixture
def site(store: LocalStore) -> Iterator[Site]:
    with serving(store, clock=SystemClock()) as site:
        yield site


@pytest.fixture
def signed_site() -> Iterator[Site]:
    with serving(MemoryStore(), clock=SystemClock(), access_keys=KEYS) as site:
        yield site


ANY = ("any", "any")
"""An access key and its secret, where nobody looks."""


def client(site: Site, keys: tuple[str, str] = ANY, *, attempts: int = 1) -> Any:
    return boto3.client(
        "events",
        region_name="eu-west-1",
        endpoint_url=site.url,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def aws(site: Site, *arguments: str, keys: tuple[str, str] = ANY) -> Any:
    """Run the AWS CLI; return its answer, or what it wrote to stderr if it failed."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": keys[0],
        "AWS_SECRET_ACCESS_KEY": keys[1],
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    done = subprocess.run(
        [sys.executable, "-m", "awscli", "events", *arguments, "--endpoint-url", site.url],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stderr if done.returncode else json.loads(done.stdout)


# --- What real clients see of errors


def test_boto3_sees_eleven_entries_as_a_validation_exception(site: Site) -> None:
    with pytest.raises(ClientError, match="less than or equal to 10") as error:
        client(site).put_events(Entries=[entry()] * 11)
    assert code(error) == ("ValidationException", 400)


def test_boto3_sees_a_call_over_one_megabyte_as_a_validation_exception(site: Site) -> None:
    with pytest.raises(ClientError, match="over the limit") as error:
        client(site).put_events(Entries=[entry(note="x" * 525_000)] * 2)
    assert code(error) == ("ValidationException", 400)
    assert client(site).put_events(Entries=[entry(note="\n" * 520_000)])["FailedEntryCount"] == 0


def test_boto3_sees_another_operation_as_unknown(site: Site) -> None:
    with pytest.raises(ClientError) as error:
        client(site).list_rules()
    assert code(error) == ("UnknownOperationException", 400)


def test_boto3_sees_per_entry_errors_in_their_places(site: Site, store: LocalStore) -> None:
    answer = client(site).put_events(
        Entries=[
            {"DetailType": "x", "Detail": "{}"},
            entry("SHIP-1"),
            entry() | {"Detail": "[1]"},
            entry() | {"EventBusName": "another"},
        ]
    )
    assert answer["FailedEntryCount"] == 2
    assert [result.get("ErrorCode") for result in answer["Entries"]] == [
        "InvalidArgument",
        None,
        "MalformedDetail",
        None,
    ]
    assert answer["ResponseMetadata"]["RequestId"]
    assert len(list(store.entries())) == 1
    assert site.metrics.value(Metric.UNROUTED) == 1


@pytest.mark.parametrize(
    "detail",
    [
        "{}",
        '{"shipmentId": 1, "status": null}',
        '{"shipmentId": "\\u0000", "status": "LOST"}',
        '{"shipmentId": "S", "status": "LOST", "location": ' + "[" * 990 + "]" * 990 + "}",
        '{"shipmentId": "S", "status": "LOST", "eta": ' + "9" * 300 + "}",
        '{"shipmentId": "' + "x" * 1_000_000 + '", "status": "LOST"}',
    ],
    ids=["empty", "types", "control", "deep", "huge", "long"],
)
def test_what_is_no_update_is_accepted_and_quarantined(
    site: Site, store: LocalStore, detail: str
) -> None:
    answer = client(site).put_events(Entries=[entry() | {"Detail": detail}])
    assert answer["FailedEntryCount"] == 0
    assert [rejection.raw for rejection in store.rejected()] == [detail]


@pytest.mark.parametrize(
    "when", [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)]
)
def test_a_time_out_of_bounds_is_quarantined(site: Site, store: LocalStore, when: datetime) -> None:
    answer = client(site).put_events(Entries=[entry() | {"Time": when}])
    assert answer["FailedEntryCount"] == 0
    assert len(store.rejected()) == 1


def test_boto3_tries_again_while_the_store_is_down() -> None:
    class Recovering(MemoryStore):
        failures = 1

        def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailable("the disk is full")
            return super().append(entries, quiet=quiet)

    store = Recovering()
    with serving(store, clock=SystemClock()) as site:
        answer = client(site, attempts=2).put_events(Entries=[entry()])
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert len(store.history("SHIP-1")) == 1


# --- What real clients send arrives


def test_boto3_puts_events(site: Site, store: LocalStore) -> None:
    when = datetime.now(UTC).replace(microsecond=654_321) - timedelta(hours=1)
    answer = client(site).put_events(
        Entries=[
            entry("SHIP-1", "PICKED_UP") | {"Time": when},
            entry("SHIP-1", "LOST", eventId="e-1", occurredAt="2026-01-02T03:04:05+01:00"),
        ]
    )
    assert answer["FailedEntryCount"] == 0
    first, second = sorted(store.history("SHIP-1"), key=lambda e: e.event_time, reverse=True)
    assert first.event_id == answer["Entries"][0]["EventId"]
    assert first.event_time == int(when.timestamp()) * 1000
    assert isinstance(second, ShipmentUpdate)
    assert (second.event_id, second.zone) == ("e-1", "+01:00")


def test_the_aws_cli_puts_events(site: Site, store: LocalStore) -> None:
    sent = entry("SHIP-12345", "IN_TRANSIT") | {"Time": datetime.now(UTC).isoformat()}
    answer = aws(site, "put-events", "--entries", json.dumps([sent]))
    assert answer["FailedEntryCount"] == 0
    [recorded] = store.history("SHIP-12345")
    assert recorded.event_id == answer["Entries"][0]["EventId"]


def test_the_aws_cli_shows_an_error_by_its_name(site: Site) -> None:
    assert "UnknownOperationException" in aws(site, "list-rules")


def test_many_clients_at_once_lose_nothing_and_share_commits() -> None:
    class Counting(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []

        def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
            self.sizes.append(len(entries))
            assert gate.wait(60)
            return super().append(entries, quiet=quiet)

    gate = threading.Event()
    store = Counting()
    with serving(store, clock=SystemClock()) as site, ThreadPoolExecutor(50) as pool:
        clients = [client(site) for _ in range(50)]
        calls = [
            pool.submit(one.put_events, Entries=[entry(f"S-{n}-{i}") for i in range(10)])
            for n, one in enumerate(clients)
        ]
        writer = site.server._app._writer
        while sum(store.sizes) + writer._waiting < 500:
            assert not any(call.done() for call in calls), "answered before the commit"
            time.sleep(0.01)
        gate.set()
        assert sum(call.result()["FailedEntryCount"] for call in calls) == 0
    assert len(list(store.entries())) == 500
    assert len(store.sizes) <= 2


# --- Signatures


def test_the_right_key_is_accepted_from_boto3_and_the_aws_cli(signed_site: Site) -> None:
    [keys] = KEYS.items()
    assert client(signed_site, keys).put_events(Entries=[entry()])["FailedEntryCount"] == 0
    answer = aws(signed_site, "put-events", "--entries", json.dumps([entry()]), keys=keys)
    assert answer["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("AKIDOTHER", "a secret of nobody"), "UnrecognizedClientException"),
        (("AKIDEXAMPLE", "wrong"), "InvalidSignatureException"),
    ],
)
def test_the_wrong_key_is_refused_by_name(
    signed_site: Site, keys: tuple[str, str], expected: str
) -> None:
    with pytest.raises(ClientError) as error:
        client(signed_site, keys).put_events(Entries=[entry()])
    assert code(error) == (expected, 403)
    put = ("put-events", "--entries", json.dumps([entry()]))
    assert expected in aws(signed_site, *put, keys=keys)
    assert signed_site.metrics.value(Metric.REFUSED, expected) == 2


def test_without_a_signature_only_health_and_metrics_answer(signed_site: Site) -> None:
    for path in ("/", "/api/put", "/api/rederive", "/nothing"):
        assert httpx2.post(signed_site.url + path).status_code == 403
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx2.get(signed_site.url + path).status_code == 200


@pytest.mark.parametrize(("service", "status"), [("execute-api", 200), ("events", 403)])
def test_an_operators_call_is_signed_for_execute_api(
    signed_site: Site, service: str, status: int
) -> None:
    body = json.dumps({"detail": {"shipmentId": "S", "status": "LOST"}}).encode()
    request = AWSRequest(method="POST", url=f"{signed_site.url}/api/put", data=body)
    [(key, secret)] = KEYS.items()
    SigV4Auth(Credentials(key, secret), service, "eu-west-1").add_auth(request)
    response = httpx2.post(request.url, content=body, headers=dict(request.headers))
    assert response.status_code == status
