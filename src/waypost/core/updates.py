"""What a sender says about a shipment: the event that came in, and the update that it is.

The shape of the detail is written down as JSON Schema in ``docs/reference``; `parse` is that
schema in code, and the tests hold the two together.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from waypost.core import times
from waypost.core.fields import Fields
from waypost.core.statuses import Status

ID_LIMIT: Final = 128
"""The most characters that a shipment id, a status word or a carrier may have."""
EVENT_ID_LIMIT: Final = 256
CODE_LIMIT: Final = 64
PLACE_LIMIT: Final = 256
DESCRIPTION_LIMIT: Final = 4_096
REFERENCES_LIMIT: Final = 50
"""The most references that an update may carry."""
VERSION_LIMIT: Final = 999_999
ENVELOPE_ZONE: Final = "envelope"
"""Stands for the offset where the time was the envelope's, which is UTC."""

_TOO_FAR_AHEAD: Final = "more than a day ahead of now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An update as it arrives, before anybody has judged it: an EventBridge event, in essence.

    Attributes:
        id: the envelope's id, made by the bus; another one each time the event is sent again.
        source: who sends; identities are scoped by it.
        time: the envelope's time, epoch ms; None where a route has none (a line of a file).
        detail: the payload, decoded from JSON.
        raw: the payload as the very text that came in.
        is_replay: whether an archive sends it again; what it says may be long past.
    """

    id: str
    source: str
    time: int | None
    detail: object
    raw: str
    is_replay: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A structured location. ``unlocode`` is UN/LOCODE, ``country`` ISO 3166-1 alpha-2."""

    name: str | None = None
    unlocode: str | None = None
    country: str | None = None
    postal_code: str | None = None
    latitude: float | None = None
    longitude: float | None = None

    def __str__(self) -> str:
        """Return the place in words, the postal code and the coordinates left out."""
        words = [self.name or self.unlocode, self.country]
        return ", ".join(word for word in words if word) or "a place without a name"


Location = str | Place
References = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentUpdate:
    """One thing that one sender said about one shipment.

    Attributes:
        shipment_id: 1 to 128 printable characters.
        sender: who said it; with ``event_id`` the identity of what was said.
        event_id: the sender's id, else a hash of the content, else the envelope's id.
        event_time: when it happened, epoch ms. For an estimate, when it was made.
        record_time: when we learnt it, epoch ms.
        zone: the offset of ``event_time`` as it was given, or ``envelope``.
        status: what it says, in our vocabulary.
        status_word: the sender's own word for it.
        status_code: the sender's own code, where it has one.
        reason_code: the sender's code for why.
        eta: when it is estimated to arrive, epoch ms.
        references: (name, value) pairs in the order given; the name is empty in a plain list.
        raw_event: the text that came in, unknown members and all.
        fingerprint: a hash of exactly what the fold reads, `event_time` apart.
    """

    shipment_id: str
    sender: str
    event_id: str
    event_time: int
    record_time: int
    zone: str
    status: Status
    status_word: str
    status_code: str | None = None
    reason_code: str | None = None
    carrier: str | None = None
    location: Location | None = None
    eta: int | None = None
    description: str | None = None
    references: References = ()
    schema_version: str | None = None
    raw_event: str
    fingerprint: str

    @property
    def code(self) -> str:
        """What an operator maps when the status is UNKNOWN: the code, else the word."""
        return self.status_code or self.status_word


def digest(*parts: object) -> str:
    """Return a 128-bit hash, in hexadecimal, of some values (None is told apart from "")."""
    # `ascii` tells texts, numbers, None and tuples of them apart, alike in every Python.
    return hashlib.blake2b(ascii(parts).encode(), digest_size=16).hexdigest()


def fingerprint(
    status: Status,
    *,
    code: str,
    carrier: str | None,
    location: Location | None,
    eta: int | None,
    reason_code: str | None,
) -> str:
    """Return the hash of exactly the fields of an update that the fold reads."""
    unread = code if status is Status.UNKNOWN else None
    return digest(status.value, unread, carrier, _plain(location), eta, reason_code)


def _plain(location: Location | None) -> object:
    if isinstance(location, Place):
        return (
            location.name,
            location.unlocode,
            location.country,
            location.postal_code,
            location.latitude,
            location.longitude,
        )
    return location


