"""AWS for tests: clients of moto's, and services that refuse for a while."""

from __future__ import annotations

from typing import Any, Final

import boto3
from botocore.exceptions import ClientError
from moto.sns.models import sns_backends

REGION: Final = "eu-central-1"


def aws_client(service: str) -> Any:
    """Return a client; what answers it is up to the caller (`moto.mock_aws`)."""
    return boto3.client(
        service,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def published(topic_arn: str) -> list[Any]:
    """Return the list, empty now, that moto adds what is published to: (id, text, subject, ...)."""
    account = topic_arn.split(":")[4]
    topic = sns_backends[account][REGION].topics[topic_arn]
    topic.sent_notifications = []
    return topic.sent_notifications


class Refusing:
    """Lets one operation of a client be answered with an error, from `start` to `stop`."""

    def __init__(self, client: Any, operation: str) -> None:
        self._client = client
        self._operation = operation
        self._hook = f"before-call.{client.meta.service_model.service_id.hyphenize()}.{operation}"
        self._answer: dict[str, Any] = {}

    def start(self, status: int, code: str) -> None:
        self._answer = {
            "Error": {"Code": code, "Message": "refused, as it was told to"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        self._client.meta.events.register(self._hook, self._refuse, unique_id="refusing")

    def stop(self) -> None:
        self._client.meta.events.unregister(self._hook, unique_id="refusing")

    def _refuse(self, **_: object) -> None:
        raise ClientError(self._answer, self._operation)
