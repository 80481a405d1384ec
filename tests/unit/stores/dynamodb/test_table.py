"""Every error of botocore's becomes one of ours, and no answer is taken for the whole."""

from __future__ import annotations

from typing import Any, Final

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from waypost.core.errors import StoreUnavailable, StoreUnusable
from waypost.stores.dynamodb.table import BATCH, TRIES, ConditionFailed, Table, each

URL: Final = "https://dynamodb.eu-central-1.amazonaws.com/"


class Client:
    """Answers each call with the next of some answers, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Any:
        def answer(**arguments: Any) -> Any:
            self.asked.append(arguments)
            result = self.answers.pop(0)
            if isinstance(result, Exception):
                raise result
            return result

        return answer


def refusal(code: str, status: int = 400, **more: Any) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "PutItem")


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    return refusal("TransactionCanceledException", CancellationReasons=reasons)


@pytest.mark.parametrize(
    "error",
    [
        refusal("ProvisionedThroughputExceededException"),
        refusal("ThrottlingException"),
        refusal("RequestLimitExceeded"),
        refusal("TransactionConflictException"),
        refusal("InternalServerError", 500),
        refusal("SomethingNew", 503),
        pytest.param(cancelled("None", "TransactionConflict"), id="conflict"),
        pytest.param(cancelled("ThrottlingError", "None"), id="throttled"),
        ConnectTimeoutError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
    ],
    ids=str,
)
def test_what_may_pass_makes_the_store_unavailable(error: Exception) -> None:
    with pytest.raises(StoreUnavailable, match="table logs"):
        Table(Client(error), "logs", "shipmentId").call("put_item")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (refusal("AccessDeniedException"), "grant that action"),
        (refusal("ResourceNotFoundException"), "deploy the stack"),
        (refusal("ValidationException"), "stack's template"),
        (refusal("ExpiredTokenException"), "credentials"),
        (refusal("SomethingNew"), "a retry cannot help"),
        (cancelled("ValidationError", "None"), "a retry cannot help"),
        (NoCredentialsError(), "credentials"),
        (BotoCoreError(), "cannot be called"),
    ],
    ids=str,
)
def test_what_stays_makes_the_store_unusable_and_says_what_to_do(
    error: Exception, advice: str
) -> None:
    with pytest.raises(StoreUnusable, match=advice):
        Table(Client(error), "logs", "shipmentId").call("put_item")


@pytest.mark.parametrize(
    "error",
    [
        refusal("ConditionalCheckFailedException"),
        pytest.param(cancelled("None", "ConditionalCheckFailed"), id="of one"),
        pytest.param(cancelled("TransactionConflict", "ConditionalCheckFailed"), id="and more"),
    ],
    ids=str,
)
def test_a_condition_that_fails_is_no_fault(error: Exception) -> None:
    with pytest.raises(ConditionFailed):
        Table(Client(error), "logs", "shipmentId").transact([])


def test_the_item_that_has_the_key_comes_with_the_refusal() -> None:
    occupant = {"shipmentId": {"S": "A"}}
    client = Client(refusal("ConditionalCheckFailedException", Item=occupant))
    assert Table(client, "logs", "shipmentId").put_new({}) == occupant


def test_pages_are_followed_to_the_last_even_where_one_is_empty() -> None:
    client = Client(
        {"Items": [item("1")], "LastEvaluatedKey": "a"},
        {"Items": [], "LastEvaluatedKey": "b"},
        {"Items": [item("2")]},
    )
    found = list(Table(client, "logs", "shipmentId").pages("query", Limit=1))
    assert found == [item("1"), item("2")]
    assert [asked.get("ExclusiveStartKey") for asked in client.asked] == [None, "a", "b"]
    assert all(asked["Limit"] == 1 for asked in client.asked)


def item(name: str) -> dict[str, Any]:
    return {"shipmentId": {"S": name}}


def batch(*names: str, left: tuple[str, ...] = ()) -> dict[str, Any]:
    unprocessed = {"logs": {"Keys": [item(name) for name in left]}} if left else {}
    return {
        "Responses": {"logs": [item(name) for name in names]} if names else {},
        "UnprocessedKeys": unprocessed,
    }


def test_keys_that_were_not_processed_are_asked_for_again() -> None:
    client = Client(batch("a", left=("b", "c")), batch("b", left=("c",)), batch("c"))
    assert list(Table(client, "logs", "shipmentId").get(["a", "b", "c"])) == ["a", "b", "c"]
    assert client.asked[2]["RequestItems"] == {"logs": {"Keys": [item("c")]}}


def test_a_table_that_processes_nothing_is_asked_with_pauses_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    client = Client(*[batch(left=("a",))] * (TRIES + 1))
    with pytest.raises(StoreUnavailable, match="throttled"):
        Table(client, "logs", "shipmentId").get(["a"])
    assert len(client.asked) == TRIES
    assert pauses == [0.05, 0.1, 0.2, 0.4]


def test_a_table_that_recovers_is_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    nothing = [batch(left=("a", "b"))] * (TRIES - 1)
    client = Client(*nothing, batch("a", left=("b",)), *nothing, batch("b"))
    assert list(Table(client, "logs", "shipmentId").get(["a", "b"])) == ["a", "b"]


def test_many_keys_are_read_in_batches_each_key_once_and_what_is_no_key_not_at_all() -> None:
    names = [f"{i}" for i in range(BATCH + 1)]
    client = Client(batch(*names[:BATCH]), batch(names[BATCH]))
    found = Table(client, "logs", "shipmentId").get(["", *names, "0", "é" * 1_025])
    assert list(found) == names
    assert [len(asked["RequestItems"]["logs"]["Keys"]) for asked in client.asked] == [BATCH, 1]


@pytest.mark.parametrize("workers", [1, 4])
def test_results_come_in_the_order_of_the_values(workers: int) -> None:
    assert list(each(str, range(50), workers=workers)) == [str(i) for i in range(50)]


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_error_is_raised(workers: int) -> None:
    def fail(value: int) -> None:
        if value == 7:
            raise StoreUnavailable(str(value))

    with pytest.raises(StoreUnavailable, match="7"):
        each(fail, range(50), workers=workers)
