"""Clients of AWS whose calls may go wrong, and what botocore makes of that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from waypost.core.times import SECOND
from waypost.simulate.world.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from waypost.simulate.world.dynamodb import DynamoModel
    from waypost.simulate.world.faults import Calls
    from waypost.simulate.world.functions import Function
    from waypost.simulate.world.kernel import Kernel


class Tables:
    """The DynamoDB client, which lets it be known what is asked before it is."""

    def __init__(self, model: DynamoModel, remember: Callable[[dict[str, Any]], None]) -> None:
        """Tell ``remember`` each request before ``model`` gets it."""
        self._model = model
        self._remember = remember

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            self._remember(request)
            answer: dict[str, Any] = getattr(self._model, operation)(**request)
            return answer

        return call


class Client:
    """A client of a service, whose calls may go wrong."""

    def __init__(self, calls: Calls, service: str, model: Any) -> None:
        """Call ``model``, which stands for a service."""
        self.exceptions = getattr(model, "exceptions", None)
        self._kernel = calls.kernel
        self._calls = calls
        self._service = service
        self._model = model

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            process = self._kernel.current
            return self._calls.make(
                process.name if process else "",
                self._service,
                f"{operation} {_subject(request)}",
                lambda: getattr(self._model, operation)(**request),
                errors=client_errors(operation),
            )

        return call


def _subject(request: Mapping[str, Any]) -> str:
    names = ("QueueUrl", "TopicArn", "FunctionName", "QueueName", "ShardId")
    return next((str(request[name]) for name in names if name in request), "")


class LambdaModel:
    """The client of Lambda: synchronous invocations."""

    def __init__(self, kernel: Kernel, functions: Mapping[str, Function], env: str) -> None:
        """Invoke these functions, by the names that they have in the environment ``env``."""
        self._kernel = kernel
        self._functions = functions
        self._suffix = f"-{env}"

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 (botocore's own spelling)
        """Invoke a function and wait for its end."""
        answers: list[Any] = []
        name = FunctionName.removeprefix("shipment-").removesuffix(self._suffix)
        self._functions[name].invoke(json.loads(Payload), answers.append)
        while not answers:
            self._kernel.sleep(SECOND)
        return {} if answers[0].ok else {"FunctionError": "Unhandled"}


def client_errors(operation: str) -> Callable[[FaultKind], Exception]:
    """Return what botocore makes of each fault, once its own retries are used up."""

    def error(kind: FaultKind) -> Exception:
        if kind is FaultKind.THROTTLED:
            return _client_error(operation, "ThrottlingException", 400)
        if kind is FaultKind.BROKEN:
            return _client_error(operation, "InternalServerError", 500)
        timed_out: Exception = ReadTimeoutError(endpoint_url="https://eu-central-1.amazonaws.com/")
        return timed_out

    return error


def _client_error(operation: str, code: str, status: int) -> Exception:
    answer: Any = {
        "Error": {"Code": code, "Message": "not now"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    error: Exception = ClientError(answer, operation)
    return error
