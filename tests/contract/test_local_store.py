"""What a store on one machine promises besides: the port `LocalStore`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.clocks import NOON
from tests.support.stores import SENDER, folded, message, rejection, update
from waypost.core.entries import MAPPINGS, Entry, mapping
from waypost.core.errors import NotFound, StateConflict
from waypost.core.incidents import alert_json
from waypost.core.shipments import code_key
from waypost.core.statuses import Status
from waypost.core.times import format_time
from waypost.ports import (
    LONGEST_PAUSE,
    AlertKind,
    DeliveryState,
    Followed,
    IncidentQuery,
    Message,
    Pending,
    ShipmentQuery,
)

if TYPE_CHECKING:
    from waypost.ports import LocalStore

INCIDENT, REJECTED = AlertKind
WAITING, SENT, DEAD = DeliveryState


def follow(store: LocalStore, limit: int = 10_000) -> Followed:
    """Follow one round, deciding alerts at once, and return what was committed."""
    changes = store.changes(limit)
    shipment_ids = dict.fromkeys(e.shipment_id for e in changes.entries)
    followed = Followed(
        saves=tuple(folded(store, i) for i in shipment_ids if i != MAPPINGS),
        position=changes.position,
        rejected_position=changes.rejected_position,
        rejected=Counter(changes.rejections),
        now=NOON,
    )
    store.commit(followed)
    return followed


def lose(store: LocalStore, *shipment_ids: str) -> None:
    """Let shipments be lost, and follow."""
    store.append([update(shipment_id, status=Status.LOST) for shipment_id in shipment_ids])
    follow(store)


def waiting(store: LocalStore, kind: AlertKind = INCIDENT, first: int = 10) -> Pending:
    pending = store.pending(kind, first)
    assert pending is not None
    return pending


# --- Following the log


def test_changes_follow_the_position_in_the_order_of_the_log(local_store: LocalStore) -> None:
    said = [update(f"SHIP-{i}", f"e{i}", at=NOON - i) for i in range(10)]
    for entry in said:
        local_store.append([entry])
    first = local_store.changes(4)
    assert first.entries == tuple(said[:4])
    local_store.commit(Followed(position=first.position, now=NOON))
    assert local_store.changes(100).entries == tuple(said[4:])


def test_what_was_not_committed_is_there_again(local_store: LocalStore) -> None:
    local_store.append([update("A"), update("B")])
    assert local_store.changes(10) == local_store.changes(10)
    assert local_store.behind() == 2


def test_without_news_the_position_stays(local_store: LocalStore) -> None:
    lose(local_store, "A")
    changes = local_store.changes(10)
    assert (changes.entries, changes.rejections, changes.quiet) == ((), (), frozenset())
    local_store.commit(Followed(position=changes.position, now=NOON))
    local_store.append([update("B")])
    assert [e.shipment_id for e in local_store.changes(10).entries] == ["B"]


def test_behind_counts_the_entries_that_were_not_followed(local_store: LocalStore) -> None:
    assert local_store.behind() == 0
    local_store.append([update("A", f"e{i}") for i in range(5)])
    local_store.append([update("A", "e1")])
    assert local_store.behind() == 5
    follow(local_store, limit=3)
    assert local_store.behind() == 2


def test_a_position_that_is_not_given_stays(local_store: LocalStore) -> None:
    local_store.append([update("A"), update("B")])
    local_store.reject([rejection("a")])
    follow(local_store)
    local_store.commit(Followed(now=NOON))
    assert (local_store.behind(), local_store.changes(10).rejections) == (0, ())


def test_an_earlier_position_can_be_followed_again(local_store: LocalStore) -> None:
    local_store.append([update("A"), update("B"), update("C")])
    follow(local_store)
    local_store.commit(Followed(position=1, now=NOON))
    assert [e.shipment_id for e in local_store.changes(10).entries] == ["B", "C"]


def test_what_was_appended_quietly_is_named(local_store: LocalStore) -> None:
    local_store.append([update("A", "loud")])
    local_store.append([update("A", "quiet"), update("A", "loud")], quiet=True)
    local_store.append([update("A", "quiet")])
    assert local_store.changes(10).quiet == {("A", (SENDER, "quiet"))}


def test_rejections_are_followed_by_their_first_problem(local_store: LocalStore) -> None:
    local_store.reject([rejection(str(i), problem=f"problem {i}") for i in range(3)])
    first = local_store.changes(2)
    assert first.rejections == ("status: problem 0", "status: problem 1")
    local_store.commit(Followed(rejected_position=first.rejected_position, now=NOON))
    assert local_store.changes(2).rejections == ("status: problem 2",)


# --- Committing a round


def test_a_conflict_leaves_everything_as_it_was(local_store: LocalStore) -> None:
    lose(local_store, "A")
    local_store.append([update("A", "e2", Status.DAMAGED), update("B")])
    with pytest.raises(StateConflict):
        local_store.commit(
            Followed(
                saves=(folded(local_store, "B"), folded(local_store, "A", version=0)),
                position=3,
                rejected_position=9,
                rejected={"status: is missing": 1},
                failed={"C": "bug"},
                now=NOON,
            )
        )
    assert local_store.behind() == 2
    assert local_store.shipment("B") is None
    assert len(local_store.alerts()) == 1
    assert local_store.refolds(NOON * 2, 10) == []
    local_store.reject([rejection("a")])
    assert len(local_store.changes(10).rejections) == 1


def test_a_round_is_committed_whole(local_store: LocalStore) -> None:
    local_store.append([update("A", status=Status.LOST), update("B")])
    local_store.reject([rejection("a")])
    follow(local_store)
    assert local_store.behind() == 0
    assert [s["shipmentId"] for s in local_store.shipments(ShipmentQuery())] == ["A", "B"]
    assert len(local_store.incidents(IncidentQuery())) == 1
    assert [a["kind"] for a in local_store.alerts()] == ["incident", "rejected"]


def test_a_key_alerts_once(local_store: LocalStore) -> None:
    local_store.append([update("A", status=Status.LOST)])
    [lost] = follow(local_store).saves
    [first] = local_store.alerts()
    local_store.append([update("A", "again", Status.LOST)])
    follow(local_store)
    forgetful = replace(folded(local_store, "A"), alerts=lost.alerts)
    local_store.commit(Followed(saves=(forgetful,), now=NOON))
    assert local_store.alerts() == [first]
    assert waiting(local_store).counts == {"LOST": 1}


def test_keys_with_slashes_are_told_apart(local_store: LocalStore) -> None:
    local_store.append(
        [
            update("A/B", "1", Status.LOST, sender="C"),
            update("A", "1", Status.LOST, sender="B/C"),
        ]
    )
    follow(local_store)
    assert len(local_store.alerts()) == 2


# --- Re-folding


def test_shipments_with_a_code_that_was_mapped_are_to_be_refolded(local_store: LocalStore) -> None:
    def odd(shipment_id: str, code: str, carrier: str | None) -> Entry:
        return update(shipment_id, status=Status.UNKNOWN, status_code=code, carrier=carrier)

    local_store.append([odd("B", "x1", "dhl"), odd("A", "X1", "DHL"), odd("C", "X1", "UPS")])
    follow(local_store)
    local_store.commit(Followed(recode=(code_key("Dhl", "x1"),), now=NOON))
    assert local_store.refolds(NOON, 10) == ["A", "B"]
    local_store.commit(Followed(recode=(code_key("Dhl", "x1"),), refolded=("A",), now=NOON))
    assert local_store.refolds(NOON, 10) == ["A", "B"]
    local_store.commit(Followed(refolded=("A", "B"), now=NOON))
    assert local_store.refolds(NOON, 10) == []


def test_a_shipment_that_fails_is_tried_again_five_times_ever_later(
    local_store: LocalStore,
) -> None:
    now = NOON
    for pause in (1_000, 2_000, 4_000, 8_000, 16_000):
        local_store.commit(Followed(failed={"A": f"bug {pause}"}, now=now))
        assert local_store.refolds(now + pause - 1, 10) == []
        assert local_store.refolds(now + pause, 10) == ["A"]
        assert local_store.unfoldable() == {}
        now += pause
    local_store.commit(Followed(failed={"A": "the last"}, now=now))
    local_store.commit(Followed(failed={"A": "later still"}, now=now))
    assert local_store.refolds(now * 2, 10) == []
    assert local_store.unfoldable() == {"A": "later still"}


def test_a_refold_that_was_planned_before_the_clock_was_set_back_may_be_tried_at_once(
    local_store: LocalStore,
) -> None:
    local_store.commit(Followed(failed={"A": "bug"}, now=NOON + LONGEST_PAUSE))
    assert local_store.refolds(NOON, 10) == ["A"]


def test_a_shipment_that_was_given_up_and_folds_at_last_is_off_the_list(
    local_store: LocalStore,
) -> None:
    for _ in range(6):
        local_store.commit(Followed(failed={"A": "bug"}, now=NOON))
    local_store.commit(Followed(refolded=("A",), now=NOON))
    assert local_store.unfoldable() == {}


def test_what_was_given_up_can_be_tried_again_as_often_as_at_first(local_store: LocalStore) -> None:
    lose(local_store, "A", "B")
    local_store.commit(Followed(failed={"B": "KeyError: y"}, now=NOON))
    for _ in range(6):
        local_store.commit(Followed(failed={"A": "KeyError: x"}, now=NOON))
    assert local_store.retry_given_up() == 1
    assert local_store.unfoldable() == {}
    assert local_store.refolds(NOON, 10) == ["A"]
    local_store.commit(Followed(failed={"A": "KeyError: x"}, now=NOON))
    assert local_store.refolds(NOON + 10_000, 10) == ["B", "A"]
    assert local_store.retry_given_up() == 0


def test_what_failed_is_known_until_it_is_folded(local_store: LocalStore) -> None:
    lose(local_store, "A", "B", "C")
    local_store.commit(Followed(failed={"A": "KeyError: x", "B": "KeyError: x"}, now=NOON))
    local_store.refold_all()
    assert local_store.failing() == {"A": "KeyError: x", "B": "KeyError: x"}
    local_store.commit(Followed(refolded=("A",), now=NOON))
    assert local_store.failing() == {"B": "KeyError: x"}


def test_refolds_that_wait_longest_come_first(local_store: LocalStore) -> None:
    local_store.commit(Followed(failed={"A": "bug"}, now=NOON + 1))
    local_store.commit(Followed(failed={"C": "bug", "B": "bug"}, now=NOON))
    assert local_store.refolds(NOON + 9_999, 10) == ["B", "C", "A"]
    assert local_store.refolds(NOON + 9_999, 1) == ["B"]


def test_all_shipments_of_the_log_can_be_refolded(local_store: LocalStore) -> None:
    for _ in range(6):
        local_store.commit(Followed(failed={"A": "bug"}, now=NOON))
    means = mapping(None, "x", Status.LOST, event_id="m", event_time=NOON, record_time=NOON)
    local_store.append([update("B"), update("A"), means, update("A", "e2")])
    assert local_store.refold_all() == 2
    assert local_store.refolds(0, 10) == ["A", "B"]
    assert local_store.unfoldable() == {}


def test_an_empty_log_has_nothing_to_refold(local_store: LocalStore) -> None:
    assert local_store.refold_all() == 0
    assert local_store.refolds(NOON, 10) == []


# --- Alerts, messages and deliveries


def test_without_alerts_nothing_is_pending(local_store: LocalStore) -> None:
    assert local_store.pending(INCIDENT, 10) is None
    local_store.append([update("A")])
    follow(local_store)
    assert local_store.pending(INCIDENT, 10) is None
    assert local_store.alerts() == []


def test_what_is_pending_is_counted_in_full_and_listed_in_part(local_store: LocalStore) -> None:
    lose(local_store, *(f"SHIP-{i:03}" for i in range(300)))
    local_store.append([update("X", status=Status.DAMAGED)])
    follow(local_store)
    pending = waiting(local_store, first=2)
    assert pending.counts == {"LOST": 300, "DAMAGED": 1}
    assert [a["shipmentId"] for a in pending.first] == ["SHIP-000", "SHIP-001"]
    assert pending.last_message_at is None
    assert waiting(local_store, first=0).first == ()


def test_an_alert_is_listed_as_json(local_store: LocalStore) -> None:
    local_store.append([update("A", status=Status.LOST, location="Łódź", carrier="DHL")])
    [alert] = follow(local_store).saves[0].alerts
    listed = {
        "alertId": 1,
        "kind": "incident",
        "createdAt": format_time(NOON),
        **alert_json(alert),
    }
    assert list(waiting(local_store).first) == [listed]
    assert local_store.alerts() == [{**listed, "messageId": None, "deliveries": []}]


def test_rejections_of_a_round_are_one_alert_that_counts_them(local_store: LocalStore) -> None:
    local_store.commit(Followed(rejected={"status: is missing": 2, "is not JSON": 1}, now=NOON))
    local_store.commit(Followed(rejected={"is not JSON": 4}, now=NOON))
    pending = waiting(local_store, REJECTED)
    assert pending.counts == {"status: is missing": 2, "is not JSON": 5}
    assert [a["counts"] for a in local_store.alerts()] == [
        {"status: is missing": 2, "is not JSON": 1},
        {"is not JSON": 4},
    ]
    assert local_store.pending(INCIDENT, 10) is None


def test_a_message_covers_what_was_pending_up_to_its_last(local_store: LocalStore) -> None:
    lose(local_store, "A", "B")
    local_store.commit(Followed(rejected={"bad": 1}, now=NOON))
    last = waiting(local_store).last
    lose(local_store, "C")
    local_store.post(message("m1", at=NOON + 7), last, ["mail"])
    after = waiting(local_store)
    assert [a["shipmentId"] for a in after.first] == ["C"]
    assert after.last_message_at == NOON + 7
    assert waiting(local_store, REJECTED).last_message_at is None
    assert [a["messageId"] for a in local_store.alerts()] == ["m1", "m1", None, None]


def test_a_message_that_is_made_again_changes_nothing(local_store: LocalStore) -> None:
    lose(local_store, "A")
    local_store.post(message("m1"), 1, ["mail"])
    local_store.delivered("m1", "mail", SENT)
    local_store.post(message("m1"), 1, ["mail"])
    assert local_store.deliveries("mail", NOON, 10) == []


def test_each_notifier_gets_the_message_as_it_was_made(local_store: LocalStore) -> None:
    lose(local_store, "A")
    posted = message("m1")
    local_store.post(posted, 1, ["mail", "hook"])
    for name in ("mail", "hook"):
        [delivery] = local_store.deliveries(name, NOON, 10)
        assert delivery.message == posted
        assert isinstance(delivery.message, Message)
        assert (delivery.notifier, delivery.state, delivery.attempts) == (name, WAITING, 0)
    assert local_store.deliveries("pager", NOON, 10) == []


def test_the_oldest_delivery_comes_first(local_store: LocalStore) -> None:
    for name in ("z", "a", "m"):
        local_store.post(message(name), 0, ["mail"])
    assert [d.message.message_id for d in local_store.deliveries("mail", NOON, 2)] == ["z", "a"]


def test_a_failed_delivery_waits_until_its_time(local_store: LocalStore) -> None:
    local_store.post(message("m1"), 0, ["mail"])
    local_store.delivered("m1", "mail", WAITING, not_before=NOON + 5, error="refused")
    assert local_store.deliveries("mail", NOON + 4, 10) == []
    [delivery] = local_store.deliveries("mail", NOON + 5, 10)
    assert (delivery.attempts, delivery.error) == (1, "refused")


def test_a_delivery_that_was_planned_before_the_clock_was_set_back_may_be_made_at_once(
    local_store: LocalStore,
) -> None:
    local_store.post(message("m1"), 0, ["mail"])
    local_store.delivered("m1", "mail", WAITING, not_before=NOON + LONGEST_PAUSE)
    assert local_store.deliveries("mail", NOON, 10) == []
    assert len(local_store.deliveries("mail", NOON - 1, 10)) == 1


@pytest.mark.parametrize("state", [SENT, DEAD])
def test_a_delivery_that_is_over_waits_no_more(
    local_store: LocalStore, state: DeliveryState
) -> None:
    local_store.post(message("m1"), 0, ["mail"])
    local_store.delivered("m1", "mail", state)
    assert local_store.deliveries("mail", NOON * 2, 10) == []


def test_a_delivery_that_nobody_knows_is_not_found(local_store: LocalStore) -> None:
    local_store.post(message("m1"), 0, ["mail"])
    with pytest.raises(NotFound):
        local_store.delivered("m1", "hook", SENT)
    with pytest.raises(NotFound):
        local_store.delivered("m2", "mail", SENT)


def test_dead_deliveries_can_be_sent_again_from_the_first_attempt(local_store: LocalStore) -> None:
    local_store.post(message("m1"), 0, ["mail", "hook", "pager"])
    local_store.delivered("m1", "mail", DEAD, error="no such address")
    local_store.delivered("m1", "hook", DEAD, not_before=NOON * 2)
    local_store.delivered("m1", "pager", SENT)
    assert local_store.resend("m1") == 2
    assert [d.attempts for n in ("mail", "hook") for d in local_store.deliveries(n, 0, 9)] == [0, 0]
    assert local_store.deliveries("pager", NOON, 9) == []
    assert local_store.resend("m1") == 0
    with pytest.raises(NotFound):
        local_store.resend("m2")


def test_the_ledger_shows_where_each_delivery_stands(local_store: LocalStore) -> None:
    lose(local_store, "A", "B", "C")
    local_store.post(message("m1"), 1, ["mail", "hook"])
    local_store.post(message("m2"), 2, [])
    local_store.delivered("m1", "mail", DEAD, error="gone")
    first, second, third = local_store.alerts()
    assert first["deliveries"] == [
        {"notifier": "mail", "state": "dead", "attempts": 1, "error": "gone"},
        {"notifier": "hook", "state": "waiting", "attempts": 0, "error": None},
    ]
    assert (second["messageId"], second["deliveries"]) == ("m2", [])
    assert (third["messageId"], third["deliveries"]) == (None, [])


def test_the_ledger_is_listed_by_delivery_state_in_pages(local_store: LocalStore) -> None:
    lose(local_store, *"ABCDE")
    local_store.post(message("m1"), 2, ["mail"])
    local_store.post(message("m2"), 4, ["mail"])
    local_store.delivered("m1", "mail", DEAD)
    assert [a["alertId"] for a in local_store.alerts(limit=3)] == [1, 2, 3]
    assert [a["alertId"] for a in local_store.alerts(after=3)] == [4, 5]
    assert [a["alertId"] for a in local_store.alerts(DEAD)] == [1, 2]
    assert [a["alertId"] for a in local_store.alerts(WAITING, after=3, limit=1)] == [4]
    assert local_store.alerts(SENT) == []


# --- The store itself


def test_a_store_in_order_passes_its_check(local_store: LocalStore) -> None:
    local_store.append([update("A")])
    local_store.check()
    assert local_store.behind() == 1


def test_closing_twice_is_no_error(local_store: LocalStore) -> None:
    local_store.close()
    local_store.close()
