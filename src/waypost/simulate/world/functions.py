"""Lambda: functions in sandboxes, and what invokes them from queues and asynchronously.

Modelled, each from its page of the Lambda Developer Guide
(https://docs.aws.amazon.com/lambda/latest/dg/):

* a sandbox serves one event at a time and is used again, also after an error; one that was killed
  is not (lambda-runtime-environment.html);
* a function that runs longer than its timeout is killed (configuration-timeout.html);
* a queue's mapping hands out batches, and deletes what was not reported failed; after an error
  the whole batch comes again once its visibility timeout has passed (services-sqs-errorhandling.html);
* an asynchronous event is tried again after one minute, then two; after the last failure its record
  goes to the destination for failures (invocation-async-error-handling.html).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from waypost.core.times import SECOND
from waypost.simulate.world.faults import FaultKind
from waypost.simulate.world.queue import BATCH

if TYPE_CHECKING:
    from waypost.aws_lambda.environment import Handler
    from waypost.simulate.world.faults import Calls
    from waypost.simulate.world.kernel import Ended, Kernel, Process
    from waypost.simulate.world.queue import Message, Queue

MINUTE: Final = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Answer:
    """How an invocation ended.

    Attributes:
        value: what the function returned; None if it did not.
        error: what it raised; None if it did not.
        timed_out: it had not ended at its timeout.
    """

    value: Any = None
    error: BaseException | None = None
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether the function returned."""
        return self.error is None and not self.timed_out


class Output(io.StringIO):
    """The standard output of a sandbox; what a killed process writes is not heard."""

    def __init__(self, kernel: Kernel, lines: list[str]) -> None:
        super().__init__()
        self._kernel = kernel
        self._lines = lines

    def write(self, text: str) -> int:
        """Add lines, if whoever writes is alive."""
        process = self._kernel.current
        if process is not None and not process.doomed:
            self._lines += text.splitlines()
        return len(text)


