"""What the code of a function says about it, without being run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from waypost.stack.lint import beside
from waypost.stack.lint.code import Code, Emitted, read_code

if TYPE_CHECKING:
    from collections.abc import Mapping


def code_of(source: str) -> Code:
    code = read_code({"index.py": source})
    assert isinstance(code, Code)
    return code


@pytest.mark.parametrize(
    "source", ["def", "x = '\\0", "(" * 10_000, "\0", "-" * 100_000 + "1"], ids=range(5)
)
def test_what_is_no_python_is_said_to_be_unreadable(source: str) -> None:
    assert "cannot be read: index.py" in str(read_code({"index.py": source}))


def test_too_much_code_is_not_read() -> None:
    assert "more than 1,048,576 characters" in str(read_code({"a.py": "x" * 2**21}))


@pytest.mark.parametrize(
    ("source", "needed", "read", "more"),
    [
        ("import os\nos.environ['A']", {"A"}, {"A"}, False),
        ("from os import environ\nenviron['A']", {"A"}, {"A"}, False),
        ("import os\nos.environ.get('A', '')", set(), {"A"}, False),
        ("import os\nos.getenv('A')", set(), {"A"}, False),
        ("import os\nif 'A' in os.environ: pass", set(), {"A"}, False),
        ("import os\nNAME = 'A'\nos.environ[NAME]", {"A"}, {"A"}, False),
        ("import os\nos.environ['A'] = 'x'", set(), {"A"}, False),
        ("import os\nos.environ[name()]", set(), set(), True),
        ("import os\ndict(os.environ)", set(), set(), True),
        ("import os\nread(os.environ)", set(), set(), True),
        ("import pydantic_settings", set(), set(), True),
        ("import json", set(), set(), False),
    ],
)
def test_variables_that_are_read(source: str, needed: set[str], read: set[str], more: bool) -> None:
    code = code_of(source)

    assert (code.needed, code.read, code.reads_more) == (needed, read, more)


@pytest.mark.parametrize(
    ("source", "calls", "more"),
    [
        ("c = boto3.client('sqs')\nc.send_message()", {("sqs", "sendmessage")}, False),
        ("boto3.client('sns').publish()", {("sns", "publish")}, False),
        ("boto3.Session().client('sns').publish()", {("sns", "publish")}, False),
        ("t = boto3.resource('dynamodb').Table('t')\nt.put_item()", {("dynamodb", "putitem")}, False),
        ("d = boto3.resource('dynamodb')\nt = d.Table('t')\nt.batch_writer()", {("dynamodb", "batchwriteitem")}, False),
        ("class A:\n def f(self):\n  self.c = boto3.client('s3')\n  self.c.get_object()", {("s3", "getobject")}, False),
        ("c = boto3.client('s3')\nc.get_paginator('list_objects_v2')", {("s3", "listobjectsv2")}, False),
        ("c = boto3.client('s3')\ntry: pass\nexcept c.exceptions.NoSuchKey: pass", set(), False),
        ("c = boto3.client(name)\nc.anything()", set(), True),
        ("c = boto3.client('s3')\nhand_over(c)", set(), True),
        ("boto3.resource('s3').Object('a', 'b').put()", set(), True),
        ("import aws_lambda_powertools", set(), True),
    ],
)  # fmt: skip
def test_calls_that_are_made(source: str, calls: set[tuple[str, str]], more: bool) -> None:
    code = code_of(f"import boto3\n{source}")

    assert (code.calls, code.calls_more) == (calls, more)


PUT = "boto3.client('cloudwatch').put_metric_data(Namespace='N', MetricData=[{'MetricName': 'M', 'Dimensions': [{'Name': 'D', 'Value': v}]}])"


def test_metrics_that_are_put() -> None:
    code = code_of(f"import boto3\n{PUT}\ntry: pass\nexcept ValueError: {PUT}")

    assert code.emitted == [
        Emitted("N", "M", frozenset({"D"}), on_error=False),
        Emitted("N", "M", frozenset({"D"}), on_error=True),
    ]
    assert not code.emits_more


@pytest.mark.parametrize(
    ("old", "new"),
    [("'N'", "n"), ("'M'", "m"), ("'D'", "d"), ("[{'MetricName'", "data + [{'MetricName'")],
)
def test_metrics_that_may_be_put(old: str, new: str) -> None:
    code = code_of(f"import boto3\n{PUT.replace(old, new)}")

    assert (code.emitted, code.emits_more) == ([], True)


@pytest.mark.parametrize(
    ("body", "swallows"),
    [
        ("try: work()\n except Exception: return {'statusCode': 500}", True),
        ("try: work()\n except: pass", True),
        ("try: work()\n except (ValueError, BaseException) as e: print(e)", True),
        ("try: work()\n except ValueError: pass", False),
        ("try: work()\n except Exception: raise", False),
        ("try: work()\n except Exception as e: raise Failed from e", False),
        ("for r in e:\n  try: work(r)\n  except Exception: bad.append(r)", False),
        ("try: work()\n except Exception: return {'batchItemFailures': ids(e)}", False),
        ("work()", False),
    ],
)
def test_handlers_that_swallow_what_goes_wrong(body: str, swallows: bool) -> None:
    code = code_of(f"def handler(e, c):\n {body}")

    assert code.swallowing == ({"index.handler"} if swallows else set())


# --- Code beside the template


def sources(folder: Path, place: str) -> Mapping[str, str] | None:
    return beside.reader(folder / "template.yaml")(place)


def test_code_beside_the_template_is_read(tmp_path: Path) -> None:
    (tmp_path / "src" / "sub").mkdir(parents=True)
    (tmp_path / "src" / "app.py").write_text("a")
    (tmp_path / "src" / "sub" / "b.py").write_text("b")
    (tmp_path / "src" / "data.json").write_text("{}")

    assert sources(tmp_path, "src/") == {"app.py": "a", "sub/b.py": "b"}


@pytest.mark.parametrize("place", ["..", "/etc", "missing", "s3://bucket/key", "template.yaml"])
def test_no_place_outside_is_read(tmp_path: Path, place: str) -> None:
    (tmp_path / "template.yaml").write_text("")

    assert sources(tmp_path, place) is None


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("secret")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").symlink_to(tmp_path / "secret.py")

    assert sources(tmp_path, "src") is None


def test_a_place_that_holds_too_much_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "FILES_LIMIT", 2)
    for number in range(3):
        (tmp_path / f"{number}.py").write_text("")

    assert sources(tmp_path, ".") is None


def test_a_file_that_is_no_text_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xff")

    assert sources(tmp_path, ".") is None
