"""Publishes messages to an SNS topic."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from waypost.core.errors import NotifyFailed
from waypost.ports import AlertKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from waypost.ports import Message

TEXT_LIMIT: Final = 250_000
"""Bytes of text that are sent: SNS takes 262,144 for the text and the attributes."""
_CUT: Final = "\n... the rest did not fit into one message.\n"
_SERVER_FAULT: Final = 500
_TOO_OFTEN: Final = 429


class SnsNotifier:
    """Publishes each message once to one topic, which passes it on to whoever subscribed.

    The attributes ``kind`` and ``conditions`` are there for subscription filters, ``messageId``
    for receivers that want to know a repeat.

    Attributes:
        name: as `waypost.ports.Notifier.name`.
    """

    def __init__(self, connect: Callable[[], Any], topic_arn: str) -> None:
        """Connect to nobody yet.

        Args:
            connect: gives an SNS client of botocore; called once, when there is a first message,
                for making a client takes long and most runs have nothing to say.
            topic_arn: of the topic.
        """
        self.name = "sns"
        self._connect = connect
        self._client: Any = None
        self._topic = topic_arn

    def send(self, message: Message) -> None:
        """Publish a message.

        Raises:
            NotifyFailed: SNS refused it, or did not answer.
        """
        if self._client is None:
            self._client = self._connect()
        try:
            self._client.publish(
                TopicArn=self._topic,
                Subject=message.subject,
                Message=_text(message),
                MessageAttributes=_attributes(message),
            )
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = error.response.get("Error", {}).get("Code", "")
            passing = status >= _SERVER_FAULT or status == _TOO_OFTEN or "Throttl" in code
            raise NotifyFailed(f"SNS answered {status} {code}", permanent=not passing) from error
        except BotoCoreError as error:
            raise NotifyFailed(f"SNS: {type(error).__name__}", permanent=False) from error


def _attributes(message: Message) -> dict[str, dict[str, str]]:
    attributes = {
        "kind": {"DataType": "String", "StringValue": message.kind.value},
        "messageId": {"DataType": "String", "StringValue": message.message_id},
    }
    if message.kind is AlertKind.INCIDENT:
        conditions = json.dumps(sorted(message.counts))
        attributes["conditions"] = {"DataType": "String.Array", "StringValue": conditions}
    return attributes


def _text(message: Message) -> str:
    plain = "".join(c if c.isprintable() or c == "\n" else "?" for c in message.text)
    data = plain.encode()
    if len(data) > TEXT_LIMIT:
        return data[:TEXT_LIMIT].decode(errors="ignore") + _CUT
    return plain or message.subject  # an empty text is refused
