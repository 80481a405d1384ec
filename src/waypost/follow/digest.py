"""Turning alerts into messages: one at once after quiet, then a digest a window."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from waypost.core.statuses import CONDITIONS
from waypost.ports import AlertKind, Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from waypost.ports import Clock, LocalStore

LISTED: Final = 50
"""So many alerts a message lists; its counts are of all."""
SUBJECT_LIMIT: Final = 99
"""SNS takes a subject of less than 100 characters (its API reference, Publish)."""

_WORDS: Final = {condition.value: condition.words for condition in CONDITIONS}
_RANK: Final = {condition.value: rank for rank, condition in enumerate(CONDITIONS)}


class Digester:
    """Makes messages of the alerts in the outbox, at most one of a kind a window."""

    def __init__(
        self,
        store: LocalStore,
        *,
        clock: Clock,
        notifiers: Sequence[str],
        window: int,
        environment: str,
    ) -> None:
        """Make messages for the notifiers of these names, one a ``window`` (ms) and kind."""
        self._store = store
        self._clock = clock
        self._notifiers = tuple(notifiers)
        self._window = window
        self._environment = environment
        self._last: dict[AlertKind, int] = {}

    def may_post(self, kind: AlertKind) -> bool:
        """Tell whether the window of that kind has drained: no message was made within it.

        A clock that was set back counts as drained: better a message early than none.
        """
        last = self._last.get(kind)
        return last is None or not 0 <= self._clock.now() - last < self._window

    def post(self, kind: AlertKind) -> Message | None:
        """Make a message of all pending alerts of a kind, if there are any and the window allows.

        Raises:
            StoreUnavailable: no message was made; a later call does it again.
        """
        if not self.may_post(kind):
            return None
        pending = self._store.pending(kind, LISTED)
        if pending is None:
            return None
        if pending.last_message_at is not None:
            self._last[kind] = pending.last_message_at
            if not self.may_post(kind):
                return None
        now = self._clock.now()
        message = compose(
            kind,
            pending.counts,
            pending.first,
            message_id=self._clock.new_id(),
            now=now,
            environment=self._environment,
        )
        self._store.post(message, pending.last, self._notifiers)
        self._last[kind] = now
        return message


def compose(
    kind: AlertKind,
    counts: Mapping[str, int],
    first: Sequence[dict[str, Any]],
    *,
    message_id: str,
    now: int,
    environment: str,
) -> Message:
    """Return the message that stands for some alerts. It never holds a payload.

    Args:
        kind: of all of them.
        counts: how many, by condition, or by the problem for rejected events; never cut.
        first: the JSON of those that are listed, at most `LISTED`.
        message_id: a UUID.
        now: epoch ms.
        environment: what the people who read it call this installation.
    """
    write = _incidents if kind is AlertKind.INCIDENT else _rejections
    subject, lines = write(counts, first, environment)
    return Message(
        message_id=message_id,
        created_at=now,
        kind=kind,
        subject=safe_subject(subject),
        text="\n".join(lines) + "\n",
        counts=counts,
        alerts=tuple(first),
    )


def safe_subject(text: str) -> str:
    """Return a text as a subject that every channel takes: printable ASCII, under 100 characters."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return plain if len(plain) <= SUBJECT_LIMIT else plain[: SUBJECT_LIMIT - 3] + "..."


def _incidents(
    counts: Mapping[str, int], first: Sequence[dict[str, Any]], environment: str
) -> tuple[str, list[str]]:
    total = sum(counts.values())
    if total == 1:
        [alert] = first
        subject = f"Logistics Alert: {alert['condition']} - {alert['shipmentId']}"
        return subject, _alert_lines(alert, environment)
    counted = _counted(counts)
    lines = [f"{total:,} shipments need attention in {environment}: {counted}.", ""]
    for alert in first:
        lines += [_line(alert)]
    if total > len(first):
        lines += ["", f"... and {total - len(first):,} more."]
    lines += ["", "All of them: waypost incidents --open"]
    return f"Logistics Alert: {total:,} incidents - {counted}", lines


def _counted(counts: Mapping[str, int]) -> str:
    worst_first = sorted(counts.items(), key=lambda item: _RANK.get(item[0], len(_RANK)))
    return ", ".join(f"{count:,} {name}" for name, count in worst_first)


def _alert_lines(alert: Mapping[str, Any], environment: str) -> list[str]:
    facts = [
        ("Shipment", alert["shipmentId"]),
        ("Condition", _named(alert["condition"])),
        ("Since", alert["openedAt"]),
        ("Over since", alert["resolvedAt"]),
        ("Where", alert["location"]),
        ("Carrier", alert["carrier"]),
        ("Reason code", alert["reasonCode"]),
        ("Environment", environment),
    ]
    lines = [f"{name + ':':<13}{value}" for name, value in facts if value is not None]
    return [*lines, "", f"Look at it: waypost track {shlex.quote(alert['shipmentId'])}"]


def _named(condition: str) -> str:
    """Return a condition with its meaning, where this version knows it: a newer one may have alerted."""
    return f"{condition}: {_WORDS[condition]}" if condition in _WORDS else condition


def _line(alert: Mapping[str, Any]) -> str:
    over = f", over since {alert['resolvedAt']}" if alert["resolvedAt"] else ""
    where = f", {alert['location']}" if alert["location"] else ""
    carrier = f", {alert['carrier']}" if alert["carrier"] else ""
    return (
        f"{alert['condition']:<10} {alert['shipmentId']}  "
        f"since {alert['openedAt']}{over}{where}{carrier}"
    )


def _rejections(
    counts: Mapping[str, int], _: Sequence[dict[str, Any]], environment: str
) -> tuple[str, list[str]]:
    total = sum(counts.values())
    what = "1 update was" if total == 1 else f"{total:,} updates were"
    lines = [
        f"{what} rejected in {environment} and kept in quarantine, by first reason:",
        "",
    ]
    worst = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines += [f"{count:>9,}  {reason}" for reason, count in worst[:LISTED]]
    if len(worst) > LISTED:
        lines += [f"           and {len(worst) - LISTED:,} more reasons"]
    lines += ["", "Look at them: waypost rejected list"]
    return f"Logistics Processing Error - {environment}: {total:,} rejected", lines
