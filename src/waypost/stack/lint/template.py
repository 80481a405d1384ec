"""A template as rules see it: its resources with all values worked out, in one scenario each.

A scenario is the template's defaults with one parameter set otherwise, so that both sides of its
conditions are seen without all their combinations. A resource that a scenario does not make is
still found by rules that look for it: an alarm that somebody may switch off is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from waypost.stack.errors import UnusableTemplate
from waypost.stack.lint import sam
from waypost.stack.lint.reading import Map, Seq
from waypost.stack.lint.resolving import Resolver
from waypost.stack.lint.values import Hole, Reference, listed, member, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from waypost.stack.lint.facts import Facts

SCENARIOS: Final = 32
"""At most so many are looked at; of further ones it is said that they were not."""
RESOURCES: Final = 2_000
"""At most so many resources, four times as many as a stack may have (SAM makes several of one)."""
WORK: Final = 16_000
"""Resources times scenarios: all of them for the 500 resources that a stack may have, fewer for more."""
_DECLARED: Final = "DeclaredPerDay"
"""The parameter by which a template says what it is meant for."""
_OTHER: Final = "other"
_PSEUDO: Final = (
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)
_STANDS_FOR_A_FUNCTION: Final = frozenset({"AWS::Lambda::Alias", "AWS::Lambda::Version"})
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AWS::DynamoDB::Table": "TableName",
        "AWS::Events::EventBus": "Name",
        "AWS::Events::Rule": "Name",
        "AWS::IAM::Role": "RoleName",
        "AWS::Lambda::Function": "FunctionName",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::SNS::Topic": "TopicName",
        "AWS::SQS::Queue": "QueueName",
    }
)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource with its values worked out.

    Attributes:
        name: its logical id.
        type: such as ``AWS::SQS::Queue``.
        properties: what it is made with.
        whole: the resource with all its attributes, as it stands there.
        line: where it stands, from 1.
    """

    name: str
    type: str
    properties: Map
    whole: Map
    line: int

    def line_of(self, *keys: str) -> int:
        """Return where a property stands; where the nearest one around it does, if it does not."""
        line = self.line
        at: Any = self.properties
        for key in keys:
            if not isinstance(at, Map) or key not in at:
                break
            line, at = at.lines[key], at[key]
        return line

    def get(self, *keys: str) -> Any:
        """Return a property within properties; None if there is none."""
        return member(self.properties, *keys)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Values of parameters, and in words how they differ from the defaults; empty if they do not."""

    words: str
    values: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class View:
    """A template in one scenario.

    Attributes:
        all: every resource by its logical id, those too that this scenario does not make.
        facts: what is known besides.
    """

    document: Map
    scenario: Scenario
    facts: Facts
    resolver: Resolver
    all: Mapping[str, Resource] = field(repr=False)

    @cached_property
    def per_day(self) -> float | None:
        """Events a day that the stack is meant for; None if neither template nor caller says."""
        said = number(self.scenario.values.get(_DECLARED)) or None
        return said if self.facts.per_day is None else self.facts.per_day

    @cached_property
    def made(self) -> list[Resource]:
        """The resources that are made in this scenario."""
        return [
            resource
            for resource in self.all.values()
            if not isinstance(condition := resource.whole.get("Condition"), str)
            or self.resolver.holds(condition)
        ]

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of these types that are made."""
        return [resource for kind in types for resource in self._made_by_type.get(kind, ())]

    def any_of(self, *types: str) -> list[Resource]:
        """Return the resources of these types, made in this scenario or not."""
        return [resource for kind in types for resource in self._by_type.get(kind, ())]

    def target(self, value: Any, *types: str) -> Resource | None:
        """Return the resource of one of these types that a value means; None if none here.

        It may refer to it, or say its physical name or an ARN that ends in it.
        """
        if isinstance(value, Reference):
            found = self.all.get(value.resource)
            if found is not None and found.type in _STANDS_FOR_A_FUNCTION:
                found = self.all.get(getattr(found.get("FunctionName"), "resource", ""))
            return found if found is not None and found.type in types else None
        if not isinstance(value, str) or not value:
            return None
        if value.startswith("arn:"):
            value = value.rpartition(":")[2].rpartition("/")[2]
        return next((r for r in self._by_name.get(value, ()) if r.type in types), None)

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        return _grouped((resource.type, resource) for resource in self.all.values())

    @cached_property
    def _made_by_type(self) -> Mapping[str, list[Resource]]:
        return _grouped((resource.type, resource) for resource in self.made)

    @cached_property
    def _by_name(self) -> Mapping[str, list[Resource]]:
        return _grouped((name, r) for r in self.all.values() for name in _names(r))

    def tied(self, resource: Resource) -> set[str]:
        """Return the logical ids that come before a resource: those it refers to or depends on."""
        found = {str(name) for name in listed(resource.whole.get("DependsOn"))}
        found |= {r.resource for r in references(resource.whole) if r.resource in self.all}
        return found

    def before(self, resource: Resource) -> set[str]:
        """Return all that comes before a resource, directly or not."""
        found: set[str] = set()
        waiting = [resource.name]
        while waiting:
            current = self.all.get(waiting.pop())
            if current is not None:
                new = self.tied(current) - found
                found |= new
                waiting += new
        return found


