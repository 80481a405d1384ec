"""Reads a template's text into data that knows its lines: YAML with long and short tags, or JSON.

It reads the parser's events, one after another, and never the graph that a YAML library would make
of them: so size, depth and aliases are bounded while reading, whatever the text is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from waypost.stack.errors import UnusableTemplate

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE_LIMIT: Final = 2**20
"""Bytes of a template: as many as CloudFormation takes from a bucket."""
DEPTH_LIMIT: Final = 100
"""How deep values may lie within each other; a template's author comes to about 30."""
NODE_LIMIT: Final = 200_000
"""Values of a template, each use of an alias counted anew."""
_MERGE: Final = "<<"
_TAG: Final = "tag:yaml.org,2002:"
_BARE: Final = frozenset({"Ref", "Condition"})
_TRUE: Final = frozenset({"true", "yes", "on"})
_PAIR: Final = re.compile(r"(?i)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Map(dict[str, Any]):
    """A mapping of a template.

    Attributes:
        line: where it begins, from 1.
        lines: where each of its keys stands.
    """

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def put(self, key: str, value: object, line: int) -> None:
        """Set a key that stands on a line."""
        self[key] = value
        self.lines[key] = line


class Seq(list[Any]):
    """A list of a template, with the line on which it begins."""

    __slots__ = ("line",)

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line


def read(data: bytes) -> Map:
    """Read a template.

    Raises:
        UnusableTemplate: it is too large or too deep, neither YAML nor JSON, or no mapping.
    """
    if len(data) > SIZE_LIMIT:
        raise UnusableTemplate(f"it has more than {SIZE_LIMIT:,} bytes, as no template may")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableTemplate(f"it is not UTF-8: byte {error.start}") from None
    if text.lstrip().startswith("{"):
        text = _as_yaml(text)
    try:
        root = _Reader(text).document()
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnusableTemplate(f"{where}{error.problem}") from None
    except yaml.YAMLError as error:
        raise UnusableTemplate(str(error).partition("\n")[0]) from None
    if not isinstance(root, Map):
        raise UnusableTemplate("it is no mapping")
    return root


def _as_yaml(text: str) -> str:
    """Return JSON without the two things that YAML lacks: tabs around values, split characters."""
    return _PAIR.sub(
        lambda pair: bytes.fromhex(pair[1] + pair[2]).decode("utf-16-be"), text.replace("\t", " ")
    )


class _Reader:
    """Builds data of the events of one text."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._resolve: Any = yaml.resolver.Resolver().resolve
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0

    def document(self) -> Any:
        """Return the only document of the text."""
        root = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise UnusableTemplate(f"line {_line(event)}: a second document begins")
                root = self._value(next(self._events), 1)
        return root

    def _value(self, event: Any, depth: int) -> Any:
        line = _line(event)
        if depth > DEPTH_LIMIT:
            raise UnusableTemplate(f"line {line}: more than {DEPTH_LIMIT} values within each other")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        before = self._nodes
        self._count(1, line)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(line, depth)
        else:
            value = self._mapping(line, depth)
        value = _short_tag(event, value, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > NODE_LIMIT:
            raise UnusableTemplate(f"line {line}: more than {NODE_LIMIT:,} values")

    def _alias(self, event: Any, line: int) -> Any:
        if event.anchor not in self._anchors:
            raise UnusableTemplate(f"line {line}: alias {event.anchor!r} of nothing above")
        value, nodes = self._anchors[event.anchor]
        self._count(nodes, line)
        return value

    def _sequence(self, line: int, depth: int) -> Seq:
        items = Seq(line)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, line: int, depth: int) -> Map:
        mapping = Map(line)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            where = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise UnusableTemplate(f"line {where}: a key has to be a word")
            key = event.value
            if key == _MERGE:
                raise UnusableTemplate(f"line {where}: CloudFormation merges no mappings (<<)")
            if key in mapping:
                raise UnusableTemplate(f"line {where}: {key!r} stands twice")
            mapping.put(key, self._value(next(self._events), depth + 1), where)
        return mapping

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None:
            return event.value
        tag = str(self._resolve(yaml.ScalarNode, event.value, event.implicit))
        return _plain(tag.removeprefix(_TAG), event.value)


def _plain(kind: str, text: str) -> Any:
    """Return what a scalar of a kind is; a date is a text to CloudFormation."""
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in _TRUE
    try:
        if kind == "int":
            return int(text.replace("_", ""), 0 if text.lower().startswith(("0x", "0b")) else 10)
        if kind == "float":
            return float(text)
    except ValueError:  # YAML 1.1 has numbers to the base of 60, too long ones and the like
        return text
    return text


def _short_tag(event: Any, value: Any, line: int) -> Any:
    """Return the long form of what has a tag: ``!Sub x`` is ``Fn::Sub: x``."""
    tag: str | None = event.tag
    if tag is None or not tag.startswith("!") or tag == "!":
        return value
    name = tag.removeprefix("!")
    if name == "GetAtt" and isinstance(value, str):
        resource, _, attribute = value.partition(".")
        value = _listed(line, resource, attribute)
    function = Map(line)
    function.put(name if name in _BARE else f"Fn::{name}", value, line)
    return function


def _listed(line: int, *values: object) -> Seq:
    made = Seq(line)
    made.extend(values)
    return made


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
