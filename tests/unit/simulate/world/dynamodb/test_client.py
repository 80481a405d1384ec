"""What the model answers: what moto does, call by call, and what moto lets pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.aws import aws_client
from tests.support.clocks import NOON
from tests.support.tables import create_tables
from waypost.simulate.world.dynamodb import DynamoModel, NotModelled, home_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHAPES: Final = home_tables("test")
LOGS, STATE, REJECTED = (shape.name for shape in SHAPES)
IS_NEW: Final = "attribute_not_exists(shipmentId)"


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    with mock_aws():
        client = aws_client("dynamodb")
        create_tables(client, logs=LOGS, state=STATE, rejected=REJECTED)
        yield client


@pytest.fixture
def model() -> DynamoModel:
    return DynamoModel(SHAPES, now=lambda: NOON)


def text(**values: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in values.items()}


def entry(shipment_id: str, timestamp: int, **values: str) -> dict[str, Any]:
    return {**text(shipmentId=shipment_id, **values), "timestamp": {"N": str(timestamp)}}


def state(shipment_id: str, version: int, **values: str) -> dict[str, Any]:
    return {**text(shipmentId=shipment_id, **values), "version": {"N": str(version)}}


def said(do: Callable[[Any], Any], client: Any) -> Any:
    """Return an answer without its metadata, or the code, the status and the item of an error."""
    try:
        answer = do(client)
    except ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        reasons = [reason["Code"] for reason in answer.get("CancellationReasons", [])]
        return answer["Error"]["Code"], status, answer.get("Item"), reasons
    unasked = {"ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics"}
    return {name: value for name, value in answer.items() if name not in unasked}


def put(table: str, item: dict[str, Any], **options: Any) -> Callable[[Any], Any]:
    return lambda client: client.put_item(TableName=table, Item=item, **options)


def transact(*saves: tuple[str, int], **more: str) -> Callable[[Any], Any]:
    """Save versions of shipments that were read at version 1."""
    updates = [
        {
            "TableName": STATE,
            "Key": text(shipmentId=shipment_id),
            "UpdateExpression": "SET version = :version, told = :told REMOVE #open",
            "ConditionExpression": "version = :read",
            "ExpressionAttributeNames": {"#open": "openShard"},
            "ExpressionAttributeValues": {
                **{f":{name}": {"N": str(n)} for name, n in (("version", version), ("read", 1))},
                ":told": {"S": more.get("told", "")},
            },
        }
        for shipment_id, version in saves
    ]
    return lambda client: client.transact_write_items(
        TransactItems=[{"Update": u} for u in updates]
    )


def batch(*ids: str, **options: Any) -> Callable[[Any], Any]:
    request = {"Keys": [text(shipmentId=i) for i in ids], "ConsistentRead": True, **options}
    return lambda client: client.batch_get_item(RequestItems={STATE: request})


def query(condition: str, table: str = LOGS, **options: Any) -> Callable[[Any], Any]:
    values = {name: options.pop(name) for name in ("id", "after") if name in options}
    given = {f":{name}": {"S": v} if isinstance(v, str) else v for name, v in values.items()}
    return lambda client: client.query(
        TableName=table,
        KeyConditionExpression=condition,
        ExpressionAttributeValues=given,
        **options,
    )


def update(key: str, update: str = "SET fate = :fate", **options: Any) -> Callable[[Any], Any]:
    arguments = {
        "ConditionExpression": "attribute_exists(rejectionId)",
        "ExpressionAttributeValues": {":fate": {"S": "settled"}},
        **options,
    }
    return lambda client: client.update_item(
        TableName=REJECTED, Key=text(rejectionId=key), UpdateExpression=update, **arguments
    )


BEFORE: Final = [
    put(LOGS, entry("A", NOON, status="LOST")),
    put(LOGS, entry("A", NOON + 1)),
    put(LOGS, entry("A", NOON + 10)),
    put(STATE, state("A", 1, openShard="3")),
    put(STATE, state("B", 2, openShard="3")),
    put(STATE, state("C", 1)),
    put(STATE, {**state("D", 1, dueShard="3"), "dueAt": {"N": "100"}}),
    put(STATE, {**state("E", 1, dueShard="3"), "dueAt": {"N": "20"}}),
    put(STATE, {**state("F", 1, dueShard="3"), "dueAt": {"N": "3"}}),
    put(REJECTED, text(rejectionId="r", fate="open", arrival="1", problems="[]")),
]
READ_IS_1: Final = {
    "ConditionExpression": "version = :read",
    "ExpressionAttributeValues": {":read": {"N": "1"}},
}
OLD: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
CALLS: Final = {
    "a condition that fails": put(LOGS, entry("A", NOON), ConditionExpression=IS_NEW),
    "and the item in the way": put(LOGS, entry("A", NOON), ConditionExpression=IS_NEW, **OLD),
    "a version of another's": put(STATE, state("B", 2), **READ_IS_1),
    "a version of none": put(STATE, state("Z", 2), **READ_IS_1),
    "a version that is right": put(STATE, state("A", 1, openShard="3"), **READ_IS_1),
    "a key that lacks": put(LOGS, text(shipmentId="A")),
    "a key that is empty": put(STATE, state("", 1)),
    "a key of another type": put(LOGS, text(shipmentId="A", timestamp="1")),
    "a key of an index that is empty": put(STATE, state("A", 1, openShard="")),
    "a key that is too long": put(STATE, state("x" * 2_049, 1)),
    "an item that is too large": put(STATE, state("A", 1, told="x" * 400 * 1_024)),
    "a table that is not there": put("shipments", state("A", 1)),
    "a transaction": transact(("A", 2), ("C", 2)),
    "a transaction with a conflict": transact(("A", 2), ("B", 2)),
    "a transaction on one item": transact(("A", 2), ("A", 3)),
    "an update": update("r", ExpressionAttributeValues={":fate": {"S": "open"}}),
    "an update that removes": update("r", "SET fate = :fate REMOVE problems"),
    "an update that makes an item": lambda client: client.update_item(
        TableName=LOGS,
        Key=entry("N", NOON),
        UpdateExpression="SET carrier = :carrier",
        ExpressionAttributeValues={":carrier": {"S": "DHL"}},
    ),
    "an update of nothing": update("x"),
    "an update of the key": update("r", "SET rejectionId = :fate"),
    "a partition": query("shipmentId = :id", id="A"),
    "a partition that is empty": query("shipmentId = :id", id="Z"),
    "a page": query("shipmentId = :id", id="A", Limit=2),
    "what follows": query("shipmentId = :id", id="A", ExclusiveStartKey=entry("A", NOON)),
    "an index": query("openShard = :id", STATE, IndexName="open", id="3"),
    "some of an index": query(
        "openShard = :id AND shipmentId > :after", STATE, IndexName="open", id="3", after="A"
    ),
    "what is due": query(
        "dueShard = :id AND dueAt <= :after", STATE, IndexName="due", id="3", after={"N": "20"}
    ),
    "what follows in an index": query(
        "openShard = :id",
        STATE,
        IndexName="open",
        id="3",
        ExclusiveStartKey=text(openShard="3", shipmentId="A"),
    ),
    "an index consistently": query(
        "openShard = :id", STATE, IndexName="open", id="3", ConsistentRead=True
    ),
    "no hash key": query("carrier = :id", id="A"),
    "a value that is not there": query("shipmentId = :after", id="A"),
    "a scan": lambda client: client.scan(
        TableName=REJECTED,
        FilterExpression="attribute_exists(problems)",
        ProjectionExpression="rejectionId, arrival",
    ),
    "one item": batch("A"),
    "no item": batch("Z"),
    "an item twice": batch("A", "A"),
    "some attributes": batch(
        "A", ProjectionExpression="#0, #1", ExpressionAttributeNames={"#0": "version", "#1": "told"}
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_as_moto_does(name: str, moto: Any, model: DynamoModel) -> None:
    for do in BEFORE:
        assert said(do, model) == said(do, moto) == {}
    assert said(CALLS[name], model) == said(CALLS[name], moto)


REFUSED: Final = {
    "a value that nobody uses": query("shipmentId = :id", id="A", after="B"),
    "a key of an index of another type": put(STATE, {**state("A", 1), "dueAt": {"S": "1"}}),
    "no such index": query("openShard = :id", STATE, IndexName="opened", id="3"),
    "two sort keys": query(
        "shipmentId = :id AND timestamp > :after AND timestamp > :after", id="A", after="B"
    ),
    "too large a transaction": transact(*((f"S{i}", 1) for i in range(11)), told="x" * 390_000),
    "too long a transaction": transact(*((f"S{i}", 1) for i in range(101))),
    "too many keys": batch(*(f"S{i}" for i in range(101))),
    "a name that nobody gave": batch("A", ProjectionExpression="#0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_service_refuses_is_refused_as_invalid(name: str, model: DynamoModel) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        REFUSED[name](model)


NOT_MODELLED: Final[dict[str, Callable[[Any], Any]]] = {
    "or": put(LOGS, entry("A", 1), ConditionExpression="shipmentId = :a OR shipmentId = :b"),
    "size": put(LOGS, entry("A", 1), ConditionExpression="size(rawEvent) > :a"),
    "an update that only removes": update("r", "REMOVE fate"),
    "an update that computes": update("r", "SET fate = if_not_exists(fate, :fate)"),
    "a part of an attribute": batch("A", ProjectionExpression="location.country"),
    "a key of a strange type": query("shipmentId = :id", id={"BOOL": True}),
    "a transaction that deletes": lambda c: c.transact_write_items(TransactItems=[{"Delete": {}}]),
    "a batch of two tables": lambda c: c.batch_get_item(RequestItems={LOGS: {}, STATE: {}}),
}


@pytest.mark.parametrize("name", NOT_MODELLED)
def test_what_the_model_does_not_have_is_no_error_of_the_service(
    name: str, model: DynamoModel
) -> None:
    with pytest.raises(NotModelled):
        NOT_MODELLED[name](model)


def test_an_argument_that_the_model_does_not_have_is_a_bug(model: DynamoModel) -> None:
    with pytest.raises(TypeError):
        query("shipmentId = :id", id="A", FilterExpression="version = :id")(model)
