"""The re-fold queue, against SQS itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto import mock_aws

from tests.support.aws import Refusing, aws_client
from waypost.aws_lambda.refolds import BATCH, RefoldQueue
from waypost.core.errors import StoreUnavailable

IDS = ["A", "Ü\x1f\ud800", *(f"S{number}" for number in range(BATCH))]


def received(client: Any, url: str) -> list[Any]:
    bodies: list[Any] = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += (json.loads(message["Body"]) for message in messages)
    return bodies


def test_a_queue_that_is_not_reached_is_an_outage_like_that_of_a_table() -> None:
    with mock_aws():
        client = aws_client("sqs")
        Refusing(client, "SendMessageBatch").start(503, "ServiceUnavailable")
        with pytest.raises(StoreUnavailable, match="the re-fold queue"):
            RefoldQueue(lambda: client, "https://sqs/refolds").add(["A"])


def test_any_number_of_shipments_with_any_id_gets_there() -> None:
    with mock_aws():
        client = aws_client("sqs")
        url = client.create_queue(QueueName="refolds")["QueueUrl"]
        RefoldQueue(lambda: client, url).add(IDS)
        assert sorted(body["shipmentId"] for body in received(client, url)) == sorted(IDS)


def test_nothing_to_add_makes_no_client() -> None:
    def connect() -> None:
        raise AssertionError

    RefoldQueue(connect, "https://sqs/refolds").add([])
