"""Random histories of one shipment, for laws. What is random in them is crowded on purpose.

Few ids, hours and senders, so that entries meet and collide: ties, duplicates, conflicts, episodes
that touch, retractions that hit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.support.histories import SENDER, at, do, means, operator_takes_back, take_back, update
from waypost.core.entries import Action, CodeMapping
from waypost.core.shipments import NO_MAPPINGS, Thresholds, read_mappings
from waypost.core.statuses import CONDITIONS, Kind, Status
from waypost.core.updates import Place

if TYPE_CHECKING:
    from waypost.core.entries import Entry

THRESHOLDS: Final = Thresholds({(None, None): 3, ("UPS", None): 5, (None, Status.IN_TRANSIT): 2})
SENT: Final = tuple(s for s in Status if s.kind is not Kind.DERIVED)
"""The statuses that a sender can say."""
TERMINALS: Final = tuple(s for s in SENT if s.kind is Kind.TERMINAL)
CODES: Final = ("XA", "XB")
"""Words that our vocabulary lacks."""
WORDS: Final = (*(s.value for s in SENT), *CODES)

hours = st.integers(0, 9) | st.just(5)
"""Half of all that happens happens at one instant."""
_common = st.sampled_from(["LOST", "DELAYED", "PICKED_UP", "IN_TRANSIT", "DELIVERED", *CODES])
words = st.sampled_from(WORDS) | _common
ids = st.sampled_from("abcde")
senders = st.sampled_from([SENDER, SENDER, SENDER, "other"])
conditions = st.sampled_from(CONDITIONS) | st.sampled_from([Status.LOST, Status.DELAYED])
critical = st.sampled_from([s for s in SENT if s.critical])
sent = st.sampled_from(SENT)
carriers = st.sampled_from([None, None, "UPS", "dhl"])
updates = st.builds(
    update,
    words,
    hours,
    ids,
    sender=senders,
    carrier=carriers,
    location=st.sampled_from([None, "Chicago", Place(name="Hub", country="DE")]),
    eta=st.none() | hours,
    reason=st.sampled_from([None, "R1"]),
    recorded=hours,
)
troubles = st.builds(
    update, st.sampled_from(["LOST", "DELAYED", "DELAYED", "IN_TRANSIT", "XA"]), hours, ids
)
"""Updates that open, repeat and close a few conditions: episodes get many members."""
retractions = st.builds(take_back, ids, hours, senders) | st.builds(operator_takes_back, ids, hours)
acts = st.builds(do, st.sampled_from(Action), conditions, hours, st.sampled_from("ABC"))
entries: st.SearchStrategy[Entry] = st.one_of(updates, updates, updates, acts, retractions)
"""Entries of `SHIPMENT`, mappings apart: most are updates."""
histories = st.lists(entries, max_size=12)
mapped: st.SearchStrategy[CodeMapping] = st.builds(
    means, st.sampled_from(["XA", "xb"]), sent, hours, ids, carrier=st.sampled_from([None, "ups"])
)
mappings = st.just(NO_MAPPINGS) | st.lists(mapped, max_size=3).map(read_mappings)
thresholds = st.sampled_from([None, THRESHOLDS])
instants = st.none() | st.integers(-1, 15).map(at)
shuffles = st.randoms(use_true_random=False)

batches = st.lists(st.lists(entries, min_size=1, max_size=5), max_size=5)
"""A history as it comes: in any order, a few entries at a time."""


def of(entry: Entry, shipment_id: str) -> Entry:
    """Return an entry as said of another shipment."""
    return entry if isinstance(entry, CodeMapping) else replace(entry, shipment_id=shipment_id)


shipment_ids = st.sampled_from(["A", "B", "ç/ 1"])
logged_troubles: st.SearchStrategy[Entry] = st.builds(of, troubles, shipment_ids)
logged: st.SearchStrategy[Entry] = st.one_of(
    st.builds(of, entries, shipment_ids), logged_troubles, mapped
)
"""Entries of a log: of a few shipments, and mappings."""
