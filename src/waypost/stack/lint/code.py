"""What the Python code of a function says about it: variables, calls of AWS, metrics, its ends.

It reads the syntax tree and runs nothing. A name that is put together while the code runs is not
known; the facts say so, and rules that need it say that they did not judge.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SOURCES_LIMIT: Final = 2**20
"""Characters of one function's code that are read."""
_ENVIRON: Final = frozenset({"os.environ", "environ"})
_GETENV: Final = frozenset({"os.getenv", "getenv", "os.environ.get", "environ.get"})
_MAKERS: Final = {"client": "client", "resource": "resource", "create_client": "client"}
_BROAD: Final = frozenset({"Exception", "BaseException"})
_KNOWN: Final = frozenset({"boto3", "botocore", "cfnresponse"}) | sys.stdlib_module_names
_BATCH_WRITER: Final = "batch_writer"
_PAGINATOR: Final = "get_paginator"
_NO_CALLS: Final = frozenset(
    {"exceptions", "meta", "can_paginate", "close", "generate_presigned_url", "get_waiter"}
)
_PARTIAL: Final = "batchItemFailures"
_Call = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Emitted:
    """A metric that the code puts: its dimensions, and whether it does so while handling an error."""

    namespace: str
    metric: str
    dimensions: frozenset[str]
    on_error: bool


@dataclass(slots=True)
class Code:
    """What the sources of one function say.

    Attributes:
        needed: variables of the environment without which the code fails.
        read: variables that it reads, those among them.
        reads_more: whether it reads variables by names that are not known here.
        calls: (service, operation) of AWS, both in small letters without underscores.
        calls_more: whether it makes calls that are not known here.
        emitted: metrics that it puts.
        emits_more: whether it may publish others.
        swallowing: handlers that catch every error and end as if all were well.
    """

    needed: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    reads_more: bool = False
    calls: set[tuple[str, str]] = field(default_factory=set)
    calls_more: bool = False
    emitted: list[Emitted] = field(default_factory=list)
    emits_more: bool = False
    swallowing: set[str] = field(default_factory=set)


def read_code(sources: Mapping[str, str]) -> Code | str:
    """Return what sources say; why they cannot be read, if they cannot.

    Args:
        sources: by module path, as ``index.py``.
    """
    if sum(map(len, sources.values())) > SOURCES_LIMIT:
        return f"its code has more than {SOURCES_LIMIT:,} characters"
    code = Code()
    for path, source in sources.items():
        try:
            tree = ast.parse(source)
            _Module(code, path.removesuffix(".py").replace("/", ".")).read(tree, sources)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return f"its code cannot be read: {path}: {type(error).__name__}"
    return code


