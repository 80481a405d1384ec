"""``waypost rederive``: the state made anew from the log."""

from __future__ import annotations

import typer

from waypost.cli import options, output
from waypost.cli.exits import ExitCode
from waypost.cli.hands import open_hands
from waypost.cli.reading import reading


def rederive(data: options.Data = None) -> None:
    """Fold every shipment anew from the log.

    The state is what the log amounts to, so this changes nothing unless the code has changed.
    Nobody is alerted of what was alerted before.
    """
    with open_hands(options.settings(data)) as hands, output.progress() as bar:
        task = bar.add_task("Folding", total=None)
        total = hands.rederive(lambda done, total: bar.update(task, completed=done, total=total))
    with reading(data) as operator:
        failed = operator.store.unfoldable()
    output.say(f"{total:,} shipments folded")
    if failed:
        output.warn(f"{len(failed)} of them could not be: see `waypost doctor`")
        raise typer.Exit(ExitCode.NO)
