"""The quarantine: rejected events, kept with their reasons."""

from __future__ import annotations

import heapq
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from waypost.core import times
from waypost.core.errors import NotFound, Problem
from waypost.ports import Fate, Rejection
from waypost.stores.dynamodb.table import ConditionFailed, Table, each
from waypost.stores.dynamodb.texts import raw_attributes, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from waypost.stores.dynamodb.table import Item

_PAGE: Final = 250
"""Keys read from an index at once."""


class Quarantine:
    """The table of rejected events: hash key ``rejectionId``.

    The index ``fate`` (``fate``, ``arrival``) has them in the order in which they came: by
    record time, then by their place in the call, then by id.
    """

    def __init__(self, client: Any, name: str, *, workers: int) -> None:
        """Use the table ``name`` with so many threads."""
        self._table = Table(client, name, "rejectionId")
        self._workers = workers

    def add(self, rejections: Sequence[Rejection]) -> None:
        """Add rejections; one whose id is there already changes nothing."""
        items = [_item(rejection, place) for place, rejection in enumerate(rejections)]
        each(self._table.put_new, items, workers=self._workers)

    def listed(self, fate: Fate | None, after: str | None, limit: int) -> list[Rejection]:
        """Return rejections in their order, from what follows ``after``.

        Raises:
            NotFound: if there is no ``after``.
        """
        start = "" if after is None else self._one(after)["arrival"]["S"]
        fates = list(Fate) if fate is None else [fate]
        arrivals = heapq.merge(*(self._arrivals(one, start) for one in fates))
        ids = [rejection_id for _, rejection_id in islice(arrivals, limit)]
        found = self._table.get(ids)
        return [_read(found[i]) for i in ids if i in found]

    def _arrivals(self, fate: Fate, start: str) -> Iterator[tuple[str, str]]:
        for item in self._table.pages(
            "query",
            IndexName="fate",
            KeyConditionExpression="fate = :fate AND arrival > :start",
            ExpressionAttributeValues={":fate": {"S": fate.value}, ":start": {"S": start or "0"}},
            Limit=_PAGE,
        ):
            yield item["arrival"]["S"], item["rejectionId"]["S"]

    def one(self, rejection_id: str) -> Rejection:
        """Return the rejection of an id.

        Raises:
            NotFound: if there is none.
        """
        return _read(self._one(rejection_id))

    def _one(self, rejection_id: str) -> Item:
        found = self._table.get([rejection_id])
        if rejection_id not in found:
            raise _not_found(rejection_id)
        return found[rejection_id]

    def settle(self, rejection_id: str, fate: Fate) -> None:
        """Note what became of a rejection.

        Raises:
            NotFound: if there is none of that id.
        """
        try:
            self._table.call(
                "update_item",
                Key={"rejectionId": {"S": rejection_id}},
                UpdateExpression="SET fate = :fate",
                ConditionExpression="attribute_exists(rejectionId)",
                ExpressionAttributeValues={":fate": {"S": fate.value}},
            )
        except ConditionFailed:
            raise _not_found(rejection_id) from None


def read_problems(item: Item) -> tuple[Problem, ...]:
    """Return the reasons of a rejected event; the item may be one of the table's stream."""
    return tuple(Problem(path, message) for path, message in json.loads(item["problems"]["S"]))


def _item(rejection: Rejection, place: int) -> Item:
    problems = [(problem.path, problem.message) for problem in rejection.problems]
    item = {
        "rejectionId": {"S": rejection.rejection_id},
        "arrival": {"S": f"{rejection.record_time:015}.{place:06}.{rejection.rejection_id}"},
        "recordTime": {"S": times.format_time(rejection.record_time)},
        "source": {"S": rejection.source},
        "envelopeId": {"S": rejection.envelope_id},
        "problems": {"S": json.dumps(problems)},
        "fate": {"S": rejection.fate.value},
        **raw_attributes(rejection.raw),
    }
    if rejection.envelope_time is not None:
        item["envelopeTime"] = {"S": times.format_time(rejection.envelope_time)}
    return item


def _read(item: Item) -> Rejection:
    envelope_time = item.get("envelopeTime")
    return Rejection(
        rejection_id=item["rejectionId"]["S"],
        record_time=times.parse_time(item["recordTime"]["S"])[0],
        source=item["source"]["S"],
        envelope_id=item["envelopeId"]["S"],
        envelope_time=times.parse_time(envelope_time["S"])[0] if envelope_time else None,
        raw=unpack(item["rawEvent"]),
        problems=read_problems(item),
        fate=Fate(item["fate"]["S"]),
    )


def _not_found(rejection_id: str) -> NotFound:
    return NotFound(f"no rejected event {rejection_id}")
