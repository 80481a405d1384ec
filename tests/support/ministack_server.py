"""MiniStack, with what Lambda promises to an invocation, whatever happens to the function.

Two things in which MiniStack 1.5 differs lose events, or keep them for minutes:

* What a rule invokes, Lambda queues; it tries an error twice more, and a throttle for six hours
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html). MiniStack
  invokes once and forgets the answer. The pauses are shorter here than Lambda's.
* An invocation ends with the code that it began with
  (https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html). MiniStack kills
  all workers of a function that is updated, and of one of whose workers anything went wrong.
"""

from __future__ import annotations

import json
import time
from contextvars import copy_context
from threading import Thread
from typing import Any, Final

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import eventbridge, lambda_svc

ATTEMPTS: Final = 3
PAUSE: Final = 0.5
"""Seconds before the next attempt; Lambda's are one minute, then two."""
PATIENCE: Final = 120.0
"""Seconds after which an event is given up that is throttled; Lambda's are six hours."""

_release: Final = lambda_runtime.release_worker
_retired: Final[set[Any]] = set()
"""Workers of earlier code that have something in hand."""


def invoke(arn: str, payload: str) -> None:
    """Take an invocation, and see to it later."""
    queued = copy_context().run
    Thread(target=queued, args=(_see_to, arn, json.loads(payload)), daemon=True).start()


def _see_to(arn: str, event: Any) -> None:
    end, errors = time.monotonic() + PATIENCE, 0
    while errors < ATTEMPTS and time.monotonic() < end:
        function, *_ = lambda_svc._get_func_record_for_ref(arn)
        if function is None:
            return  # it is deleted
        result = lambda_svc._execute_function_with_config_scope(function, event)
        if not result.get("error"):
            return
        errors += not result.get("throttle")
        time.sleep(PAUSE)


def retire(name: str, qualifier: str | None = None, **_: str) -> None:
    """Have no worker of a function take anything new, and let each finish what it has in hand."""
    with lambda_runtime._lock:
        pools = [
            key
            for key in lambda_runtime._workers
            if key.split(":")[2] == name and qualifier in {None, key.split(":")[3]}
        ]
        workers = [worker for key in pools for worker in lambda_runtime._workers.pop(key)]
        busy = {worker for worker in workers if worker.in_use and not _is_dead(worker)}
        _retired.update(busy)
    lambda_runtime.kill_workers([worker for worker in workers if worker not in busy])


def release(worker: Any) -> None:
    """Take a worker back from an invocation."""
    _release(worker)
    if worker in _retired:
        _retired.discard(worker)
        lambda_runtime.kill_workers([worker])


def _is_dead(worker: Any) -> bool:
    return worker._proc is not None and worker._proc.poll() is not None


if __name__ == "__main__":
    for module, name, ours in (
        (eventbridge, "_dispatch_to_lambda", invoke),
        (lambda_svc, "invalidate_worker", retire),
        (lambda_svc, "release_worker", release),
    ):
        assert callable(getattr(module, name)), name  # or nothing would be replaced
        setattr(module, name, ours)
    main()
