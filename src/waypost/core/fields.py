"""Reading a JSON object member by member, so that *all* its problems are found at once."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

from waypost.core import times
from waypost.core.errors import InvalidUpdate, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

MISSING: Final = "is missing"


def decode(data: bytes | str) -> object:
    """Return the value that a JSON text holds.

    Raises:
        InvalidUpdate: if it is not JSON (RFC 8259), not UTF-8, nested too deeply to be read, or has
            a number like 1e400, which could be read as infinity only and never be written again.
    """
    try:
        text = data if isinstance(data, str) else data.decode()
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_read_float)
    except RecursionError:
        raise InvalidUpdate([Problem("", "is nested too deeply")]) from None
    except UnicodeDecodeError:
        raise InvalidUpdate([Problem("", "is not UTF-8")]) from None
    except ValueError:
        raise InvalidUpdate([Problem("", "is not JSON")]) from None


def _refuse_constant(name: str) -> object:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidUpdate([Problem("", "has a number beyond a double")])
    return number


class Fields:
    """A cursor over one JSON object that notes every problem instead of stopping at the first.

    Each reading method returns the value if it is there and right; else it notes a problem (an
    optional member that is absent is none) and returns None.
    """

    __slots__ = ("_members", "_prefix", "problems")

    def __init__(
        self, value: object, *, prefix: str = "", problems: list[Problem] | None = None
    ) -> None:
        """Read ``value``, whose members' paths begin with ``prefix``.

        Raises:
            InvalidUpdate: if it is not an object: then there is nothing more to find.
        """
        if not isinstance(value, dict):
            raise InvalidUpdate([Problem("", "must be a JSON object")])
        self.problems = [] if problems is None else problems
        self._prefix = prefix
        self._members: Mapping[str, object] = value

    def __contains__(self, name: str) -> bool:
        """Tell whether the object has a member of that name."""
        return name in self._members

    def names(self) -> frozenset[str]:
        """Return the names of all members."""
        return frozenset(self._members)

    def get(self, name: str) -> object:
        """Return a member as it is, None if absent."""
        return self._members.get(name)

    def note(self, name: str, message: str) -> None:
        """Note a problem of the member ``name``."""
        self.problems.append(Problem(self._prefix + name, message))

    def nested(self, name: str) -> Fields:
        """Return a cursor over a member that is an object; its problems join these."""
        return Fields(self.get(name), prefix=f"{self._prefix}{name}.", problems=self.problems)

    def text(self, name: str, limit: int, *, required: bool = False) -> str | None:
        """Read a text of 1 to ``limit`` printable characters; a blank optional one is absent."""
        value = self._members.get(name)
        if isinstance(value, str) and len(value) <= limit and value.isprintable():
            if value and not value.isspace():
                return value
            if required:
                self.note(name, "must not be blank")
        elif name not in self._members:
            if required:
                self.note(name, MISSING)
        elif not isinstance(value, str):
            self.note(name, "must be text")
        elif len(value) > limit:
            self.note(name, f"must have at most {limit} characters")
        else:
            self.note(name, "must have printable characters only")
        return None

    def prose(self, name: str, limit: int) -> str | None:
        """Read an optional text that may have several lines."""
        value = self._members.get(name)
        if isinstance(value, str) and len(value) <= limit:
            if value.isprintable() or all(c.isprintable() or c in "\t\r\n" for c in value):
                return value or None
            self.note(name, "must have printable characters and line breaks only")
        elif isinstance(value, str):
            self.note(name, f"must have at most {limit} characters")
        elif name in self._members:
            self.note(name, "must be text")
        return None

    def time(
        self, name: str, *, latest: int, latest_words: str, required: bool = False
    ) -> tuple[int, str] | None:
        """Read an RFC 3339 instant from 2000-01-01 to ``latest``, with its offset as given."""
        if name not in self._members:
            if required:
                self.note(name, MISSING)
            return None
        value = self._members[name]
        try:
            instant, offset = times.parse_time(value if isinstance(value, str) else "")
        except ValueError as error:
            self.note(name, str(error))
            return None
        return (instant, offset) if self.within(name, instant, latest, latest_words) else None

    def within(self, name: str, instant: int, latest: int, latest_words: str) -> bool:
        """Note a problem unless the instant lies from 2000-01-01 to ``latest``."""
        if instant < times.EARLIEST:
            self.note(name, "must not be before 2000-01-01")
        elif instant > latest:
            self.note(name, f"must not be {latest_words}")
        else:
            return True
        return False

    def number(self, name: str, low: float, high: float) -> float | None:
        """Read an optional number between two bounds, both allowed."""
        value = self._members.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        if name in self._members:
            self.note(name, f"must be a number from {low:g} to {high:g}")
        return None

    def check(self) -> None:
        """Raise all that was noted.

        Raises:
            InvalidUpdate: if any problem was noted.
        """
        if self.problems:
            raise InvalidUpdate(self.problems)
