"""``waypost rederive``: the state made anew from the log."""

from __future__ import annotations

import typer

from waypost.cli import output
from waypost.cli.exits import ExitCode
from waypost.cli.hands import open_hands
from waypost.cli.home import Home


def rederive(home: Home) -> None:
    """Fold every shipment anew from the log.

    The state is what the log amounts to, so this changes nothing unless the code has changed.
    Nobody is alerted of what was alerted before.

    On a stack, each shipment goes into the re-fold queue, and the notifier folds it in its own
    time.
    """
    with open_hands(home) as hands, output.progress() as bar:
        task = bar.add_task("Folding", total=None)
        done = hands.rederive(
            lambda count, total: bar.update(
                task, completed=count, total=total, description=f"Folding  {count:,}"
            )
        )
    if done.failed is None:
        output.say(
            f"{done.shipments:,} shipments sent to the re-fold queue: the notifier folds them"
        )
        return
    output.say(f"{done.shipments:,} shipments folded")
    if done.failed:
        output.warn(f"{done.failed} of them could not be: see `waypost doctor`")
        raise typer.Exit(ExitCode.NO)