@dataclass(slots=True, eq=False)
class _Invocation:
    """One invocation: the context that the function gets, and what is known of its end."""

    kernel: Kernel
    deadline: int
    done: Callable[[Answer], None]
    sandbox: Handler
    process: Process | None = None
    answered: bool = False

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still take."""
        return max(0, self.deadline - self.kernel.now)

    def answer(self, answer: Answer) -> None:
        """Tell whoever invoked it, once."""
        if not self.answered:
            self.answered = True
            self.done(answer)


@dataclass(slots=True)
class Function:
    """A function.

    Attributes:
        name: of the function; its calls are counted under it.
        timeout: ms.
        build: makes a sandbox: puts the handler together.
        logs: what it wrote to its standard output, line by line.
        errors: what it raised, by anything but a kill.
        running: invocations that have not ended, zombies too.
    """

    name: str
    timeout: int
    build: Callable[[Output], Handler]
    calls: Calls
    logs: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    running: int = 0
    _idle: list[Handler] = field(default_factory=list)

    def invoke(self, event: Any, done: Callable[[Answer], None]) -> None:
        """Invoke it; ``done`` is told how it ended, at its timeout at the latest."""
        if self.calls.is_down(self.name):
            self.calls.kernel.note(self.name, "cannot be started")
            done(Answer(error=RuntimeError("the function cannot be started")))
            return
        sandbox = (
            self._idle.pop() if self._idle else self.build(Output(self.calls.kernel, self.logs))
        )
        invocation = _Invocation(
            self.calls.kernel, self.calls.kernel.now + self.timeout, done, sandbox
        )
        self.running += 1
        # Lambda hands over JSON: nothing of an event is shared with whoever invoked it.
        own = json.loads(json.dumps(event))
        invocation.process = self.calls.kernel.start(
            self.name, lambda: sandbox(own, invocation), lambda ended: self._end(invocation, ended)
        )
        self.calls.kernel.after(self.timeout, lambda: self._expire(invocation))

    def _end(self, invocation: _Invocation, ended: Ended) -> None:
        self.running -= 1
        if ended.killed:
            self.calls.kernel.note(self.name, "its sandbox is gone")
        else:
            self._idle.append(invocation.sandbox)
        if ended.error is not None and not ended.killed:
            self.errors.append(ended.error)
            self.calls.kernel.note(self.name, f"raises {type(ended.error).__name__}")
        invocation.answer(Answer(value=ended.value, error=ended.error))

    def _expire(self, invocation: _Invocation) -> None:
        process = invocation.process
        if invocation.answered or process is None:
            return
        self.calls.kernel.note(self.name, "has timed out")
        if not process.is_zombie:
            process.kill()
        invocation.answer(Answer(timed_out=True))


class QueueMapping:
    """Hands a queue's messages to a function, in batches.

    Polled when there may be something: the delay stands for the pollers' own.
    """

    def __init__(
        self,
        calls: Calls,
        queue: Queue,
        function: Function,
        *,
        batch: int,
        concurrency: int,
    ) -> None:
        """Read ``queue`` with at most so many invocations at a time, each of at most ``batch``."""
        self._kernel = calls.kernel
        self._calls = calls
        self._queue = queue
        self._function = function
        self._batch = min(batch, BATCH)
        self._concurrency = concurrency
        self._running = 0
        self._polls = 0
        self._waiting = False
        queue.arrived = self._wake

    def _wake(self) -> None:
        if not self._waiting and self._running < self._concurrency:
            self._waiting = True
            self._polls += 1
            delay = self._calls.chance.between(1, 200, "poll", self._queue.name, self._polls)
            self._kernel.after(delay, self._poll)

    def _poll(self) -> None:
        self._waiting = False
        if self._running >= self._concurrency:
            return
        messages = self._queue.receive(self._batch)
        if not messages:
            return
        self._running += 1
        records = [_record(message) for message in messages]
        receipts = {message.message_id: message.receipt for message in messages}
        self._kernel.note(self._queue.name, f"hands out {', '.join(receipts)}")
        self._function.invoke({"Records": records}, lambda answer: self._end(receipts, answer))
        self._wake()

    def _end(self, receipts: dict[str, str], answer: Answer) -> None:
        self._running -= 1
        failed = self._failed(receipts, answer)
        for message_id in (one for one in receipts if one not in failed):
            if self._calls.meet(f"{self._queue.name} mapping", f"delete {message_id}") is None:
                self._queue.delete(receipts[message_id])
        self._wake()

    def _failed(self, receipts: dict[str, str], answer: Answer) -> set[str]:
        """Return the messages that are not to be deleted.

        An identifier that is none of the batch's fails the whole batch.
        """
        if not answer.ok:
            return set(receipts)
        said = (answer.value or {}).get("batchItemFailures") or []
        failed = {failure["itemIdentifier"] for failure in said}
        return failed if failed <= receipts.keys() else set(receipts)


def _record(message: Message) -> dict[str, Any]:
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "eventSource": "aws:sqs",
    }


class AsyncInvoker:
    """Lambda's own queue of asynchronous events for one function."""

    def __init__(self, calls: Calls, function: Function, *, retries: int, dead: Queue) -> None:
        """Retry so often, then send a record of the event to ``dead``."""
        self._kernel = calls.kernel
        self._calls = calls
        self._function = function
        self._retries = retries
        self._dead = dead
        self.waiting = 0

    def invoke(self, payload: Any) -> None:
        """Take an event, and try until it is done or given up."""
        self.waiting += 1
        self._try(payload, 0)

    def _try(self, payload: Any, attempt: int) -> None:
        self._function.invoke(payload, lambda answer: self._end(payload, attempt, answer))

    def _end(self, payload: Any, attempt: int, answer: Answer) -> None:
        fault = self._calls.meet(f"{self._function.name} invoker", "note the end of an event")
        if answer.ok and (fault is None or fault.kind is not FaultKind.UNACKNOWLEDGED):
            self.waiting -= 1
        elif attempt < self._retries:
            self._kernel.after((attempt + 1) * MINUTE, lambda: self._try(payload, attempt + 1))
        else:
            self.waiting -= 1
            condition = "RetriesExhausted"
            record = {"requestContext": {"condition": condition}, "requestPayload": payload}
            self._dead.send(json.dumps(record))
