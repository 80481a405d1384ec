"""What the functions are made of: our sources and nothing else, and they run."""

from __future__ import annotations

import ast
import io
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.interpreters import PACKAGES, SRC, interpreter, run
from waypost.stack import bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSIONS = ("3.11", "3.13")
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "DYNAMODB_TABLE": "shipment-logs-dev",
    "SNS_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:logistics-alerts-dev",
    "ENVIRONMENT": "dev",
    "STATE_TABLE": "shipment-state-dev",
    "REJECTED_TABLE": "shipment-rejected-dev",
    "REFOLD_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/shipment-refold-dev",
}
HANDLERS = """
import index
for name in ("lambda_handler", "notifier_handler", "sweep_handler"):
    print(callable(getattr(index, name)))
import waypost.core.times
print(waypost.core.times.__file__)
"""
TRACEBACK = """
import index, traceback
from waypost.core.times import parse_time
try:
    parse_time("yesterday")
except ValueError:
    print(traceback.format_exc())
"""


def unpacked(into: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(bundle.zip_code())) as archive:
        archive.extractall(into)
    return into


def inline(into: Path) -> Path:
    (into / "index.py").write_text(bundle.inline_code(), encoding="ascii")
    return into


FORMS = pytest.mark.parametrize("form", [unpacked, inline])


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def test_it_holds_what_the_functions_import_and_no_more() -> None:
    paths = bundle.sources().keys()

    assert {"waypost/core/times.py", "waypost/record.py", "waypost/stores/dynamodb/log.py"} <= paths
    assert {"waypost/__init__.py", "waypost/aws_lambda/__init__.py"} <= paths
    strange = ("cli", "server", "settings", "simulate", "stack", "stores/sqlite", "bootstrap")
    assert not [path for path in paths if path.startswith(tuple(f"waypost/{s}" for s in strange))]


def test_it_needs_botocore_and_the_standard_library_only() -> None:
    named = {n.split(".")[0] for text in bundle.sources().values() for n in imports(text)}

    assert named - sys.stdlib_module_names == {"botocore", "waypost"}


def test_every_line_keeps_its_number() -> None:
    for path, text in bundle.sources().items():
        original = (SRC / path).read_text(encoding="utf-8").splitlines()
        cut = text.splitlines()
        assert len(cut) == len(original), path
        for number, line in enumerate(cut):
            assert line in ("", original[number]) or line.strip() == "...", (path, number)


def test_it_means_what_the_package_means() -> None:
    for path, text in bundle.sources().items():
        original = ast.parse((SRC / path).read_text(encoding="utf-8"))
        assert ast.dump(_bare(original)) == ast.dump(_bare(ast.parse(text))), path


def _bare(tree: ast.Module) -> ast.Module:
    """Return a module without strings that nobody reads, and without what stands in for them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [s for s in node.body if not _says_nothing(s)]
    return tree


def _says_nothing(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and (isinstance(statement.value.value, str) or statement.value.value is ...)
    )


@pytest.mark.parametrize("source", ['x = 1; "said"', 'def f(): "said"', '"said"; x = 1'])
def test_a_string_between_code_is_not_guessed_at(source: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        bundle.cut_docstrings(source)


@pytest.mark.parametrize(
    ("source", "cut"),
    [
        ('"""Module."""\nx = """kept"""\n', '\nx = """kept"""\n'),
        ('class A:\n    """One.\n\n    Two.\n    """\n', "class A:\n    ...\n\n\n\n"),
        ('def f():\n    """Said."""\n    return "kept"\n', 'def f():\n\n    return "kept"\n'),
        ('x = 1\n"""What x is."""\n', "x = 1\n\n"),
    ],
)
def test_strings_that_nobody_reads_are_cut(source: str, cut: str) -> None:
    assert bundle.cut_docstrings(source) == cut


def test_the_zip_holds_sources_with_fixed_times_and_modes() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.zip_code())) as archive:
        files = archive.infolist()
        held = {info.filename: archive.read(info) for info in files}

    assert held == bundle.zip_files()
    assert all(name.endswith(".py") for name in held)
    assert {info.date_time for info in files} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.external_attr >> 16 for info in files} == {0o100644}


def test_the_one_file_says_of_which_sources_it_is_and_is_plain_text() -> None:
    code = bundle.inline_code()

    assert code.startswith(f"# sources sha256:{bundle.fingerprint()}\n")
    assert re.fullmatch(r"[\n\x20-\x7e]+", code)
    assert "{{resolve" not in code, "which CloudFormation would replace"


@FORMS
@pytest.mark.parametrize("version", VERSIONS)
def test_the_handlers_are_there(form: Callable[[Path], Path], version: str, tmp_path: Path) -> None:
    said = run(interpreter(version), HANDLERS, form(tmp_path), PACKAGES, **ENVIRONMENT)

    *handlers, place = said.split()
    assert handlers == ["True", "True", "True"]
    root = f"{tmp_path}/" if form is unpacked else ""
    assert place == f"{root}waypost/core/times.py", "and nothing of the repository was used"


@FORMS
@pytest.mark.parametrize("version", VERSIONS)
def test_a_traceback_shows_lines_as_they_are_in_the_repository(
    form: Callable[[Path], Path], version: str, tmp_path: Path
) -> None:
    said = run(interpreter(version), TRACEBACK, form(tmp_path), PACKAGES, **ENVIRONMENT)

    place = re.search(r'times\.py", line (\d+), in parse_time\n *(.+)\n', said)
    assert place
    lines = (SRC / "waypost/core/times.py").read_text(encoding="utf-8").splitlines()
    assert lines[int(place[1]) - 1].strip() == place[2].strip()


def test_newer_grammar_is_not_used() -> None:
    for path, text in bundle.sources().items():
        ast.parse(text, filename=path, feature_version=(3, 11))
