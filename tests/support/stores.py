"""What tests of stores say: entries of all kinds, and folded shipments to save."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.support.clocks import NOON
from waypost.core.entries import MAPPINGS, Action, Entry, act, mapping, retraction
from waypost.core.errors import Problem
from waypost.core.incidents import decide, tell
from waypost.core.shipments import Shipment, Thresholds, fold, read_mappings
from waypost.core.statuses import CONDITIONS, Status
from waypost.core.updates import Place, ShipmentUpdate, digest
from waypost.ports import AlertKind, Message, Rejection, Save, Saved

if TYPE_CHECKING:
    from waypost.ports import Store

SENDER: Final = "logistics.shipments"
UNSAVED: Final = Saved(version=0, told=frozenset(), conflicts=0)


def update(
    shipment_id: str = "SHIP-1",
    event_id: str = "e1",
    status: Status = Status.IN_TRANSIT,
    *,
    at: int = NOON,
    **fields: Any,
) -> ShipmentUpdate:
    """Return an update; its fingerprint is that of the status unless one is given."""
    return ShipmentUpdate(
        **{
            "shipment_id": shipment_id,
            "sender": SENDER,
            "event_id": event_id,
            "event_time": at,
            "record_time": at,
            "zone": "Z",
            "status": status,
            "status_word": status.value,
            "raw_event": "{}",
            "fingerprint": digest(status.value),
            **fields,
        }
    )


def folded(
    store: Store,
    shipment_id: str,
    *,
    now: int = NOON,
    deciding: bool = True,
    version: int | None = None,
    due_at: int | None = None,
) -> Save:
    """Return the shipment as its history and what was saved of it have it, ready to save."""
    mappings = read_mappings(store.history(MAPPINGS))
    thresholds = Thresholds()
    shipment = fold(
        shipment_id, store.history(shipment_id), mappings, thresholds=thresholds, as_of=now
    )
    saved = store.saved([shipment_id]).get(shipment_id, UNSAVED)
    return decided(shipment, saved, deciding=deciding, version=version, due_at=due_at)


def decided(
    shipment: Shipment,
    saved: Saved = UNSAVED,
    *,
    deciding: bool = True,
    version: int | None = None,
    due_at: int | None = None,
) -> Save:
    """Return a folded shipment with its alerts, ready to save."""
    alerts, told = decide(shipment, saved.told)
    return Save(
        shipment=shipment,
        told=tell(told, alerts) if deciding else told,
        version=saved.version if version is None else version,
        due_at=due_at,
        undecided=bool(alerts) and not deciding,
        alerts=alerts if deciding else (),
    )


def rejection(raw: str, *, time: int | None = NOON, problem: str = "is missing") -> Rejection:
    """Return a rejection whose id is made of what came in."""
    return Rejection(
        rejection_id=digest(raw)[:16],
        record_time=NOON,
        source=SENDER,
        envelope_id="envelope",
        envelope_time=time,
        raw=raw,
        problems=(Problem("status", problem), Problem("", "is odd")),
    )


def message(
    message_id: str = "m1", *, kind: AlertKind = AlertKind.INCIDENT, at: int = NOON
) -> Message:
    """Return a message of one alert."""
    return Message(
        message_id=message_id,
        created_at=at,
        kind=kind,
        subject="Logistics Alert: LOST - SHIP-1",
        text="SHIP-1 is lost.\nÄrger.",
        counts={"LOST": 1},
        alerts=({"shipmentId": "SHIP-1"},),
    )


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
_some = st.none() | _texts
_carriers = st.sampled_from([None, "DHL", "dhl "]) | _texts
_codes = st.sampled_from([None, "X1", "x1", "zz"]) | _texts
_instants = st.integers(NOON - 3, NOON + 3)
_degrees = st.floats(-90, 90)
_places = st.builds(
    Place,
    name=_some,
    unlocode=_some,
    country=_some,
    postal_code=_some,
    latitude=st.none() | _degrees,
    longitude=st.none() | _degrees,
)
_references = st.lists(st.tuples(_texts, _texts), max_size=3) | st.lists(
    st.tuples(st.just(""), _texts), max_size=3
)


def updates(
    shipment_ids: st.SearchStrategy[str] = _texts, event_ids: st.SearchStrategy[str] = _texts
) -> st.SearchStrategy[ShipmentUpdate]:
    """Return updates with any text anywhere, crowded into a few milliseconds."""
    return st.builds(
        ShipmentUpdate,
        shipment_id=shipment_ids,
        sender=st.just(SENDER) | _texts,
        event_id=event_ids,
        event_time=_instants,
        record_time=_instants,
        zone=_texts,
        status=st.sampled_from(Status),
        status_word=_texts,
        status_code=_codes,
        reason_code=_some,
        carrier=_carriers,
        location=st.none() | _texts | _places,
        eta=st.none() | _instants,
        description=_some,
        references=_references.map(tuple),
        schema_version=_some,
        raw_event=_texts,
        fingerprint=st.sampled_from(["f1", "f2"]),
    )


def entries(
    shipment_ids: st.SearchStrategy[str] = _texts, event_ids: st.SearchStrategy[str] = _texts
) -> st.SearchStrategy[Entry]:
    """Return entries of every kind."""
    common = {"event_time": _instants, "record_time": _instants}
    return st.one_of(
        updates(shipment_ids, event_ids),
        st.builds(
            retraction, shipment_ids, event_ids, sender=st.just(SENDER), reason=_some, **common
        ),
        st.builds(
            act,
            shipment_ids,
            st.sampled_from(Action),
            st.sampled_from(CONDITIONS),
            event_id=event_ids,
            **common,
        ),
        st.builds(
            mapping,
            st.sampled_from([None, "DHL", "dhl "]),
            st.sampled_from(["X1", "x1", "zz"]),
            st.sampled_from([Status.UNKNOWN, Status.IN_TRANSIT, Status.LOST]),
            event_id=event_ids,
            **common,
        ),
    )
