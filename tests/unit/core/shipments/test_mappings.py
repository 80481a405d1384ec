from __future__ import annotations

from itertools import permutations

import pytest

from tests.support.histories import SHIPMENT, at, means, update
from waypost.core.entries import CodeMapping, Entry
from waypost.core.shipments import Shipment, fold, read_mappings
from waypost.core.statuses import Status


def mapped(history: list[Entry], *mappings: Entry) -> Shipment:
    return fold(SHIPMENT, history, read_mappings(mappings))


def test_a_code_that_nobody_mapped_is_kept_and_counted() -> None:
    history: list[Entry] = [
        update("XB", 1, carrier="UPS"),
        update("unknown", 2, code=" xb ", carrier="ups "),
        update("XB", 3),
    ]
    shipment = mapped(history)
    assert shipment.progress is None
    assert [(c.carrier, c.code, c.status, c.count, c.last_event_time) for c in shipment.codes] == [
        (None, "XB", Status.UNKNOWN, 1, at(3)),
        ("UPS", "XB", Status.UNKNOWN, 2, at(2)),
    ]


def test_a_mapped_code_is_read_as_its_status() -> None:
    history: list[Entry] = [update("XB", 1, carrier="UPS")]
    shipment = mapped(history, means("xb", Status.LOST, carrier=" ups"))
    assert shipment.conditions == (Status.LOST,)
    assert [(c.code, c.status) for c in shipment.codes] == [("XB", Status.LOST)]
    assert mapped(history, means("xb", Status.LOST, carrier="DHL")).conditions == ()
    assert mapped(history, means("xb", Status.LOST)).conditions == ()


def test_a_known_status_is_never_mapped() -> None:
    history: list[Entry] = [update("IN_TRANSIT", 1, code="XB")]
    assert mapped(history, means("XB", Status.LOST)).conditions == ()


def test_a_mapped_status_takes_its_own_tie_rank() -> None:
    history: list[Entry] = [update("XB", 1, "z"), update("IN_TRANSIT", 1, "a")]
    assert mapped(history).progress is Status.IN_TRANSIT
    assert mapped(history, means("XB", Status.PICKED_UP)).progress is Status.IN_TRANSIT
    assert mapped(history, means("XB", Status.DELIVERED)).progress is Status.DELIVERED


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (means("XB", Status.LOST, 1, "z"), means("XB", Status.DAMAGED, 2, "a")),
        (means("XB", Status.LOST, 1, "a"), means("XB", Status.DAMAGED, 1, "b")),
        (means("XB", Status.LOST, 1, "a"), means("xb ", Status.UNKNOWN, 2, "b")),
    ],
)
def test_the_newest_mapping_wins(older: CodeMapping, newer: CodeMapping) -> None:
    for order in permutations([older, newer]):
        assert read_mappings(order)["", "XB"] is newer.status


def test_two_contents_of_one_mapping_give_the_same_in_any_order() -> None:
    one, two = means("XB", Status.LOST), means("XB", Status.DAMAGED)
    assert read_mappings([one, two]) == read_mappings([two, one])


def test_a_mapping_in_a_history_is_no_part_of_it() -> None:
    assert mapped([means("XB", Status.LOST)]) == mapped([])
