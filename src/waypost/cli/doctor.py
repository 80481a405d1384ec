"""``waypost doctor``: what is configured, what is reachable, what is behind."""

from __future__ import annotations

import platform
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import typer

from waypost import __version__
from waypost.cli import options, output
from waypost.cli.exits import ExitCode
from waypost.cli.hands import server_of
from waypost.cli.home import Home
from waypost.cli.stack_status import tell
from waypost.core.errors import InvalidSettings, StoreUnavailable, StoreUnusable
from waypost.core.times import DAY
from waypost.ports import DeliveryState, Fate, LocalStore

if TYPE_CHECKING:
    from waypost.settings import Settings

REACH_SECONDS: Final = 2.0
"""So long a connection may take."""
READY_SECONDS: Final = 6.0
"""So long a server may take to say whether it is ready; it gives its store 5 of them."""
BEHIND: Final = 10_000
"""More entries that nobody has followed are worth a look."""
_COUNTED: Final = 1_000
"""What waits is counted up to this; then there are "1000 or more"."""
_PORTS: Final = {"http": 80, "https": 443}
_SKIPPED: Final = frozenset({"settings", "problems"})


@dataclass(slots=True)
class _Findings:
    """What was found, and what of it is wrong."""

    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def doctor(home: Home, *, as_json: options.Json = False) -> None:
    """Say what is configured, reachable and behind; exit code 1 if something is unwell.

    Of a stack it says what `waypost stack status` does.
    """
    if home.stack is not None:
        tell(home.stack, as_json=as_json)
        return
    found = _Findings()
    found.facts["version"] = __version__
    found.facts["python"] = platform.python_version()
    try:
        settings = options.settings(home.data)
    except InvalidSettings as error:
        found.problems += [f"settings: {problem}" for problem in error.problems]
    else:
        _look_at_settings(settings, found)
        _look_at_server(settings, found)
        _look_at_store(settings, found)
        _look_at_notifiers(settings, found)
    found.facts["problems"] = found.problems
    if as_json:
        output.emit(found.facts)
    else:
        _show(found)
    if found.problems:
        raise typer.Exit(ExitCode.NO)


def _look_at_settings(settings: Settings, found: _Findings) -> None:
    found.facts["settings"] = {
        row.name: row.value for row in settings.describe() if row.value is not None
    }


def _look_at_server(settings: Settings, found: _Findings) -> None:
    address = server_of(settings)
    found.facts["server"] = address
    if address is not None:
        answer = _ready(address)
        found.facts["ready"] = not answer
        found.problems += [f"server: {problem}" for problem in answer]


def _ready(address: str) -> list[str]:
    """Return why a server is not ready; nothing if it is."""
    import urllib3

    try:
        with urllib3.PoolManager(timeout=READY_SECONDS, retries=False) as http:
            answer = http.request("GET", f"{address}/readyz")
            if answer.status == 200:  # noqa: PLR2004 (OK)
                return []
            said = answer.json()["error"]
            return [f"{p['path']}: {p['message']}" for p in said["problems"]] or [said["message"]]
    except (urllib3.exceptions.HTTPError, ValueError, LookupError, TypeError) as error:
        return [f"{address} does not answer as it should: {error}"]


def _look_at_store(settings: Settings, found: _Findings) -> None:
    from waypost.bootstrap import FILE, open_store
    from waypost.clock import SystemClock

    path = settings.data / FILE
    found.facts["file"] = str(path)
    parts = [part for part in (path, path.with_name(f"{FILE}-wal")) if part.exists()]
    found.facts["bytes"] = sum(part.stat().st_size for part in parts) if parts else None
    if not path.exists():
        return
    try:
        store = open_store(settings)
        try:
            _look_inside(store, SystemClock().now(), found)
        finally:
            store.close()
    except (StoreUnavailable, StoreUnusable) as error:
        found.problems.append(f"store: {error}")


def _look_inside(store: LocalStore, now: int, found: _Findings) -> None:
    unfoldable, dead = store.failing(), store.alerts(DeliveryState.DEAD, limit=_COUNTED)
    behind = store.behind()
    found.facts |= {
        "behind": behind,
        "toRefold": _count(store.refolds(now + DAY, _COUNTED)),
        "unfoldable": unfoldable,
        "rejected": _count(store.rejected(Fate.OPEN, limit=_COUNTED)),
        "unmapped": len(store.unmapped()),
        "alertsNotDelivered": _count(dead),
    }
    if behind > BEHIND:
        found.problems.append(f"follower: {behind} entries behind; does the server run?")
    if unfoldable:
        found.problems.append(f"follower: {len(unfoldable)} shipments cannot be folded, see above")
    if dead:
        found.problems.append("alerts: some were given up; see `waypost alerts --state dead`")


def _count(rows: Sequence[object]) -> int | str:
    return len(rows) if len(rows) < _COUNTED else f"{_COUNTED} or more"


def _look_at_notifiers(settings: Settings, found: _Findings) -> None:
    reachable: dict[str, bool] = {}
    for name, host, port in _notifiers(settings):
        try:
            socket.create_connection((host, port), timeout=REACH_SECONDS).close()
        except OSError as error:
            found.problems.append(f"{name}: cannot reach {host} on port {port}: {error}")
            reachable[name] = False
        else:
            reachable[name] = True
    found.facts["notifiers"] = reachable


def _notifiers(settings: Settings) -> Iterator[tuple[str, str, int]]:
    if settings.smtp is not None:
        yield "smtp", settings.smtp.host, settings.smtp.port
    if settings.webhook is not None:
        parts = urlsplit(settings.webhook.url)
        yield "webhook", parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _show(found: _Findings) -> None:
    table = output.table("", "")
    table.show_header = False
    for name, value in found.facts.items():
        if name not in _SKIPPED:
            table.add_row(output.cell(name, "dim"), output.cell(_words(value)))
    for name, value in found.facts.get("settings", {}).items():
        table.add_row(output.cell(name, "dim"), output.cell(value))
    output.show(table, "")
    if found.problems:
        output.warn("Problems:", *(f"  {problem}" for problem in found.problems))
    else:
        output.say("All is well.")


def _words(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_words(member)}" for name, member in value.items()) or "none"
    return "none" if value is None else value