def _grouped(pairs: Iterable[tuple[str, Resource]]) -> Mapping[str, list[Resource]]:
    groups: dict[str, list[Resource]] = {}
    for key, resource in pairs:
        groups.setdefault(key, []).append(resource)
    return groups


def _names(resource: Resource) -> Iterator[str]:
    """Return the texts that stand for a resource: its name, and itself within a text."""
    name = resource.properties.get(_NAMES.get(resource.type, ""))
    if isinstance(name, str):
        yield str(name)
    yield f"${{{resource.name}}}"


def references(value: Any) -> Iterator[Reference]:
    """Return all references in a resolved value, those within texts too."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Reference):
            yield current
        elif isinstance(current, Hole):
            yield from _within(current)
        elif isinstance(current, dict):
            waiting += current.values()
        elif isinstance(current, list):
            waiting += current


def _within(text: str) -> Iterator[Reference]:
    for gap in text.split("${")[1:]:
        name, closed, _ = gap.partition("}")
        if closed:
            resource, _, attribute = name.partition(".")
            yield Reference(resource, attribute)


def views(document: Map, facts: Facts) -> tuple[list[View], list[str]]:
    """Return a template in all its scenarios, that of its defaults first, and what is left out.

    Raises:
        UnusableTemplate: it has no resources, or a function in it is called as none may be.
    """
    if not isinstance(document.get("Resources"), Map):
        raise UnusableTemplate("it has no section Resources: it is no CloudFormation template")
    if len(document["Resources"]) > RESOURCES:
        raise UnusableTemplate(f"it has more than {RESOURCES:,} resources")
    found = list(_scenarios(document, facts.overrides))
    most = max(1, min(SCENARIOS, WORK // max(1, len(document["Resources"]))))
    left_out = [scenario.words for scenario in found[most:]]
    return [_view(document, scenario, facts) for scenario in found[:most]], left_out


def _view(document: Map, scenario: Scenario, facts: Facts) -> View:
    resolver = Resolver(document, scenario.values)
    resources: dict[str, Resource] = {}
    for name, line, whole in sam.expand(document):
        if not isinstance(whole, Map) or not isinstance(whole.get("Type"), str):
            continue
        resolved = resolver.resolve(whole)
        properties = resolved.get("Properties")
        if isinstance(properties, Hole):
            continue  # they are made elsewhere, and it is said that they are not seen
        properties = properties if isinstance(properties, Map) else Map(line)
        resources[name] = Resource(name, whole["Type"], properties, resolved, line)
    return View(document, scenario, facts, resolver, resources)


def parameters(document: Map) -> Map:
    """Return what a template declares as parameters."""
    found = document.get("Parameters")
    return found if isinstance(found, Map) else Map()


def _scenarios(document: Map, overrides: Mapping[str, str]) -> Iterator[Scenario]:
    defaults: dict[str, Any] = {name: Hole(f"${{{name}}}") for name in _PSEUDO}
    for name, declared in parameters(document).items():
        defaults[name] = _default(name, declared)
    defaults |= overrides
    yield Scenario("", defaults)
    for name, value in _alternatives(document, defaults):
        if name not in overrides:
            yield Scenario(f"with {name} {_words(value)}", {**defaults, name: value})


def _words(value: Any) -> str:
    return "set otherwise" if isinstance(value, Hole) else repr(str(value))


def _default(name: str, declared: Any) -> Any:
    if isinstance(declared, Map):
        default = declared.get("Default")
        if default is not None and not str(declared.get("Type")).startswith("AWS::SSM"):
            is_list = "List" in str(declared.get("Type"))
            return _seq(str(default).split(",")) if is_list else default
    return Hole(f"${{{name}}}")


def _seq(values: list[str]) -> Seq:
    made = Seq()
    made.extend(values)
    return made


def _alternatives(document: Map, defaults: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return other values of parameters: such as turn a condition the other way."""
    seen: set[tuple[str, str]] = set()
    for name, literal in _comparisons(document.get("Conditions")):
        if name not in defaults:
            continue
        value = literal
        if str(defaults[name]) == str(literal):
            value = _another(name, parameters(document).get(name), literal)
        if (name, str(value)) not in seen:
            seen.add((name, str(value)))
            yield name, value


def _comparisons(value: Any) -> Iterator[tuple[str, Any]]:
    """Return what is compared with what, wherever a parameter is compared with a literal."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            pair = current.get("Fn::Equals")
            if isinstance(pair, list):
                names = [v["Ref"] for v in pair if isinstance(v, dict) and "Ref" in v]
                literals = [v for v in pair if not isinstance(v, dict | list)]
                if len(names) == len(literals) == 1 and isinstance(names[0], str):
                    yield names[0], literals[0]
            waiting += reversed(current.values())
        elif isinstance(current, list):
            waiting += reversed(current)


def _another(name: str, declared: Any, literal: Any) -> Any:
    """Return a value that a parameter may have and that is not the one."""
    allowed = [v for v in listed(member(declared, "AllowedValues")) if str(v) != str(literal)]
    if allowed:
        return allowed[0]
    if member(declared, "Type") == "Number":
        bounds = [member(declared, key) for key in ("MaxValue", "MinValue")]
        fitting = [b for b in bounds if b is not None and str(b) != str(literal)]
        return fitting[0] if fitting else 1
    return Hole(f"${{{name} {_OTHER}}}")
