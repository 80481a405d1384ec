"""The hands through the server that has the data folder: its operator's calls, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson
import urllib3

from waypost.bootstrap import open_store
from waypost.cli.exits import CallRefused, ServerUnreachable
from waypost.cli.hands import Rederived, Said, Tally, Watch
from waypost.clock import SystemClock
from waypost.core.entries import Action
from waypost.core.errors import InvalidUpdate, NotFound, Problem
from waypost.core.statuses import Status
from waypost.core.times import DAY

if TYPE_CHECKING:
    from waypost.settings import Settings

_TIMEOUT: Final = urllib3.Timeout(connect=2, read=60)
"""In seconds. The server answers once it has committed, or after its own, shorter limits."""
_SERVICE: Final = "execute-api"
_REGION: Final = "us-east-1"
STUCK: Final = 60.0
"""After so many seconds in which nothing was folded, nobody waits for it any more."""
_PAUSE: Final = 1.0
_NOT_FOUND_SAYS: Final = "Not found: "
_OK, _NOT_FOUND, _UNPROCESSABLE, _SERVER_ERROR = 200, 404, 422, 500


class RemoteHands:
    """Implements `waypost.cli.hands.Hands`. Calls are signed if access keys are configured."""

    def __init__(self, address: str, settings: Settings) -> None:
        """Call the server at ``address``, such as ``http://127.0.0.1:8377``."""
        self._address = address
        self._settings = settings
        self._http = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)

    def put(self, detail: object) -> Said:
        return self._record("/api/put", {"detail": detail})

    def take(self, lines: Sequence[str], *, quiet: bool) -> Tally:
        path = f"/api/import?quiet={int(quiet)}"
        answer = self._call(path, "\n".join(lines).encode())
        return Tally(answer["appended"], answer["duplicates"], answer["rejected"])

    def act(self, shipment_id: str, action: Action, condition: Status) -> Said:
        said = {"shipmentId": shipment_id, "action": action, "condition": condition}
        return self._record("/api/act", said)

    def map_code(self, carrier: str | None, code: str, status: Status) -> Said:
        return self._record("/api/map", {"carrier": carrier, "code": code, "status": status})

    def retract(self, shipment_id: str, event_id: str, reason: str | None) -> Said:
        said = {"shipmentId": shipment_id, "eventId": event_id, "reason": reason}
        return self._record("/api/retract", said)

    def replay(self, rejection_id: str) -> Said:
        return self._record(f"/api/rejected/{quote(rejection_id, safe='')}/replay", {})

    def drop(self, rejection_id: str) -> None:
        self._call(f"/api/rejected/{quote(rejection_id, safe='')}/drop", b"{}")

    def resend(self, message_id: str) -> int:
        answer = self._call(f"/api/messages/{quote(message_id, safe='')}/resend", b"{}")
        return int(answer["deliveries"])

    def rederive(self, watch: Watch) -> Rederived:
        total = int(self._call("/api/rederive", b"{}")["shipments"])
        clock, store = SystemClock(), open_store(self._settings)
        try:
            left, moved_at = total + 1, time.monotonic()
            while True:
                before, left = left, len(store.refolds(clock.now() + DAY, total + 1))
                watch(max(total - left, 0), total)
                if not left:
                    return Rederived(shipments=total, failed=len(store.unfoldable()))
                if left < before:
                    moved_at = time.monotonic()
                elif time.monotonic() - moved_at > STUCK:
                    message = f"the server has {left} shipments to fold, and folds none of them"
                    raise ServerUnreachable(message)
                time.sleep(_PAUSE)
        finally:
            store.close()

    def close(self) -> None:
        self._http.clear()

    def _record(self, path: str, said: Mapping[str, object]) -> Said:
        answer = self._call(path, orjson.dumps(said))
        return Said(
            outcome=answer["outcome"],
            rejection_id=answer.get("rejectionId"),
            problems=_problems(answer),
        )

    def _call(self, path: str, body: bytes) -> Any:
        """Make a call and return what it answered.

        Raises:
            ServerUnreachable: it did not answer, or something went wrong there.
            NotFound, InvalidUpdate, CallRefused: as the server says.
        """
        url = self._address + path
        headers = {"content-type": "application/json"}
        if self._settings.access_keys:
            headers = self._sign(url, headers, body)
        try:
            answer = self._http.request("POST", url, body=body, headers=headers)
            value = answer.json()
            failure = None if answer.status == _OK else _failure(answer.status, value["error"])
        except (urllib3.exceptions.HTTPError, ValueError, LookupError, TypeError) as error:
            message = f"the server at {self._address} does not answer as it should: {error}"
            raise ServerUnreachable(message) from error
        if failure is not None:
            raise failure
        return value

    def _sign(self, url: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        key_id, secret = next(iter(self._settings.access_keys.items()))
        request = AWSRequest("POST", url, headers=headers, data=body)
        region = self._settings.region or _REGION
        SigV4Auth(Credentials(key_id, secret.reveal()), _SERVICE, region).add_auth(request)
        return dict(request.headers.items())


def _failure(status: int, error: Mapping[str, Any]) -> Exception:
    message = error["message"]
    if status == _NOT_FOUND:
        return NotFound(message.removeprefix(_NOT_FOUND_SAYS).removesuffix("."))
    if status == _UNPROCESSABLE:
        return InvalidUpdate(_problems(error))
    if status >= _SERVER_ERROR:
        return ServerUnreachable(f"the server cannot do it now: {message}")
    return CallRefused(f"the server refused: {message}")


def _problems(answer: Mapping[str, Any]) -> tuple[Problem, ...]:
    return tuple(Problem(p["path"], p["message"]) for p in answer.get("problems", ()))
