"""The tables' keys, indexes and streams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class TableShape:
    """What a table was created with.

    Attributes:
        hash_key: the attribute that is the partition key.
        range_key: the attribute that is the sort key, if it has one.
        indexes: global secondary ones: name to hash and range key.
        projected: what indexes project beside the keys, if they do: name to attributes.
        numbers: the key attributes of type N; all others have type S.
        stream: what its stream shows of each change; None if it has no stream.
    """

    name: str
    hash_key: str
    range_key: str | None = None
    indexes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    projected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    stream: Literal["NEW_AND_OLD_IMAGES", "NEW_IMAGE"] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The attributes of the primary key."""
        return (self.hash_key,) if self.range_key is None else (self.hash_key, self.range_key)


def home_tables(environment: str) -> tuple[TableShape, TableShape, TableShape]:
    """Return the tables of updates, of state and of rejected events, as the stack makes them."""
    return (
        TableShape(
            f"shipment-logs-{environment}",
            "shipmentId",
            "timestamp",
            numbers=frozenset({"timestamp"}),
            stream="NEW_AND_OLD_IMAGES",
        ),
        TableShape(
            f"shipment-state-{environment}",
            "shipmentId",
            indexes={
                "listing": ("listingShard", "shipmentId"),
                "open": ("openShard", "shipmentId"),
                "undecided": ("undecidedShard", "shipmentId"),
                "codes": ("codesShard", "shipmentId"),
                "due": ("dueShard", "dueAt"),
            },
            projected={"open": ("openIncidents",)},
            numbers=frozenset({"dueAt"}),
        ),
        TableShape(
            f"shipment-rejected-{environment}",
            "rejectionId",
            indexes={"fate": ("fate", "arrival")},
            stream="NEW_IMAGE",
        ),
    )
