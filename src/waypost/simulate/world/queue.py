"""SQS standard queues, and the client that reads and writes them.

Modelled, each from its page of the SQS Developer Guide
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/):

* messages come in no order, and may come more than once (standard-queues.html);
* a received message is hidden for the visibility timeout, then comes again unless it was deleted
  (sqs-visibility-timeout.html);
* one received more often than maxReceiveCount goes to the dead-letter queue instead of out, and its
  retention counts on from when it was first sent (sqs-dead-letter-queues.html);
* a message may be sent with a delay (sqs-delay-queues.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from waypost.core.times import SECOND

if TYPE_CHECKING:
    from waypost.simulate.world.faults import Calls

BATCH: Final = 10
"""The most messages of one ReceiveMessage or SendMessageBatch (their API reference)."""


@dataclass(slots=True)
class Message:
    """A message in a queue.

    Attributes:
        message_id: stays the same for all its deliveries, and in the dead-letter queue.
        body: its text.
        sent_at: epoch ms.
        visible_at: hidden until then, epoch ms.
        receives: how often it was handed out.
    """

    message_id: str
    body: str
    sent_at: int
    visible_at: int
    receives: int = 0

    @property
    def receipt(self) -> str:
        """Stands for its last delivery: whoever has an older one can no longer delete it."""
        return f"{self.message_id}#{self.receives}"


class Queue:
    """A standard queue.

    Attributes:
        name: of the queue.
        visibility: how long a received message is hidden, ms.
        expired: bodies of the messages that nobody deleted within the retention.
        arrived: called whenever a message may have become visible.
    """

    def __init__(
        self,
        calls: Calls,
        name: str,
        *,
        visibility: int,
        retention: int,
        max_receives: int | None = None,
        dead: Queue | None = None,
    ) -> None:
        """Create it empty; times in ms."""
        self.name = name
        self.visibility = visibility
        self.expired: list[str] = []
        self.arrived: Callable[[], None] = _nobody
        self._kernel = calls.kernel
        self._calls = calls
        self._retention = retention
        self._max_receives = max_receives
        self._dead = dead
        self._messages: dict[str, Message] = {}
        self._ids = count(1)

    def __len__(self) -> int:
        """Return how many messages are in it, hidden ones too."""
        self._expire()
        return len(self._messages)

    @property
    def bodies(self) -> list[str]:
        """The bodies of all messages, hidden ones too."""
        self._expire()
        return [message.body for message in self._messages.values()]

    def send(self, body: str, delay: int = 0) -> str:
        """Add a message, visible after so many ms; return its id."""
        message_id = f"{self.name}/{next(self._ids)}"
        now = self._kernel.now
        self._add(Message(message_id, body, now, now + delay))
        return message_id

    def _add(self, message: Message) -> None:
        self._messages[message.message_id] = message
        self._kernel.at(message.visible_at, self._arrive)

    def _arrive(self) -> None:
        self.arrived()

    def receive(self, limit: int = BATCH, visibility: int | None = None) -> list[Message]:
        """Hand out some visible messages, in no order, and hide them for a while (ms)."""
        self._expire()
        now = self._kernel.now
        visible = [m for m in self._messages.values() if m.visible_at <= now]
        visible.sort(key=lambda m: self._calls.chance.unit("receive", m.message_id, m.receives))
        taken: list[Message] = []
        for message in visible:
            if len(taken) == limit:
                break
            message.receives += 1
            if self._max_receives is not None and message.receives > self._max_receives:
                self._bury(message)
                continue
            hidden = self.visibility if visibility is None else visibility
            if self._calls.meet(self.name, f"hand out {message.message_id}") is None:
                message.visible_at = now + hidden
                self._kernel.at(message.visible_at, self._arrive)
            else:
                self._kernel.after(SECOND, self._arrive)
            taken.append(message)
        return taken

    def _bury(self, message: Message) -> None:
        del self._messages[message.message_id]
        self._kernel.note(self.name, f"{message.message_id} is a dead letter now")
        if self._dead is not None:
            message.receives = 0
            message.visible_at = self._kernel.now
            self._dead._add(message)  # noqa: SLF001 (a queue of the same kind)

    def delete(self, receipt: str) -> None:
        """Delete a message, unless it was handed out again since."""
        message = self._of(receipt)
        if message is not None:
            del self._messages[message.message_id]

    def hide(self, receipt: str, delay: int) -> None:
        """Let a message become visible after so many ms, unless it was handed out again since."""
        message = self._of(receipt)
        if message is not None:
            message.visible_at = self._kernel.now + delay
            self._kernel.at(message.visible_at, self._arrive)

    def _of(self, receipt: str) -> Message | None:
        message = self._messages.get(receipt.partition("#")[0])
        return message if message is not None and message.receipt == receipt else None

    def _expire(self) -> None:
        oldest = self._kernel.now - self._retention
        for message in [m for m in self._messages.values() if m.sent_at < oldest]:
            del self._messages[message.message_id]
            self.expired.append(message.body)


def _nobody() -> None:
    """Nobody waits for messages."""


class QueueDoesNotExist(Exception):
    """There is no queue of that name."""


class _Exceptions:
    QueueDoesNotExist = QueueDoesNotExist


class SqsModel:
    """The SQS client: the operations that Waypost calls. A queue's URL is its name."""

    exceptions = _Exceptions

    def __init__(self, queues: dict[str, Queue]) -> None:
        """Serve these queues, by name."""
        self._queues = queues

    def get_queue_url(self, *, QueueName: str) -> dict[str, Any]:  # noqa: N803 (botocore's own spelling)
        """Return a queue's URL."""
        if QueueName not in self._queues:
            raise QueueDoesNotExist(QueueName)
        return {"QueueUrl": QueueName}

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:  # noqa: N803 (as above)
        """Send one message."""
        return {"MessageId": self._queues[QueueUrl].send(MessageBody)}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 (as above)
        """Send up to ten messages."""
        queue = self._queues[QueueUrl]
        for entry in Entries:
            queue.send(entry["MessageBody"], entry.get("DelaySeconds", 0) * SECOND)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803 (as above)
        MaxNumberOfMessages: int,  # noqa: N803 (as above)
        WaitTimeSeconds: int,  # noqa: ARG002, N803 (as above; nothing comes while it waits)
        VisibilityTimeout: int,  # noqa: N803 (as above)
    ) -> dict[str, Any]:
        """Receive up to ten messages."""
        found = self._queues[QueueUrl].receive(MaxNumberOfMessages, VisibilityTimeout * SECOND)
        return {
            "Messages": [
                {"MessageId": m.message_id, "ReceiptHandle": m.receipt, "Body": m.body}
                for m in found
            ]
        }

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:  # noqa: N803 (as above)
        """Delete a message."""
        self._queues[QueueUrl].delete(ReceiptHandle)
        return {}

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803 (as above)
        ReceiptHandle: str,  # noqa: N803 (as above)
        VisibilityTimeout: int,  # noqa: N803 (as above)
    ) -> dict[str, Any]:
        """Let a message become visible earlier or later."""
        self._queues[QueueUrl].hide(ReceiptHandle, VisibilityTimeout * SECOND)
        return {}
