"""The code of the Lambda functions: this package's own sources, as far as they are imported there.

One set of sources in two forms: a zip for a bucket, and one file that holds them compressed.
Docstrings are cut, for they are half of the text; every other line keeps its number, so a
traceback from AWS points into the repository. Bytecode never goes in: it fits one Python only.
"""

from __future__ import annotations

import ast
import base64
import bz2
import hashlib
import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENTRY: Final = "waypost.aws_lambda"
"""The module whose attributes are the handlers; what it imports is what is bundled."""
INDEX: Final = f"from {ENTRY} import __getattr__\n"
"""The file ``index.py``: its handlers are those of `ENTRY`, each put together when asked for."""

_ROOT: Final = Path(__file__).parents[2]
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644 << 16


@cache
def sources() -> Mapping[str, str]:
    """Return the bundled sources by path (``waypost/core/times.py``), in the order of paths."""
    found: dict[str, str] = {}
    waiting = [ENTRY]
    while waiting:
        path = _path(waiting.pop())
        name = path.relative_to(_ROOT).as_posix()
        if name not in found:
            text = path.read_text(encoding="utf-8")
            found[name] = cut_docstrings(text)
            waiting += _imports(text)
    return {name: found[name] for name in sorted(found)}


def fingerprint() -> str:
    """Return the SHA-256 of the bundled sources, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(sources()).encode()).hexdigest()


def inline_code() -> str:
    """Return the file ``index.py`` that holds all sources itself.

    Printable ASCII: YAML and CloudFormation take it as it is.
    """
    packed = base64.b85encode(bz2.compress(json.dumps(sources()).encode())).decode()
    loader = cut_docstrings((Path(__file__).parent / "inline.py").read_text(encoding="utf-8"))
    lines = [line for line in loader.splitlines() if line]
    code = "\n".join(lines).replace('PACKED = ""', f'PACKED = "{packed}"')
    return f"# sources sha256:{fingerprint()}\n{code}\n{INDEX}"


def zip_files() -> dict[str, bytes]:
    """Return what is in the zip, by path."""
    return {"index.py": INDEX.encode()} | {name: text.encode() for name, text in sources().items()}


@cache
def zip_code() -> bytes:
    """Return the zip for a bucket: the same bytes wherever it is made."""
    buffer = io.BytesIO()
    # Stored, not deflated: what deflating comes to depends on the machine's zlib.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in zip_files().items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # Unix, on Windows too
            info.external_attr = _READABLE
            archive.writestr(info, data)
    return buffer.getvalue()


def zip_key() -> str:
    """Return the zip's key in a bucket: another content has another key."""
    return f"waypost/{hashlib.sha256(zip_code()).hexdigest()}.zip"


def cut_docstrings(source: str) -> str:
    """Return a module's source with empty lines where strings stood that nothing reads.

    Raises:
        ValueError: if other code stands on the lines of such a string.
    """
    lines = source.splitlines()
    for body in _bodies(ast.parse(source)):
        idle = [statement for statement in body if _is_idle(statement)]
        for statement in idle:
            end = statement.end_lineno or statement.lineno
            text = "\n".join(lines[statement.lineno - 1 : end])
            if ast.get_source_segment(source, statement) != text.strip():
                raise ValueError(f"line {statement.lineno}: a string shares its lines with code")
            lines[statement.lineno - 1 : end] = [""] * (end - statement.lineno + 1)
        if len(idle) == len(body) and idle:
            lines[idle[0].lineno - 1] = " " * idle[0].col_offset + "..."
    return "".join(f"{line}\n" for line in lines)


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.body


def _is_idle(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _imports(source: str) -> Iterator[str]:
    """Return the modules of ours that a source imports when it runs, with their packages."""
    for node in _running(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == "waypost":
                packages = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
                yield from (package for package in packages if _path(package).exists())


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Return all nodes but those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child)


def _path(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