def parse(event: Event, *, now: int) -> ShipmentUpdate:
    """Turn an event into the update that it is.

    Args:
        event: what came in.
        now: the time at which it is recorded, epoch ms.

    Raises:
        InvalidUpdate: with *all* the problems of the detail; nothing else is ever raised.
    """
    fields = Fields(event.detail)
    shipment_id = fields.text("shipmentId", ID_LIMIT, required=True) or ""
    word = (fields.text("status", ID_LIMIT, required=True) or "").strip()
    arrival = fields.time("eta", latest=times.LATEST, latest_words="after 2100-01-01")
    carrier = fields.text("carrier", ID_LIMIT)
    location = read_location(fields)
    code = fields.text("statusCode", CODE_LIMIT)
    reason = fields.text("reasonCode", CODE_LIMIT)
    description = fields.prose("description", DESCRIPTION_LIMIT)
    references = read_references(fields) if "references" in fields else ()
    schema_version = _read_version(fields) if "schemaVersion" in fields else None
    given_id = fields.text("eventId", EVENT_ID_LIMIT, required="eventId" in fields)
    event_time, zone = _event_time(fields, event, now)
    fields.check()
    status = Status.read(word)
    eta = arrival[0] if arrival else None
    event_id = given_id or (event.id if zone == ENVELOPE_ZONE else None)
    if event_id is None:
        meaning = word if status is Status.UNKNOWN else status.value
        said = (meaning, (code, reason), carrier, _known_place(location), eta, references)
        event_id = "content:" + digest(shipment_id, event_time, *said)
    return ShipmentUpdate(
        shipment_id=shipment_id,
        sender=event.source,
        event_id=event_id,
        event_time=event_time,
        record_time=now,
        zone=zone,
        status=status,
        status_word=word,
        status_code=code,
        reason_code=reason,
        carrier=carrier,
        location=location,
        eta=eta,
        description=description,
        references=references,
        schema_version=schema_version,
        raw_event=event.raw,
        fingerprint=fingerprint(
            status,
            code=code or word,
            carrier=carrier,
            location=location,
            eta=eta,
            reason_code=reason,
        ),
    )


def _event_time(fields: Fields, event: Event, now: int) -> tuple[int, str]:
    latest = now + times.MAX_AHEAD
    if "occurredAt" in fields or event.time is None:
        given = fields.time("occurredAt", latest=latest, latest_words=_TOO_FAR_AHEAD, required=True)
        return given or (0, "")
    fields.within("time", event.time, latest, _TOO_FAR_AHEAD)
    return event.time, ENVELOPE_ZONE


def _known_place(location: Location | None) -> object:
    # What may name or locate a person (description, postal code, coordinates, members that we do
    # not know) stays out of an identity, so that redacting it later cannot change the identity.
    if isinstance(location, Place):
        return location.name, location.unlocode, location.country
    return location


def read_location(fields: Fields) -> Location | None:
    """Read ``location``: a text, or an object with any of the members of a `Place`."""
    value = fields.get("location")
    if not isinstance(value, dict):
        if isinstance(value, str) or "location" not in fields:
            return fields.text("location", PLACE_LIMIT)
        fields.note("location", "must be text or an object")
        return None
    members = fields.nested("location")
    place = Place(
        name=members.text("name", PLACE_LIMIT),
        unlocode=members.text("unlocode", 6),
        country=members.text("country", CODE_LIMIT),
        postal_code=members.text("postalCode", 16),
        latitude=members.number("latitude", -90, 90),
        longitude=members.number("longitude", -180, 180),
    )
    return None if place == Place() else place


def read_references(fields: Fields) -> References:
    """Read ``references``: an object of texts, or a list of texts."""
    value = fields.get("references")
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [("", item) for item in value]
    else:
        fields.note("references", "must be an object of texts or a list of texts")
        return ()
    if len(pairs) > REFERENCES_LIMIT:
        fields.note("references", f"must have at most {REFERENCES_LIMIT} members")
        return ()
    for name, item in pairs:
        good = isinstance(item, str) and len(item) <= PLACE_LIMIT and item.isprintable()
        if not (good and len(name) <= CODE_LIMIT and name.isprintable()):
            fields.note(
                "references",
                f"must have names of at most {CODE_LIMIT} and texts of at most {PLACE_LIMIT} "
                "printable characters",
            )
            return ()
    return tuple(pairs)


def _read_version(fields: Fields) -> str | None:
    if isinstance(fields.get("schemaVersion"), str):
        return fields.text("schemaVersion", CODE_LIMIT)
    number = fields.number("schemaVersion", 0, VERSION_LIMIT)
    return None if number is None else f"{number:g}"  # JSON does not tell 1.0 from 1
