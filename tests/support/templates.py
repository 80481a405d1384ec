"""CloudFormation templates as data: read, and resolved for one set of parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any, Final

import cfnlint.decode.cfn_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Properties = dict[str, Any]

_PSEUDO: Final = {
    "AWS::Region": "eu-central-1",
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "waypost",
}
_NOTHING: Final = object()
_GAP: Final = re.compile(r"\$\{(!?)([^}]+)\}")


def load(text: str) -> dict[str, Any]:
    """Return a template with its intrinsic functions in the long form."""
    template: dict[str, Any] = cfnlint.decode.cfn_yaml.loads(text)
    return template


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource that is deployed."""

    name: str
    type: str
    properties: Properties
    whole: Properties


class Stack:
    """What CloudFormation would make of a template.

    A `Ref` to a resource gives the resource's name in the template, and `Fn::GetAtt` gives
    ``Name.Attribute``; all else is worked out.
    """

    def __init__(self, template: dict[str, Any], **parameters: object) -> None:
        """Deploy a template with its defaults, but for these parameters."""
        declared = template["Parameters"]
        assert parameters.keys() <= declared.keys()
        self._values = {name: p.get("Default") for name, p in declared.items()} | parameters
        self._template = template
        self.outputs: dict[str, Any] = self._value(template["Outputs"])

    def resources(self, type_: str = "") -> list[Resource]:
        """Return the resources of a type, or all."""
        found = []
        for name, whole in self._template["Resources"].items():
            condition = whole.get("Condition")
            if whole["Type"].startswith(type_) and (condition is None or self._is(condition)):
                properties = self._value(whole["Properties"])
                found.append(Resource(name, whole["Type"], properties, whole))
        return found

    def __getitem__(self, name: str) -> Properties:
        [found] = [resource for resource in self.resources() if resource.name == name]
        return found.properties

    def _is(self, condition: str) -> bool:
        return bool(self._value(self._template["Conditions"][condition]))

    def _value(self, node: Any) -> Any:
        if isinstance(node, dict):
            if len(node) == 1:
                [(name, argument)] = node.items()
                if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                    return self._call(name, argument)
            pairs = ((key, self._value(value)) for key, value in node.items())
            return {str(key): value for key, value in pairs if value is not _NOTHING}
        if isinstance(node, list):
            return [v for v in map(self._value, node) if v is not _NOTHING]
        return node

    def _call(self, name: str, argument: Any) -> Any:
        lazy: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
            "Fn::GetAtt": lambda of: of if isinstance(of, str) else ".".join(of),
            "Fn::FindInMap": lambda keys: reduce(getitem, keys, self._template["Mappings"]),
        }
        eager: dict[str, Callable[[Any], bool]] = {
            "Fn::Equals": lambda values: str(values[0]) == str(values[1]),
            "Fn::Not": lambda values: not values[0],
            "Fn::And": all,
        }
        if name in lazy:
            return lazy[name](argument)
        return eager[name](self._value(argument))

    def _condition(self, argument: Any) -> Any:
        """Work out a condition of the template; a policy's member of that name is none."""
        if isinstance(argument, str):
            return self._is(argument)
        return {"Condition": self._value(argument)}

    def _if(self, argument: Any) -> Any:
        condition, yes, no = argument
        return self._value(yes if self._is(condition) else no)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return _PSEUDO.get(name) or self._values.get(name, name)

    def _sub(self, argument: Any) -> str:
        text, extra = (argument, {}) if isinstance(argument, str) else argument
        local: Mapping[str, Any] = {name: self._value(value) for name, value in extra.items()}

        def fill(gap: re.Match[str]) -> str:
            if gap[1]:
                return f"${{{gap[2]}}}"
            return str(local[gap[2]] if gap[2] in local else self._ref(gap[2]))

        return _GAP.sub(fill, text)


def statements(stack: Stack) -> Iterator[tuple[str, Properties]]:
    """Return all that roles grant: role, statement."""
    for role in stack.resources("AWS::IAM::Role"):
        for policy in role.properties["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role.name, statement


def listed(value: Any) -> list[Any]:
    """Return a value that may be one or several as a list."""
    return value if isinstance(value, list) else [value]
