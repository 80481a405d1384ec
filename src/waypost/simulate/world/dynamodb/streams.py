"""Stream records.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from waypost.simulate.world.dynamodb.shapes import TableShape
    from waypost.simulate.world.dynamodb.values import Item

_FIRST: Final = 10**20
"""Sequence numbers have at least 21 digits."""


def stream_record(
    shape: TableShape, number: int, now: int, new: Item, old: Item | None
) -> dict[str, Any]:
    """Return the record of a change, the ``number``-th of all.

    Args:
        shape: of the table that has the stream.
        number: those of later changes are larger.
        now: epoch milliseconds.
        new: the item as it is.
        old: the item as it was, if there was one.
    """
    both = shape.stream == "NEW_AND_OLD_IMAGES" and old is not None
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT" if old is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": now // 1_000,
            "Keys": {name: new[name] for name in shape.keys},
            "NewImage": new,
            **({"OldImage": old} if both else {}),
            "SequenceNumber": str(_FIRST + number),
            "StreamViewType": shape.stream,
        },
    }
