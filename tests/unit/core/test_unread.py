"""Entries of newer versions: kept apart, and never taken for what they are not."""

from __future__ import annotations

import pytest

from tests.support.histories import SHIPMENT, do, means, take_back, update
from tests.support.versions import unread
from waypost.core.entries import VOCABULARY, Action, Entry, identity, to_json, unknown_word
from waypost.core.errors import NewerEntry
from waypost.core.shipments import Fold, fold, mapped_code, read_mappings
from waypost.core.statuses import Status

SEEN = unread(update("LOST", 2), "status LOST")
MAPPED = unread(means("XA", Status.LOST, 3), "status LOST", (None, "XA"))


@pytest.mark.parametrize(
    "newer", [update("LOST", 2), take_back("e", 2), do(Action.MUTE, Status.LOST, 2)]
)
def test_nothing_is_concluded_from_a_part_of_a_history(newer: Entry) -> None:
    seen = unread(newer, "status LOST")
    history: list[Entry] = [update("IN_TRANSIT", 1), seen, update("DELIVERED", 3)]
    with pytest.raises(NewerEntry, match=f"entry of {SHIPMENT} has the status LOST"):
        fold(SHIPMENT, history)


def test_a_fold_that_meets_one_has_to_be_made_again() -> None:
    begun = Fold.of(SHIPMENT, [update("IN_TRANSIT", 1)])
    before = begun.shipment()
    assert not begun.extend(SEEN)
    assert begun.shipment() == before


def test_its_meaning_is_not_exported_as_nothing() -> None:
    with pytest.raises(NewerEntry):
        to_json(SEEN)


def test_it_has_the_identity_of_what_was_written() -> None:
    assert identity(SEEN) == identity(update("LOST", 2))


def test_a_mapping_matters_where_its_code_is_used() -> None:
    mappings = read_mappings([means("XB", Status.DELIVERED), MAPPED])
    assert mapped_code(MAPPED) == ("", "XA")
    with pytest.raises(NewerEntry, match="mapping of XA has the status LOST"):
        fold(SHIPMENT, [update("xa", 1)], mappings)
    assert fold(SHIPMENT, [update("XB", 1)], mappings).progress is Status.DELIVERED
    assert fold(SHIPMENT, [update("XA", 1, carrier="UPS")], mappings).progress is None


def test_the_newest_mapping_of_a_code_counts_whoever_wrote_it() -> None:
    for hours, expected in ((2, MAPPED), (4, Status.DELIVERED)):
        mappings = read_mappings([MAPPED, means("XA", Status.DELIVERED, hours)])
        assert mappings["", "XA"] == expected


def test_it_maps_nothing_where_it_is_none() -> None:
    assert mapped_code(SEEN) is None
    assert read_mappings([SEEN]) == {}


def test_an_unknown_word_is_named() -> None:
    assert unknown_word({"kind": "update", "status": "LOST", "eventId": "x"}) is None
    assert unknown_word({"status": "STOLEN", "kind": "inspection"}) == "kind inspection"
    assert unknown_word({"kind": "act", "action": "forget"}) == "action forget"


def test_the_vocabulary_is_what_older_versions_may_meet() -> None:
    # A new word is a new version's: see docs/adr/0015-new-words-for-new-meanings.md.
    statuses = (
        "UNKNOWN NOTE PENDING INFO_RECEIVED PICKED_UP IN_TRANSIT OUT_FOR_DELIVERY"
        " DELIVERY_ATTEMPTED AVAILABLE_FOR_PICKUP RETURNING DELIVERED RETURNED CANCELLED DISPOSED"
        " LOST DAMAGED EXCEPTION DELAYED ON_HOLD STALLED LATE"
    )
    assert {
        "kind": {"update", "retraction", "act", "mapping"},
        "status": {*statuses.split()},
        "action": {"ack", "resolve", "mute", "unmute"},
        "condition": {*statuses.split()},
    } == VOCABULARY
