"""The tables of the simulated world are those of the template."""

from __future__ import annotations

from typing import Any

from tests.support.templates import Stack
from waypost.simulate.world.dynamodb import TableShape, home_tables


def shape_of(table: dict[str, Any]) -> TableShape:
    """Return the shape of a table that CloudFormation makes; no index projects all."""
    indexes = table.get("GlobalSecondaryIndexes", [])
    projections = {index["IndexName"]: index["Projection"] for index in indexes}
    assert {p["ProjectionType"] for p in projections.values()} <= {"KEYS_ONLY", "INCLUDE"}
    types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
    keys = names(table)
    return TableShape(
        table["TableName"],
        keys[0],
        keys[1] if len(keys) > 1 else None,
        indexes={index["IndexName"]: names(index) for index in indexes},
        projected={
            name: tuple(projection["NonKeyAttributes"])
            for name, projection in projections.items()
            if "NonKeyAttributes" in projection
        },
        numbers=frozenset(name for name, kind in types.items() if kind == "N"),
        stream=table.get("StreamSpecification", {}).get("StreamViewType"),
    )


def names(keyed: dict[str, Any]) -> Any:
    kinds = [key["KeyType"] for key in keyed["KeySchema"]]
    assert kinds == ["HASH", "RANGE"][: len(kinds)]
    return tuple(key["AttributeName"] for key in keyed["KeySchema"])


def test_they_have_the_templates_keys_indexes_and_streams(stack: Stack) -> None:
    made = [shape_of(table.properties) for table in stack.resources("AWS::DynamoDB::Table")]
    environment = made[0].name.removeprefix("shipment-logs-")
    assert made == list(home_tables(environment))
