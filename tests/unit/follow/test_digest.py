"""Messages: what they say, and how few of them there are."""

from __future__ import annotations

import pytest

from waypost.core.times import format_time
from waypost.follow.digest import LISTED, SUBJECT_LIMIT, compose, safe_subject
from waypost.ports import AlertKind, Message


def alert(number: int = 1, **members: object) -> dict[str, object]:
    return {
        "shipmentId": f"SHIP-{number}",
        "condition": "LOST",
        "openedAt": format_time(1_795_000_000_000),
        "resolvedAt": None,
        "location": "Memphis, TN",
        "carrier": "FedEx",
        "reasonCode": None,
        **members,
    }


def message(
    counts: dict[str, int], first: list[dict[str, object]], kind: AlertKind = AlertKind.INCIDENT
) -> Message:
    return compose(kind, counts, first, message_id="m-1", now=5, environment="dev")


@pytest.mark.parametrize(
    "hostile",
    ["a\r\nBcc: someone", "tab\there", "nul\0", "\x1b[31mred", "\u2028line", "ÄÖ\u202e", "x" * 500],
)
def test_a_subject_is_printable_ascii_and_under_100_characters(hostile: str) -> None:
    subject = safe_subject(hostile)
    assert len(subject) <= SUBJECT_LIMIT < 100
    assert subject.isascii()
    assert subject.isprintable()


def test_one_alert_has_the_subject_that_the_first_design_had() -> None:
    one = message({"LOST": 1}, [alert(12345)])
    assert one.subject == "Logistics Alert: LOST - SHIP-12345"
    assert one.total == 1
    assert "Memphis, TN" in one.text
    assert "waypost track SHIP-12345" in one.text
    assert "Reason code" not in one.text


def test_a_very_long_shipment_id_does_not_lose_the_alert() -> None:
    one = message({"LOST": 1}, [alert(shipmentId="9" * 128)])
    assert len(one.subject) < 100
    assert "9" * 128 in one.text


def test_a_digest_never_cuts_the_count_only_the_list() -> None:
    many = message({"DELAYED": 4_990, "LOST": 10}, [alert(n) for n in range(LISTED)])
    assert many.subject == "Logistics Alert: 5,000 incidents - 10 LOST, 4,990 DELAYED"
    assert many.total == 5_000
    assert "and 4,950 more" in many.text
    assert many.text.count("SHIP-") == LISTED


def test_a_digest_says_what_was_over_before_anybody_could_be_told() -> None:
    over = alert(resolvedAt="2026-11-23T00:00:00.000Z", location=None, carrier=None)
    two = message({"LOST": 2}, [over, alert(2)])
    assert "over since 2026-11-23T00:00:00.000Z" in two.text


def test_rejections_are_counted_by_reason_the_most_frequent_first() -> None:
    counts = {"status: is missing": 7, "shipmentId: must be text": 30}
    rejected = message(counts, [], AlertKind.REJECTED)
    assert rejected.subject == "Logistics Processing Error - dev: 37 rejected"
    assert rejected.text.index("shipmentId: must be text") < rejected.text.index("status: is miss")
    assert "waypost rejected list" in rejected.text


def test_a_flood_of_different_reasons_is_cut_and_says_so() -> None:
    counts = {f"reason {n}": 1 for n in range(LISTED + 5)}
    rejected = message(counts, [], AlertKind.REJECTED)
    assert "and 5 more reasons" in rejected.text
    assert rejected.total == LISTED + 5


def test_a_single_rejection_is_not_called_updates() -> None:
    assert message({"x": 1}, [], AlertKind.REJECTED).text.startswith("1 update was rejected")
