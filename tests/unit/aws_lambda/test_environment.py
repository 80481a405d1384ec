"""What the functions need of Lambda: variables, a Python, and nothing that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from waypost import __version__, aws_lambda
from waypost.aws_lambda import environment
from waypost.core.errors import InvalidSettings

CONTRACT = {"DYNAMODB_TABLE": "logs", "SNS_TOPIC_ARN": "arn:topic", "ENVIRONMENT": "dev"}
TABLES = {"STATE_TABLE": "state", "REJECTED_TABLE": "rejected"}
NEEDED = {
    "lambda_handler": CONTRACT | {"REJECTED_TABLE": "rejected"},
    "notifier_handler": CONTRACT | TABLES | {"REFOLD_QUEUE_URL": "https://sqs/refolds"},
    "sweep_handler": CONTRACT | TABLES,
}
REGION = {"AWS_DEFAULT_REGION": "eu-central-1"}
BOTOCORE = {"botocore", "certifi", "dateutil", "jmespath", "six", "urllib3"}
"""What the Lambda runtime has beside the standard library: botocore and what it needs."""


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for names in NEEDED.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(*next(iter(REGION.items())))
    return monkeypatch


@pytest.mark.parametrize("name", NEEDED)
def test_a_function_says_all_that_its_environment_lacks(
    empty: pytest.MonkeyPatch, name: str
) -> None:
    empty.setenv("ENVIRONMENT", " ")
    with pytest.raises(InvalidSettings) as raised:
        getattr(aws_lambda, name)
    assert {problem.path for problem in raised.value.problems} == NEEDED[name].keys()


@pytest.mark.parametrize("name", NEEDED)
def test_a_function_is_put_together_from_its_environment(
    empty: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in NEEDED[name].items():
        empty.setenv(variable, value)
    assert callable(getattr(aws_lambda, name))


def test_there_is_no_other_function() -> None:
    with pytest.raises(AttributeError, match="no attribute handler"):
        _ = aws_lambda.handler


def test_a_client_gives_up_long_before_its_function_would(empty: pytest.MonkeyPatch) -> None:
    config = environment.client("dynamodb").meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    tries = 3 * (config.connect_timeout + config.read_timeout)
    assert (tries + 1 + 2) * 1_000 <= environment.SLOWEST_CALL


def test_a_client_names_itself_once_and_for_all(empty: pytest.MonkeyPatch) -> None:
    assert environment.client("dynamodb").meta.config.user_agent == f"waypost/{__version__}"


class _Metrics:
    flushed = 0

    def flush(self) -> None:
        self.flushed += 1


def test_numbers_are_published_even_where_the_function_raises() -> None:
    metrics: Any = _Metrics()

    def fail(_: dict[str, Any], __: object) -> dict[str, Any]:
        raise KeyError

    context: Any = None
    with pytest.raises(KeyError):
        environment.flushing(metrics, fail)({}, context)
    assert metrics.flushed == 1


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **REGION, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", NEEDED)
def test_a_function_loads_the_standard_library_and_botocore_alone(name: str) -> None:
    code = f"""
import sys
before = set(sys.modules)
from waypost import __version__, aws_lambda
aws_lambda.{name}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(loaded - sys.stdlib_module_names))
"""
    done = run(code, **NEEDED[name])
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= {"waypost"} | BOTOCORE


def test_a_function_loads_nothing_that_only_another_needs() -> None:
    code = """
import sys
from waypost import __version__, aws_lambda
aws_lambda.lambda_handler
print(*sorted(name for name in sys.modules if name.startswith("waypost.")))
"""
    loaded = run(code, **NEEDED["lambda_handler"]).stdout.split()
    assert "waypost.record" in loaded
    assert not {
        "waypost.core.shipments",
        "waypost.follow.digest",
        "waypost.notifiers.sns",
        "waypost.stores.dynamodb.state",
    } & set(loaded)


def test_an_old_python_is_refused_by_name() -> None:
    done = run("import sys; sys.version_info = (3, 10); import waypost.aws_lambda")
    assert done.returncode != 0
    assert "Waypost needs Python 3.11 or newer" in done.stderr
