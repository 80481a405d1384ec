"""The outbox in memory: the ledger of alerts, the messages made of them, their deliveries."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from waypost.core.errors import NotFound
from waypost.core.incidents import Alert, alert_json
from waypost.core.times import format_time
from waypost.ports import LONGEST_PAUSE, AlertKind, Delivery, DeliveryState, Message, Pending

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True)
class _Noted:
    number: int
    kind: AlertKind
    key: str | None
    created_at: int
    counts: Mapping[str, int]
    body: dict[str, Any]
    message_id: str | None = None

    def json(self) -> dict[str, Any]:
        return plain(
            {
                "alertId": self.number,
                "kind": self.kind,
                "createdAt": format_time(self.created_at),
                **self.body,
            }
        )


class MemoryOutbox:
    """The half of the store in memory that alerts people."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.RLock()
        self._alerts: list[_Noted] = []
        self._alert_keys: set[str] = set()
        self._messages: dict[str, Message] = {}
        self._deliveries: dict[tuple[str, str], Delivery] = {}

    def _add_alert(self, alert: Alert, now: int) -> None:
        if alert.key not in self._alert_keys:
            self._alert_keys.add(alert.key)
            counts = {alert.condition.value: 1}
            self._note(AlertKind.INCIDENT, alert.key, now, counts, alert_json(alert))

    def _add_rejected(self, counts: Mapping[str, int], now: int) -> None:
        if counts:
            self._note(AlertKind.REJECTED, None, now, counts, {"counts": dict(counts)})

    def _note(
        self,
        kind: AlertKind,
        key: str | None,
        now: int,
        counts: Mapping[str, int],
        body: dict[str, Any],
    ) -> None:
        self._alerts.append(_Noted(len(self._alerts) + 1, kind, key, now, counts, body))

    def pending(self, kind: AlertKind, first: int) -> Pending | None:
        with self._lock:
            waiting = [a for a in self._alerts if a.message_id is None and a.kind is kind]
            made = [m.created_at for m in self._messages.values() if m.kind is kind]
        if not waiting:
            return None
        counts: Counter[str] = Counter()
        for alert in waiting:
            counts.update(alert.counts)
        return Pending(
            kind=kind,
            last=waiting[-1].number,
            counts=dict(counts),
            first=tuple(a.json() for a in waiting[:first]),
            last_message_at=max(made, default=None),
        )

    def post(self, message: Message, last: int, notifiers: Sequence[str]) -> None:
        with self._lock:
            self._messages.setdefault(message.message_id, message)
            for alert in self._alerts[:last]:
                if alert.kind is message.kind and alert.message_id is None:
                    alert.message_id = message.message_id
            for name in notifiers:
                delivery = Delivery(
                    message=message,
                    notifier=name,
                    state=DeliveryState.WAITING,
                    attempts=0,
                    not_before=0,
                    error=None,
                )
                self._deliveries.setdefault((message.message_id, name), delivery)

    def deliveries(self, notifier: str, now: int, limit: int) -> list[Delivery]:
        with self._lock:
            found = [d for d in self._deliveries.values() if d.notifier == notifier]
        waiting = [
            d
            for d in found
            if d.state is DeliveryState.WAITING and not now < d.not_before <= now + LONGEST_PAUSE
        ]
        return waiting[:limit]

    def delivered(
        self,
        message_id: str,
        notifier: str,
        state: DeliveryState,
        *,
        not_before: int = 0,
        error: str | None = None,
    ) -> None:
        key = (message_id, notifier)
        with self._lock:
            if key not in self._deliveries:
                raise NotFound(f"no message {message_id} for {notifier}")
            before = self._deliveries[key]
            self._deliveries[key] = replace(
                before,
                state=state,
                attempts=before.attempts + 1,
                not_before=not_before,
                error=error,
            )

    def alerts(
        self, state: DeliveryState | None = None, after: int = 0, limit: int = 100
    ) -> list[dict[str, Any]]:
        with self._lock:
            found: list[dict[str, Any]] = []
            for alert in self._alerts[after:]:
                sendings = [d for (i, _), d in self._deliveries.items() if i == alert.message_id]
                if state is None or any(d.state is state for d in sendings):
                    found.append(
                        {
                            **alert.json(),
                            "messageId": alert.message_id,
                            "deliveries": [_delivery_json(d) for d in sendings],
                        }
                    )
            return found[:limit]

    def resend(self, message_id: str) -> int:
        with self._lock:
            if message_id not in self._messages:
                raise NotFound(f"no message {message_id}")
            dead = [
                (key, d)
                for key, d in self._deliveries.items()
                if key[0] == message_id and d.state is DeliveryState.DEAD
            ]
            for key, delivery in dead:
                self._deliveries[key] = replace(
                    delivery, state=DeliveryState.WAITING, attempts=0, not_before=0
                )
            return len(dead)


def plain(value: dict[str, Any]) -> dict[str, Any]:
    """Return what comes out where a value goes in as JSON."""
    plain: dict[str, Any] = json.loads(json.dumps(value))
    return plain


def _delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "notifier": delivery.notifier,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "error": delivery.error,
    }
