"""SNS: what is published, and what its refusals mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from tests.support.messages import message, rejected
from waypost.core.errors import NotifyFailed
from waypost.notifiers.sns import TEXT_LIMIT, SnsNotifier


class Client:
    """The one call of an SNS client that matters."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.published: list[dict[str, Any]] = []

    def publish(self, **arguments: Any) -> None:
        if self.error is not None:
            raise self.error
        self.published.append(arguments)


def refused(status: int, code: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Publish")


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (refused(400, "InvalidParameter"), True),
        (refused(403, "AuthorizationError"), True),
        (refused(404, "NotFound"), True),
        (refused(400, "Throttling"), False),
        (refused(400, "KMSThrottling"), False),
        (refused(429, "TooManyRequests"), False),
        (refused(500, "InternalError"), False),
        (ConnectTimeoutError(endpoint_url="https://sns"), False),
    ],
)
def test_a_refusal_is_permanent_where_a_retry_is_in_vain(error: Exception, permanent: bool) -> None:
    with pytest.raises(NotifyFailed) as raised:
        SnsNotifier(lambda: Client(error), "arn").send(message())
    assert raised.value.permanent is permanent


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    client = Client()
    SnsNotifier(lambda: client, "arn").send(message(text="ü" * TEXT_LIMIT))
    text = client.published[0]["Message"]
    assert len(text.encode()) < 262_144
    assert text.endswith("the rest did not fit into one message.\n")


def test_no_control_characters_are_sent() -> None:
    client = Client()
    SnsNotifier(lambda: client, "arn").send(message(text="a\x1b[2J\x00\r\nb\ud800"))
    assert client.published[0]["Message"] == "a?[2J??\nb?"


def test_a_client_is_made_once_and_only_when_there_is_something_to_say() -> None:
    made: list[Client] = []

    def connect() -> Client:
        made.append(Client())
        return made[-1]

    notifier = SnsNotifier(connect, "arn")
    assert made == []
    notifier.send(message(1))
    notifier.send(message(2))
    assert len(made) == 1


def test_attributes_are_there_for_filters() -> None:
    client = Client()
    notifier = SnsNotifier(lambda: client, "arn")
    notifier.send(message(counts={"LOST": 1, "DAMAGED": 70}))
    notifier.send(rejected({"is not JSON": 1}))
    incidents, rejections = (call["MessageAttributes"] for call in client.published)
    assert json.loads(incidents["conditions"]["StringValue"]) == ["DAMAGED", "LOST"]
    assert incidents["kind"]["StringValue"] == "incident"
    assert rejections["kind"]["StringValue"] == "rejected"
    assert "conditions" not in rejections
