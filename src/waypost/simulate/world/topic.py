"""SNS: a topic, and what it refuses.

Modelled from https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: a subject is ASCII text
of less than 100 characters that begins with a letter, number or punctuation mark and has no
line breaks or control characters; a message has at most 256 KB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

_SUBJECT: Final = 100
_SIZE: Final = 262_144


class SnsModel:
    """The client of SNS; whoever watches learns of each message that is published."""

    def __init__(self, published: Callable[[str], None]) -> None:
        """Tell ``published`` the id of each message (its attribute ``messageId``)."""
        self._published = published

    def publish(
        self,
        *,
        TopicArn: str,  # noqa: N803 (botocore's own spelling)
        Subject: str,  # noqa: N803 (as above)
        Message: str,  # noqa: N803 (as above)
        MessageAttributes: dict[str, dict[str, str]],  # noqa: N803 (as above)
    ) -> dict[str, Any]:
        """Publish a message to all who subscribed."""
        good = Subject.isascii() and Subject.isprintable() and 0 < len(Subject) < _SUBJECT
        if not good or not 0 < len(Message.encode()) <= _SIZE:
            error = {"Code": "InvalidParameter", "Message": f"to {TopicArn}"}
            answer: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(answer, "Publish")
        self._published(MessageAttributes["messageId"]["StringValue"])
        return {"MessageId": MessageAttributes["messageId"]["StringValue"]}
