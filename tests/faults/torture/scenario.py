"""What a scenario is: a name, what it does, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tests.faults.torture.rig import Rig

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.torture.rig import Seen

T = TypeVar("T")


class Skipped(Exception):
    """This machine cannot do that to a program; the text says why."""


@dataclass(frozen=True)
class Scale:
    """How much of everything: all of it, or what `make test` has the time for."""

    whole: bool

    def of(self, whole: T, bounded: T) -> T:
        """Return the one or the other."""
        return whole if self.whole else bounded

    @property
    def pause(self) -> float:
        """Between the calls of a client, in seconds."""
        return self.of(0.0, 0.02)

    def rig(self, folder: Path, *plants: str, **how: str | float) -> Rig:
        """Return a rig of this scale; ``how`` is as for `Rig`."""
        return Rig(folder, *plants, whole=self.whole, **how)  # type: ignore[arg-type] # memory_mib is the one number


@dataclass(frozen=True)
class Done:
    """A scenario in which everything held.

    Attributes:
        did: what was done, how often.
        seen: what the check at its end saw, and what the scenario checked by itself.
    """

    did: str
    seen: str

    @classmethod
    def of(cls, did: str, seen: Seen, *more: str) -> Done:
        return cls(did, "; ".join([*more, str(seen)]))


class Scenario(Protocol):
    """Tortures a server that keeps its files in ``folder``, and checks what was promised."""

    def __call__(self, folder: Path, scale: Scale) -> Done:
        """Do it.

        Raises:
            Broken: something did not hold.
            Skipped: it cannot be done here.
        """
