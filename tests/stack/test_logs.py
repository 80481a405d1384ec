"""A line of a log is shown once; what is missing to connect is said."""

from __future__ import annotations

from typing import Any

import pytest

from waypost.core.errors import InvalidSettings
from waypost.stack import logs
from waypost.stack.connection import Connection, aws_errors
from waypost.stack.errors import AwsFailed
from waypost.stack.logs import Tail


class Log:
    """A log that is read again from a time on."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.starts: list[int] = []

    def get_paginator(self, _: str) -> Log:
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803 (AWS calls them so)
        assert logGroupName == "/aws/lambda/f"
        self.starts.append(startTime)
        return [{"events": [one]} for one in self.events if one["timestamp"] >= startTime]


def line(time: int, text: str, **more: str) -> dict[str, Any]:
    return {"timestamp": time, "message": f"{text}\n", **more}


def test_a_line_that_comes_late_is_shown_and_none_twice() -> None:
    log = Log()
    tail = Tail(log, ["f"], since=0)

    log.events = [line(90_000, "b", eventId="2")]
    assert [one.text for one in tail.read()] == ["b"]
    log.events += [line(70_000, "a", eventId="1"), line(90_000, "c", eventId="3")]
    assert [one.text for one in tail.read()] == ["a", "c"]
    assert log.starts == [0, 60_000]


def test_what_gives_no_ids_is_known_by_its_text() -> None:
    log = Log()
    tail = Tail(log, ["f"], since=0)
    log.events = [line(1, "a"), line(1, "b")]

    assert len(tail.read()) == 2
    assert tail.read() == []


def test_only_so_many_lines_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "REMEMBERED", 2)
    log = Log()
    tail = Tail(log, ["f"], since=0)
    log.events = [line(1, text) for text in "abc"]

    tail.read()

    assert len(tail._seen) == 2


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A machine that knows nothing of AWS."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "region"),
        ({"profile": "nobody"}, "nobody"),
        ({"region": "eu-central-1"}, "credentials"),
        ({"region": "eu-central-1", "endpoint_url": "nowhere"}, "endpoint"),
    ],
)
def test_what_is_missing_to_connect_is_a_setting(options: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidSettings, match=problem), aws_errors():
        Connection(**options).client("sts").get_caller_identity()


def test_what_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.stack.connection.ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    nowhere = Connection(region="eu-central-1", endpoint_url="http://127.0.0.1:9")

    with pytest.raises(AwsFailed, match="cannot be used"), aws_errors():
        nowhere.client("sts").get_caller_identity()


def test_an_error_that_is_none_of_aws_is_raised_on() -> None:
    with pytest.raises(ValueError, match="other"), aws_errors():
        raise ValueError("other")
