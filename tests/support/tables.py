"""DynamoDB tables for tests, as `docs/reference/dynamodb.md` has them."""

from __future__ import annotations

import itertools
from typing import Any, Final

from tests.support.clocks import NOON
from waypost.simulate.world.dynamodb import DynamoModel, home_tables
from waypost.stores.dynamodb import DynamoStore

INDEXES: Final[dict[str, tuple[str, ...]]] = {
    "listing": ("listingShard", "shipmentId"),
    "open": ("openShard", "shipmentId"),
    "undecided": ("undecidedShard", "shipmentId"),
    "codes": ("codesShard", "shipmentId"),
    "due": ("dueShard", "dueAt"),
}
PROJECTED: Final[dict[str, list[str]]] = {"open": ["openIncidents"]}
"""What is in an index beside the keys."""
_NUMBERS: Final = {"timestamp", "dueAt"}
_numbers: Final = itertools.count(1)


def create_tables(client: Any, *, logs: str, state: str, rejected: str) -> None:
    """Create the three tables with their indexes."""
    _create(client, logs, ("shipmentId", "timestamp"), {})
    _create(client, state, ("shipmentId",), INDEXES)
    _create(client, rejected, ("rejectionId",), {"fate": ("fate", "arrival")})


def _create(
    client: Any, name: str, keys: tuple[str, ...], indexes: dict[str, tuple[str, ...]]
) -> None:
    attributes = dict.fromkeys(itertools.chain(keys, *indexes.values()))
    more = {
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index,
                "KeySchema": _schema(index_keys),
                "Projection": projection(index),
            }
            for index, index_keys in indexes.items()
        ]
    }
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(keys),
        AttributeDefinitions=[
            {"AttributeName": a, "AttributeType": "N" if a in _NUMBERS else "S"} for a in attributes
        ],
        **(more if indexes else {}),
    )


def projection(index: str) -> dict[str, Any]:
    """Return the projection of an index."""
    if index in PROJECTED:
        return {"ProjectionType": "INCLUDE", "NonKeyAttributes": PROJECTED[index]}
    return {"ProjectionType": "KEYS_ONLY"}


def _schema(keys: tuple[str, ...]) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)]


def new_store(client: Any, **bounds: Any) -> DynamoStore:
    """Return a store in three new, empty tables."""
    number = next(_numbers)
    names: dict[str, Any] = {
        name: f"shipment-{name}-{number}" for name in ("logs", "state", "rejected")
    }
    create_tables(client, **names)
    return DynamoStore(client, **names, **bounds)


def modelled_store(**model: Any) -> DynamoStore:
    """Return a store in new, empty tables of the simulated world's, where time stands still."""
    logs, state, rejected = shapes = home_tables("test")
    client = DynamoModel(shapes, now=lambda: NOON, **model)
    return DynamoStore(client, logs=logs.name, state=state.name, rejected=rejected.name, workers=1)
