"""Incidents, and the decision who must be told: both pure functions of folded state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.core.entries import location_json
from waypost.core.statuses import Kind, Status
from waypost.core.times import format_time

if TYPE_CHECKING:
    from waypost.core.shipments import CodeUse, Episode, Ref, Shipment
    from waypost.core.updates import Location

Told = frozenset[tuple[str, str, str]]
"""What somebody was alerted of: (condition, sender, event id). Beside the log the one thing
about a shipment that cannot be derived; so a condition that only a newer version knows is kept."""

NOBODY_TOLD: Final[Told] = frozenset()

_EVEN_IF_OVER: Final = frozenset({Status.LOST, Status.DAMAGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that went wrong on one leg of one shipment, in one or more episodes."""

    shipment_id: str
    leg: int
    condition: Status
    episodes: tuple[Episode, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is wrong now."""
        return self.episodes[-1].resolved_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that somebody must act on. No personal data, no payload.

    Attributes:
        members: the entries of the episode, which will have been told of.
        opened_by: the opening entry; with the shipment and the condition, the alert's key.
        opened_at: since when it is wrong, epoch ms.
        resolved_at: set where it was over before anybody could be told.
        location: where, in words.
    """

    shipment_id: str
    leg: int
    condition: Status
    opened_by: Ref
    members: tuple[Ref, ...]
    opened_at: int
    resolved_at: int | None
    location: str | None
    carrier: str | None
    reason_code: str | None

    @property
    def key(self) -> str:
        """The alert's identity: a key alerts once."""
        parts = (self.condition.value, self.shipment_id, *self.opened_by)
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


def incidents(shipment: Shipment) -> tuple[Incident, ...]:
    """Return the incidents of a shipment: its critical episodes by leg and condition."""
    groups: dict[tuple[int, Status], list[Episode]] = {}
    for episode in shipment.episodes:
        if episode.condition.critical:
            groups.setdefault((episode.leg, episode.condition), []).append(episode)
    return tuple(
        Incident(
            shipment_id=shipment.shipment_id, leg=leg, condition=condition, episodes=tuple(group)
        )
        for (leg, condition), group in sorted(groups.items(), key=lambda item: item[0])
    )


def decide(
    shipment: Shipment,
    told: Told,
    quiet: frozenset[Ref] = frozenset(),
    *,
    quiet_is_new: bool = True,
) -> tuple[tuple[Alert, ...], Told]:
    """Decide which alerts a folded shipment calls for.

    An episode is *covered* if somebody was told of any of its members; its other members then
    count as told too. One that is not covered, acknowledged or muted, and is open (or LOST or
    DAMAGED, open or not), alerts once.

    Args:
        shipment: as folded just now.
        told: who was told of what before.
        quiet: entries that came in quietly: an episode with one of them counts as covered.
        quiet_is_new: whether that holds for silence and lateness too. It does when those entries
            are followed first; who falls silent later alerts like any other.

    Returns:
        The alerts to send, and what is told before they are; `tell` adds what they tell.
    """
    alerts: list[Alert] = []
    joined: set[tuple[str, str, str]] = set()
    for episode in shipment.episodes:
        if not episode.condition.critical:
            continue
        members = _told_by(episode.condition, episode.members)
        hushed = quiet_is_new or episode.condition.kind is not Kind.DERIVED
        if not members.isdisjoint(told) or (hushed and not quiet.isdisjoint(episode.members)):
            joined |= members - told
        elif not (episode.acknowledged or episode.muted) and (
            episode.resolved_at is None or episode.condition in _EVEN_IF_OVER
        ):
            alerts.append(_alert(shipment, episode))
    return tuple(alerts), (told | joined if joined else told)


def tell(told: Told, alerts: tuple[Alert, ...]) -> Told:
    """Return what is told once the alerts are on their way."""
    return told.union(*(_told_by(alert.condition, alert.members) for alert in alerts))


def _told_by(condition: Status, members: tuple[Ref, ...]) -> Told:
    return frozenset((condition, *ref) for ref in members)


def _alert(shipment: Shipment, episode: Episode) -> Alert:
    return Alert(
        shipment_id=shipment.shipment_id,
        leg=episode.leg,
        condition=episode.condition,
        opened_by=episode.opened_by,
        members=episode.members,
        opened_at=episode.opened_at,
        resolved_at=episode.resolved_at,
        location=_words(episode.location),
        carrier=episode.carrier,
        reason_code=episode.reason_code,
    )


def _words(location: Location | None) -> str | None:
    return None if location is None else str(location)


def shipment_json(shipment: Shipment) -> dict[str, Any]:
    """Return the JSON form of a shipment's state, its incidents apart."""
    conditions = shipment.conditions
    return {
        "shipmentId": shipment.shipment_id,
        "progress": shipment.progress,
        "progressAt": _time(shipment.progress_at),
        "condition": conditions[0] if conditions else None,
        "conditions": list(conditions),
        "leg": shipment.leg,
        "eta": _time(shipment.eta),
        "location": location_json(shipment.location),
        "carrier": shipment.carrier,
        "firstEventTime": _time(shipment.first_event_time),
        "lastEventTime": _time(shipment.last_event_time),
        "updates": shipment.updates,
        "conflicts": shipment.conflicts,
        "retracted": shipment.retracted,
        "codes": [_code_json(use) for use in shipment.codes],
    }


def _code_json(use: CodeUse) -> dict[str, Any]:
    return {
        "carrier": use.carrier,
        "code": use.code,
        "status": use.status,
        "count": use.count,
        "lastEventTime": format_time(use.last_event_time),
    }


def incident_json(incident: Incident) -> dict[str, Any]:
    """Return the JSON form of an incident; its times are those of its last episode."""
    last = incident.episodes[-1]
    return {
        "shipmentId": incident.shipment_id,
        "leg": incident.leg,
        "condition": incident.condition,
        "state": "open" if incident.is_open else "resolved",
        "openedAt": format_time(last.opened_at),
        "resolvedAt": _time(last.resolved_at),
        "acknowledged": last.acknowledged,
        "muted": last.muted,
        "location": location_json(last.location),
        "carrier": last.carrier,
        "reasonCode": last.reason_code,
        "episodes": [_episode_json(episode) for episode in incident.episodes],
    }


def alert_json(alert: Alert) -> dict[str, Any]:
    """Return the JSON form of an alert: what it is about, not what became of it."""
    sender, event_id = alert.opened_by
    return {
        "key": alert.key,
        "shipmentId": alert.shipment_id,
        "leg": alert.leg,
        "condition": alert.condition,
        "eventId": event_id,
        "sender": sender,
        "openedAt": format_time(alert.opened_at),
        "resolvedAt": _time(alert.resolved_at),
        "location": alert.location,
        "carrier": alert.carrier,
        "reasonCode": alert.reason_code,
    }


def _episode_json(episode: Episode) -> dict[str, Any]:
    return {
        "openedAt": format_time(episode.opened_at),
        "resolvedAt": _time(episode.resolved_at),
        "eventId": episode.opened_by[1],
        "sender": episode.opened_by[0],
        "updates": len(episode.members),
        "newestAt": format_time(episode.newest),
    }


def _time(millis: int | None) -> str | None:
    return None if millis is None else format_time(millis)
