"""Works out a template's intrinsic functions for one set of parameters, as far as they are static.

What nobody can know before the deployment stays as `Hole`; what has no value goes, as
``AWS::NoValue`` says.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.errors import UnusableTemplate
from waypost.stack.lint.reading import Map, Seq
from waypost.stack.lint.values import Hole, Reference, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TEXT_LIMIT: Final = 2**24
"""Characters that the functions of a template may make in all."""
_NOTHING: Final = object()
_GAP: Final = re.compile(r"\$\{(!?)([^}]*)\}")


class Resolver:
    """Resolves values of one template for one set of parameters."""

    def __init__(self, document: Map, values: Mapping[str, Any]) -> None:
        """Resolve with these values of parameters, those of AWS (``AWS::Region``) among them."""
        self._values = values
        self._resources = _section(document, "Resources")
        self._mappings = _section(document, "Mappings")
        self._conditions = _section(document, "Conditions")
        self._known: dict[str, bool] = {}
        self._under_way: set[str] = set()
        self._made = 0
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::ToJsonString": self._to_json,
        }
        self._tests: Mapping[str, Callable[[Any], bool]] = {
            "Fn::Equals": self._equals,
            "Fn::Not": lambda values: not self._test(values[0]),
            "Fn::And": lambda values: all(map(self._test, values)),
            "Fn::Or": lambda values: any(map(self._test, values)),
        }

    def resolve(self, value: Any) -> Any:
        """Return what a value comes to; None if it has no value.

        Raises:
            UnusableTemplate: a function is called as none may be, or makes too much text.
        """
        found = self._value(value)
        return None if found is _NOTHING else found

    def holds(self, condition: str) -> bool:
        """Tell whether a condition of the template holds; one that is not there does.

        Raises:
            UnusableTemplate: it is made of itself.
        """
        if condition not in self._conditions:
            return True
        if condition not in self._known:
            if condition in self._under_way:
                raise UnusableTemplate(f"the condition {condition} is made of itself")
            self._under_way.add(condition)
            self._known[condition] = self._test(self._conditions[condition])
            self._under_way.discard(condition)
        return self._known[condition]

    def _value(self, value: Any) -> Any:
        if isinstance(value, Map):
            name = next(iter(value), "")
            if len(value) == 1 and (name == "Ref" or name.startswith("Fn::")):
                return self._call(name, value[name], value.line)
            return self._mapping(value)
        if isinstance(value, Seq):
            items = Seq(value.line)
            items.extend(v for v in map(self._value, value) if v is not _NOTHING)
            return items
        return value

    def _mapping(self, mapping: Map) -> Map:
        made = Map(mapping.line)
        for key, value in mapping.items():
            found = self._value(value)
            if found is not _NOTHING:
                made.put(key, found, mapping.lines[key])
        return made

    def _call(self, name: str, argument: Any, line: int) -> Any:
        function = self._functions.get(name)
        if function is None:
            return Hole(f"${{{name}}}")
        try:
            return function(argument)
        except (TypeError, ValueError, LookupError, AttributeError):
            raise UnusableTemplate(f"line {line}: {name} is not called so") from None

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name in self._values:
            return self._values[name]
        return Reference(name) if name in self._resources else Hole(f"${{{name}}}")

    def _get_att(self, argument: Any) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        resource, attribute = (str(self.resolve(part)) for part in parts)
        return Reference(resource, attribute)

    def _sub(self, argument: Any) -> Any:
        text, extra = (argument, {}) if isinstance(argument, str) else argument
        local = {name: self._value(value) for name, value in extra.items()}
        pieces: list[Any] = []
        at = 0
        for gap in _GAP.finditer(text):
            pieces += [text[at : gap.start()], self._gap(gap, local)]
            at = gap.end()
        return self._text([*pieces, text[at:]])

    def _gap(self, gap: re.Match[str], local: Mapping[str, Any]) -> Any:
        name = gap[2].strip()
        if gap[1]:
            return f"${{{gap[2]}}}"
        if name in local:
            return local[name]
        return self._get_att(name) if "." in name else self._ref(name)

    def _join(self, argument: Any) -> Any:
        delimiter, values = argument
        found = self._value(values)
        if not isinstance(found, list):
            return Hole("${Fn::Join}")
        pieces: list[Any] = []
        for item in found:
            pieces += [delimiter, item]
        return self._text(pieces[1:])

    def _text(self, pieces: list[Any]) -> Any:
        """Return the text that pieces make; a reference alone stays one."""
        pieces = [piece for piece in pieces if piece != ""]
        if len(pieces) == 1 and isinstance(pieces[0], Reference):
            return pieces[0]
        text = "".join(_written(piece) for piece in pieces)
        self._made += len(text)
        if self._made > TEXT_LIMIT:
            raise UnusableTemplate(f"its functions make more than {TEXT_LIMIT:,} characters")
        return text if all(map(_is_whole, pieces)) else Hole(text)

    def _if(self, argument: Any) -> Any:
        condition, yes, no = argument
        return self._value(yes if self.holds(condition) else no)

    def _find_in_map(self, argument: Any) -> Any:
        keys = [self._value(key) for key in argument[:3]]
        found: Any = self._mappings
        for key in keys:
            if isinstance(found, dict) and not isinstance(key, Map) and str(key) in found:
                found = found[str(key)]
            else:
                return Hole(f"${{Fn::FindInMap {' '.join(map(str, keys))}}}")
        return found

    def _select(self, argument: Any) -> Any:
        index, values = (self._value(part) for part in argument)
        if not isinstance(values, list) or not is_known(index):
            return Hole("${Fn::Select}")
        return values[int(index)]

    def _split(self, argument: Any) -> Any:
        delimiter, text = (self._value(part) for part in argument)
        if not is_known(text):
            return Hole("${Fn::Split}")
        return [*text.split(delimiter)]

    def _to_json(self, argument: Any) -> Any:
        return self._text([Hole(json.dumps(self.resolve(argument)))])

    def _test(self, value: Any) -> bool:
        if isinstance(value, Map) and len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Condition" and isinstance(argument, str):
                return self.holds(argument)
            if name in self._tests:
                try:
                    return self._tests[name](argument)
                except (TypeError, ValueError, LookupError, AttributeError):
                    raise UnusableTemplate(f"line {value.line}: {name} is not called so") from None
        return True

    def _equals(self, values: Any) -> bool:
        left, right = map(self._value, values)
        return _written(left) == _written(right)


def _section(document: Map, name: str) -> Map:
    found = document.get(name)
    return found if isinstance(found, Map) else Map()


def _is_whole(piece: object) -> bool:
    return is_known(piece) and not isinstance(piece, dict | list)


def _written(value: object) -> str:
    """Return a value as CloudFormation writes it into a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list) or value is _NOTHING:
        return "${...}"
    return "" if value is None else str(value)
