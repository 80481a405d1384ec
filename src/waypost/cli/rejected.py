"""``waypost rejected``: what could not be recorded, kept whole with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from waypost.cli import options, output
from waypost.cli.commands import command, group
from waypost.cli.exits import ExitCode
from waypost.cli.hands import open_hands
from waypost.cli.home import Home
from waypost.cli.reading import paged, reading
from waypost.cli.updates import tell
from waypost.core.errors import NotFound
from waypost.core.times import format_time
from waypost.ports import Fate, Rejection, Store

app = group("What could not be recorded, kept with the reasons. Alone it lists.")

_SHORTEST: Final = 4
_WHOLE: Final = 16
_RAW_SHOWN: Final = 4_000

_Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="Its id, or the first digits of it that are its alone."),
]
_RESULT: Final = {
    "appended": "recorded",
    "duplicate": "a duplicate: it was recorded before",
}


@command(
    app,
    "waypost rejected list",
    "waypost rejected list --all --json | jq '.problems[].message'",
    name="list",
)
def list_rejected(
    *,
    settled: Annotated[
        bool, typer.Option("--all", help="Those that were replayed or dropped too.")
    ] = False,
    limit: options.Limit = None,
    as_json: options.Json = False,
    home: Home,
) -> None:
    """List rejected events in the order in which they came: the default of `waypost rejected`."""
    fate = None if settled else Fate.OPEN
    with reading(home) as operator:
        if as_json:
            output.emit_all(map(_json, _rejected(operator.store, fate, limit)))
            return
        rows = [*_rejected(operator.store, fate, (limit or output.ROWS) + 1)]
    shown = rows[: limit or output.ROWS]
    table = output.table("id", "came (UTC)", "from", "state", "problems")
    for row in shown:
        table.add_row(
            output.cell(row.rejection_id, "bold"),
            output.cell(output.when(format_time(row.record_time))),
            output.cell(row.source),
            output.cell(row.fate.value),
            output.cell("; ".join(map(str, row.problems))),
        )
    output.show(table, "Nothing was rejected." if settled else "Nothing rejected waits for you.")
    if len(rows) > len(shown):
        output.note("There are more: raise --limit, or take all with --json.")


def _rejected(store: Store, fate: Fate | None, limit: int | None) -> Iterator[Rejection]:
    return paged(
        lambda after, wanted: store.rejected(fate, after, wanted),
        lambda row: row.rejection_id,
        limit,
    )


def _json(rejection: Rejection) -> dict[str, Any]:
    time = rejection.envelope_time
    return {
        "rejectionId": rejection.rejection_id,
        "state": rejection.fate,
        "recordTime": format_time(rejection.record_time),
        "source": rejection.source,
        "envelopeId": rejection.envelope_id,
        "envelopeTime": None if time is None else format_time(time),
        "problems": [{"path": p.path, "message": p.message} for p in rejection.problems],
        "raw": rejection.raw,
    }


def _find(store: Store, prefix: str) -> Rejection:
    """Return the one whose id begins so.

    Raises:
        NotFound: there is none, or there are several.
    """
    if len(prefix) >= _WHOLE:
        return store.rejection(prefix)
    if len(prefix) < _SHORTEST:
        raise typer.BadParameter(f"must have {_SHORTEST} digits or more", param_hint="'ID'")
    found: Rejection | None = None
    for rejection in _rejected(store, None, None):
        if rejection.rejection_id.startswith(prefix):
            if found is not None:
                raise NotFound(f"more than one rejected event {prefix}...: give more digits")
            found = rejection
    if found is None:
        raise NotFound(f"no rejected event {prefix}...")
    return found


@command(app, "waypost rejected show 3f9a", "waypost rejected show 3f9a --json | jq -r .raw")
def show(
    rejection_id: _Id,
    *,
    as_json: options.Json = False,
    home: Home,
) -> None:
    """Show one rejected event: what is wrong with it, and what came in."""
    with reading(home) as operator:
        rejection = _find(operator.store, rejection_id)
    if as_json:
        output.emit(_json(rejection))
        return
    facts = output.table("", "")
    for name, value in (
        ("id", rejection.rejection_id),
        ("state", rejection.fate.value),
        ("came", output.when(format_time(rejection.record_time))),
        ("from", rejection.source),
        *(("problem", str(problem)) for problem in rejection.problems),
    ):
        facts.add_row(output.cell(name, "dim"), output.cell(value))
    output.show(facts, "")
    output.say(rejection.raw[:_RAW_SHOWN])
    if len(rejection.raw) > _RAW_SHOWN:
        output.note(f"{len(rejection.raw):,} characters in all: see them with --json.")


@command(app, "waypost rejected replay 3f9a", "waypost rejected replay --all")
def replay(
    rejection_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Its id, or the first digits.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that wait, one by one.")] = False,
    home: Home,
) -> None:
    """Try a rejected event again, because what was in its way is gone."""
    if (rejection_id is None) is not every:
        raise typer.BadParameter("name one ID, or say --all")
    if rejection_id is None:
        _replay_all(home)
        return
    with reading(home) as operator:
        whole = _find(operator.store, rejection_id).rejection_id
    with open_hands(home) as hands:
        result = hands.replay(whole)
    tell(result, _RESULT)


def _replay_all(home: Home) -> None:
    done = failed = 0
    with reading(home) as operator, open_hands(home) as hands:
        for rejection in _rejected(operator.store, Fate.OPEN, None):
            if hands.replay(rejection.rejection_id).is_rejected:
                failed += 1
            else:
                done += 1
    output.say(f"{done} recorded, {failed} rejected again")
    if failed:
        raise typer.Exit(ExitCode.NO)


@command(app, "waypost rejected drop 3f9a")
def drop(rejection_id: _Id, home: Home) -> None:
    """Settle a rejected event as not wanted. It is kept all the same."""
    with reading(home) as operator:
        whole = _find(operator.store, rejection_id).rejection_id
    with open_hands(home) as hands:
        hands.drop(whole)
    output.say("dropped")
