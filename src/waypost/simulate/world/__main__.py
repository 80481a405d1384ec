"""``python -m waypost.simulate.world``: what ``make prove`` and ``make exhaust`` run."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from rich.console import Console

from waypost.simulate.world.exhaust.report import exhaust
from waypost.simulate.world.exhaust.updates import MOST
from waypost.simulate.world.homes import HOMES, run_home
from waypost.simulate.world.prove import prove
from waypost.simulate.world.shrink import Shrinker
from waypost.simulate.world.story import tell


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run worlds; return 0 if every invariant held in all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m waypost.simulate.world",
        description="Run the real code through simulated worlds full of faults.",
    )
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the first seed")
    parser.add_argument("--seeds", type=int, default=2_000, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, metavar="N", help="one world, and tell its story")
    parser.add_argument("--exhaust", action="store_true", help="every small world instead")
    parser.add_argument("--most", type=int, default=MOST, metavar="N", help="updates of those")
    parser.add_argument("--home", choices=HOMES, default=HOMES[0], help="whose world that is")
    asked = parser.parse_args(arguments)
    console = console or Console(soft_wrap=True)
    logging.disable()
    if asked.exhaust:
        return 0 if exhaust(console, asked.most) else 1
    if asked.seed is not None:
        return _tell(asked.home, asked.seed, console)
    tally = prove(asked.first, asked.seeds, console)
    if not tally.broken:
        return 0
    _tell(*min(tally.broken), console)
    return 1


def _tell(home: str, seed: int, console: Console) -> int:
    """Tell the story of a world; if it breaks an invariant, of the smallest part that does."""
    outcome = run_home(home, seed)
    if outcome.violations:
        console.print("\nThe smallest world found that breaks the same invariant:\n")
        outcome = Shrinker(outcome).shrink()
    for line in tell(outcome):
        console.print(line)
    if not outcome.violations:
        console.print(f"{outcome.checks} invariants checked, none violated.")
        return 0
    console.print(f"\nAgain: python -m waypost.simulate.world --home {home} --seed {seed}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
