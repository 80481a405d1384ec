"""What is served beside PutEvents, and the one shape of its errors."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.support.clocks import FakeClock
from tests.support.serving import make_services
from waypost.core.errors import StoreUnavailable
from waypost.metrics.memory import MemoryMetrics
from waypost.ports import Fate, Metric
from waypost.server import App, api
from waypost.server.commit import Writer
from waypost.server.refusals import Reason
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx2 import Response

LOST = {"shipmentId": "SHIP-1", "status": "LOST", "eventId": "e-1"}


class Server:
    """An application without a socket, and what stands behind it."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.metrics = MemoryMetrics()
        self.health: list[str] = []
        self.woken = 0
        self.app = App(
            make_services(
                self.store,
                clock=self.clock,
                metrics=self.metrics,
                wake=self._wake,
                health=lambda: self.health,
            )
        )
        self.client = TestClient(self.app, base_url="http://127.0.0.1:8377")

    def _wake(self) -> None:
        self.woken += 1

    def post(self, path: str, **call: Any) -> Response:
        return self.client.post(path, json=call)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.app.close()


def check_error(response: Response, status: int) -> list[str]:
    """Hold an answer to the one shape of errors; return the paths of its problems."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "problems"}
    assert body["error"]["message"]
    for problem in body["error"]["problems"]:
        assert set(problem) == {"path", "message"}
    return [problem["path"] for problem in body["error"]["problems"]]


CALLS = [
    "/api/put",
    "/api/import",
    "/api/act",
    "/api/map",
    "/api/retract",
    "/api/rejected/x/replay",
    "/api/rejected/x/drop",
    "/api/messages/x/resend",
    "/api/rederive",
]
RIGHT = {
    "detail": LOST,
    "shipmentId": "SHIP-1",
    "action": "ack",
    "condition": "LOST",
    "code": "X9",
    "status": "LOST",
    "eventId": "e-1",
}
"""Has what any of the calls needs."""
READS_BODY = ["/api/put", "/api/act", "/api/map", "/api/retract"]


@pytest.mark.parametrize("path", CALLS)
def test_each_call_is_a_post(server: Server, path: str) -> None:
    check_error(server.client.get(path), 405)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_each_page_is_a_get(server: Server, path: str) -> None:
    check_error(server.client.post(path), 405)


@pytest.mark.parametrize("path", ["/nothing", "/api", "/api/put/", "/api/rejected//drop"])
def test_there_is_nothing_elsewhere(server: Server, path: str) -> None:
    check_error(server.client.post(path), 404)


def test_the_root_is_for_put_events_alone(server: Server) -> None:
    check_error(server.client.get("/"), 404)


@pytest.mark.parametrize("path", CALLS)
def test_each_call_refuses_a_foreign_page(server: Server, path: str) -> None:
    check_error(server.client.post(path, headers={"Origin": "https://evil.example"}), 403)
    check_error(server.client.post(path, headers={"Host": "evil.example"}), 403)


@pytest.mark.parametrize("path", READS_BODY)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_each_call_says_what_is_wrong_with_its_body(server: Server, path: str, body: bytes) -> None:
    assert check_error(server.client.post(path, content=body), 422) == [""]


@pytest.mark.parametrize("path", READS_BODY)
def test_each_call_has_a_bound(server: Server, path: str) -> None:
    check_error(server.client.post(path, content=b" " * (api.MAX_CALL + 1)), 413)


@pytest.mark.parametrize("path", CALLS)
def test_a_store_that_is_down_is_503_and_nothing_is_acknowledged(
    server: Server, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise StoreUnavailable("the disk is full")

    for name in ("append", "reject", "history", "rejection", "settle", "resend", "refold_all"):
        monkeypatch.setattr(server.store, name, down)
    response = server.client.post(path, json=RIGHT)
    assert check_error(response, 503) == []
    assert "the disk is full" in response.json()["error"]["message"]
    assert server.woken == 0
    assert server.metrics.value(Metric.REFUSED, Reason.UNAVAILABLE.code) == 1


@pytest.mark.parametrize("path", CALLS)
def test_a_bug_is_500_and_says_nothing_of_itself(
    server: Server, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("SECRET")

    monkeypatch.setattr(Writer, "run", broken)
    response = server.client.post(path, json=RIGHT)
    check_error(response, 500)
    assert "SECRET" not in response.text


# --- put


def test_put_without_a_detail_is_refused(server: Server) -> None:
    assert check_error(server.post("/api/put"), 422) == ["detail"]
    assert check_error(server.post("/api/put", detail=None), 422) == ["detail"]


def test_put_of_no_update_is_quarantined_with_its_problems(server: Server) -> None:
    body = server.post("/api/put", detail={"status": 1}).json()
    assert body["outcome"] == "rejected"
    assert [problem["path"] for problem in body["problems"]] == ["shipmentId", "status"]
    assert server.store.rejection(body["rejectionId"]).fate is Fate.OPEN


@pytest.mark.parametrize("number", [10**30, 1e300, -1])
def test_put_takes_any_number(server: Server, number: float) -> None:
    response = server.post("/api/put", detail=LOST | {"unknown": number})
    assert response.json() == {"outcome": "appended"}


def test_put_takes_a_lone_surrogate(server: Server) -> None:
    content = b'{"detail": {"shipmentId": "S", "status": "LOST", "x": "\\ud800"}}'
    assert server.client.post("/api/put", content=content).json() == {"outcome": "appended"}


def test_put_appends_once_and_wakes_the_follower(server: Server) -> None:
    assert server.post("/api/put", detail=LOST).json() == {"outcome": "appended"}
    assert server.post("/api/put", detail=LOST).json() == {"outcome": "duplicate"}
    assert server.woken == 2
    [entry] = server.store.history("SHIP-1")
    assert entry.event_id == "e-1"


# --- import


def test_import_refuses_what_is_no_text(server: Server) -> None:
    assert check_error(server.client.post("/api/import", content=b"\xff\n"), 422) == [""]


def test_import_has_a_bound_of_bytes_and_of_lines(server: Server) -> None:
    check_error(server.client.post("/api/import", content=b" " * (api.MAX_IMPORT + 1)), 413)
    check_error(server.client.post("/api/import", content=b"1\n" * (api.MAX_LINES + 1)), 413)


def test_import_counts_what_became_of_the_lines(server: Server) -> None:
    good = json.dumps(
        LOST | {"occurredAt": "2026-03-02T11:00:00Z", "x": "\u2028"}, ensure_ascii=False
    )
    lines = f"{good}\n\n{good}\nnonsense\r\n  "
    response = server.client.post("/api/import?quiet=1", content=lines.encode())
    assert response.json() == {"appended": 1, "duplicates": 1, "rejected": 1}
    assert len(server.store.changes(10).quiet) == 1


def test_an_import_is_not_quiet_unless_asked(server: Server) -> None:
    line = json.dumps(LOST | {"occurredAt": "2026-03-02T11:00:00Z"})
    server.client.post("/api/import", content=line.encode())
    assert len(server.store.changes(10).quiet) == 0


def test_an_import_holds_alerts_back() -> None:
    held: list[bool] = []
    services = replace(make_services(MemoryStore()), hold=lambda: held.append(True))
    app = App(services)
    try:
        TestClient(app, base_url="http://127.0.0.1").post("/api/import", content=b"{}")
    finally:
        app.close()
    assert held == [True]


# --- acts, mappings, retractions


def test_act_names_all_that_is_wrong(server: Server) -> None:
    paths = check_error(server.post("/api/act", action="x", condition="DELIVERED"), 422)
    assert paths == ["shipmentId", "action", "condition"]
    assert check_error(server.post("/api/act"), 422) == paths


def test_act_on_what_is_not_there_is_404(server: Server) -> None:
    call = {"shipmentId": "NO", "action": "ack", "condition": "LOST"}
    check_error(server.post("/api/act", **call), 404)


def test_act_acts(server: Server) -> None:
    server.post("/api/put", detail=LOST)
    call = {"shipmentId": "SHIP-1", "action": "ACK", "condition": "lost"}
    assert server.post("/api/act", **call).json() == {"outcome": "appended"}
    assert len(server.store.history("SHIP-1")) == 2


def test_map_names_all_that_is_wrong(server: Server) -> None:
    assert check_error(server.post("/api/map", carrier=1, status="STALLED"), 422) == [
        "carrier",
        "code",
        "status",
    ]


@pytest.mark.parametrize("carrier", [None, "UPS"])
def test_map_maps(server: Server, carrier: str | None) -> None:
    response = server.post("/api/map", carrier=carrier, code="X9", status="delivered")
    assert response.json() == {"outcome": "appended"}


def test_retract_names_all_that_is_wrong(server: Server) -> None:
    assert check_error(server.post("/api/retract", reason=1), 422) == [
        "shipmentId",
        "eventId",
        "reason",
    ]


def test_retract_of_what_is_not_there_is_404(server: Server) -> None:
    check_error(server.post("/api/retract", shipmentId="SHIP-1", eventId="e-1"), 404)


def test_retract_retracts(server: Server) -> None:
    server.post("/api/put", detail=LOST)
    response = server.post("/api/retract", shipmentId="SHIP-1", eventId="e-1", reason="wrong")
    assert response.json() == {"outcome": "appended"}


# --- what was rejected, messages, rederive


@pytest.mark.parametrize("path", [path for path in CALLS if "/x/" in path])
def test_what_is_not_there_is_404(server: Server, path: str) -> None:
    check_error(server.client.post(path), 404)


def test_replay_of_what_is_still_wrong_says_so(server: Server) -> None:
    rejection_id = server.post("/api/put", detail={}).json()["rejectionId"]
    body = server.client.post(f"/api/rejected/{rejection_id}/replay").json()
    assert (body["outcome"], body["rejectionId"]) == ("rejected", rejection_id)
    assert server.store.rejection(rejection_id).fate is Fate.OPEN


def test_drop_settles(server: Server) -> None:
    rejection_id = server.post("/api/put", detail={}).json()["rejectionId"]
    response = server.client.post(f"/api/rejected/{rejection_id}/drop")
    assert response.json() == {"outcome": "dropped"}
    assert server.store.rejection(rejection_id).fate is Fate.DROPPED


def test_resend_tells_how_many(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.store, "resend", len)
    assert server.client.post("/api/messages/abc/resend").json() == {"deliveries": 3}


def test_rederive_tells_how_many_shipments_are_folded_anew(server: Server) -> None:
    server.post("/api/put", detail=LOST)
    assert server.client.post("/api/rederive").json() == {"shipments": 1}


# --- health and metrics


def test_not_ready_names_each_reason(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(server.store, "check", full)
    server.health.append("the follower has ended")
    response = server.client.get("/readyz")
    assert check_error(response, 503) == ["background", "store"]
    assert "the disk is full" in response.text
    assert server.client.get("/healthz").status_code == 200
    assert server.metrics.value(Metric.REFUSED, Reason.UNAVAILABLE.code) == 0


def test_not_ready_while_the_store_does_not_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "READY_WITHIN", 0)
    assert check_error(server.client.get("/readyz"), 503) == ["store"]


def test_ready_and_alive(server: Server) -> None:
    assert server.client.get("/readyz").json() == {"status": "ready"}
    assert server.client.get("/healthz").json() == {"status": "ok"}


def test_metrics_are_in_the_text_format(server: Server) -> None:
    response = server.client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.text == "waypost_entries_behind 0\n"