class _Module:
    """Reads one module into the facts."""

    def __init__(self, code: Code, name: str) -> None:
        self._code = code
        self._name = name
        self._kinds: dict[str, tuple[str, str]] = {}
        self._constants: dict[str, str] = {}

    def read(self, tree: ast.Module, sources: Mapping[str, str]) -> None:
        nodes = list(ast.walk(tree))
        own = {path.partition("/")[0].removesuffix(".py") for path in sources}
        for node in nodes:
            self._note_constant(node)
        for node in nodes:
            self._note_import(node, own)
            self._note_client(node)
        on_error = {id(n) for h in nodes if isinstance(h, ast.ExceptHandler) for n in ast.walk(h)}
        for node in nodes:
            self._note_environ(node)
            if isinstance(node, ast.Call):
                self._note_call(node, on_error=id(node) in on_error)
        self._note_whole_environ(nodes)
        for node in tree.body:
            if isinstance(node, _Call) and _swallows(node):
                self._code.swallowing.add(f"{self._name}.{node.name}")

    def _note_constant(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    self._constants[target.id] = node.value.value

    def _text(self, node: ast.expr | None) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return self._constants.get(node.id) if isinstance(node, ast.Name) else None

    def _note_import(self, node: ast.AST, own: set[str]) -> None:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(name.partition(".")[0] not in _KNOWN | own for name in names):
            # What a library reads, calls and publishes nobody knows from here.
            self._code.reads_more = self._code.calls_more = self._code.emits_more = True

    def _note_environ(self, node: ast.AST) -> None:
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in _ENVIRON:
            self._read(self._text(node.slice), needed=isinstance(node.ctx, ast.Load))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _GETENV:
            self._read(self._text(node.args[0]) if node.args else None, needed=False)
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) in _ENVIRON:
            self._read(self._text(node.left), needed=False)

    def _read(self, name: str | None, *, needed: bool) -> None:
        if name is None:
            self._code.reads_more = True
            return
        self._code.read.add(name)
        if needed:
            self._code.needed.add(name)

    def _note_whole_environ(self, nodes: list[ast.AST]) -> None:
        """Note where the environment as a whole goes elsewhere: who knows what is read there."""
        within = {
            id(part)
            for node in nodes
            for part in (
                [node.value]
                if isinstance(node, ast.Subscript | ast.Attribute)
                else node.comparators
                if isinstance(node, ast.Compare)
                else []
            )
        }
        for node in nodes:
            is_environ = (
                isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node) in _ENVIRON
            )
            if is_environ and id(node) not in within:
                self._code.reads_more = True

    def _note_client(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            kind = self._kind(node.value)
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if kind is not None:
                for target in targets:
                    self._kinds[ast.unparse(target)] = kind

    def _kind(self, node: ast.expr) -> tuple[str, str] | None:
        """Return what an expression makes: (client or resource, service); None if neither."""
        if isinstance(node, ast.Name | ast.Attribute):
            return self._kinds.get(ast.unparse(node))
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        name = node.func.attr
        if name in _MAKERS and self._makes(node.func.value):
            service = self._text(node.args[0] if node.args else None)
            return (_MAKERS[name], service or "")
        inner = self._kind(node.func.value)
        if inner is not None and inner[0] == "resource" and name[:1].isupper():
            return inner
        return None

    def _makes(self, node: ast.expr) -> bool:
        """Tell whether clients are asked of boto3 or of a session."""
        text = ast.unparse(node)
        return text == "boto3" or "session" in text.lower()

    def _note_call(self, node: ast.Call, *, on_error: bool) -> None:
        made = self._kind(node)
        if made is not None and not made[1]:
            self._code.calls_more = True
        if isinstance(node.func, ast.Attribute):
            kind = self._kind(node.func.value)
            if kind is not None and made is None:
                self._note_operation(kind, node, on_error=on_error)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if self._kind(argument) is not None:
                self._code.calls_more = True

    def _note_operation(self, kind: tuple[str, str], node: ast.Call, *, on_error: bool) -> None:
        assert isinstance(node.func, ast.Attribute)  # noqa: S101 (the caller looked)
        style, service = kind
        operation = node.func.attr
        if operation == _PAGINATOR:
            operation = self._text(node.args[0] if node.args else None) or ""
        if (
            not service
            or not operation
            or (style == "resource" and service not in {"dynamodb", "sqs", "sns"})
        ):
            self._code.calls_more = True
        elif operation == _BATCH_WRITER:
            self._code.calls.add((service, "batchwriteitem"))
        elif operation not in _NO_CALLS:
            self._code.calls.add((service, operation.replace("_", "").lower()))
        if (service, operation) == ("cloudwatch", "put_metric_data"):
            self._note_metrics(node, on_error=on_error)

    def _note_metrics(self, node: ast.Call, *, on_error: bool) -> None:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        namespace = self._text(given.get("Namespace"))
        data = given.get("MetricData")
        if namespace is None or not isinstance(data, ast.List):
            self._code.emits_more = True
            return
        for item in data.elts:
            emitted = self._emitted(namespace, item, on_error=on_error)
            if emitted is None:
                self._code.emits_more = True
            else:
                self._code.emitted.append(emitted)

    def _emitted(self, namespace: str, item: ast.expr, *, on_error: bool) -> Emitted | None:
        members = _members(item)
        metric = self._text(members.get("MetricName"))
        dimensions = members.get("Dimensions", ast.List(elts=[]))
        if metric is None or not isinstance(dimensions, ast.List):
            return None
        names = [self._text(_members(one).get("Name")) for one in dimensions.elts]
        known = frozenset(name for name in names if name is not None)
        return Emitted(namespace, metric, known, on_error) if len(known) == len(names) else None


def _members(node: ast.expr) -> dict[str, ast.expr]:
    if not isinstance(node, ast.Dict):
        return {}
    pairs = zip(node.keys, node.values, strict=True)
    return {
        k.value: v for k, v in pairs if isinstance(k, ast.Constant) and isinstance(k.value, str)
    }


def _swallows(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a function catches every error of its work and returns as if all were well."""
    if any(isinstance(n, ast.Constant) and n.value == _PARTIAL for n in ast.walk(function)):
        return False  # it answers which records failed
    return any(
        isinstance(statement, ast.Try) and any(map(_hides, statement.handlers))
        for statement in function.body
    )


def _hides(handler: ast.ExceptHandler) -> bool:
    is_broad = handler.type is None or any(_names_broad(handler.type))
    return is_broad and not any(isinstance(node, ast.Raise) for node in _own(handler))


def _names_broad(node: ast.expr) -> Iterator[bool]:
    names = node.elts if isinstance(node, ast.Tuple) else [node]
    return (ast.unparse(name) in _BROAD for name in names)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Return what is run where a node is: not what a function within it would."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _own(child)
