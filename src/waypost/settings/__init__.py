"""The environment as one checked record."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from waypost.core.errors import InvalidSettings, Problem
from waypost.core.shipments import Thresholds
from waypost.notifiers.smtp import Tls
from waypost.settings import variables as v
from waypost.settings.readers import AccessKeys, Secret, is_loopback, merged
from waypost.settings.variables import LogLevel, Terminal, Variable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "AccessKeys",
    "LogLevel",
    "Row",
    "Secret",
    "Settings",
    "Smtp",
    "Terminal",
    "Webhook",
    "describe",
]

T = TypeVar("T")

_PORTS: Final = MappingProxyType({Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.NONE: 25})


class Row(NamedTuple):
    """One setting as it is in force, for an operator to see.

    Attributes:
        name: in the environment.
        value: its text, secrets masked; None if it has no value.
        given: whether it was set, or has its default.
    """

    name: str
    value: str | None
    given: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """How mail is sent; ``timeout`` in seconds."""

    host: str
    port: int
    tls: Tls
    ca_file: Path | None
    user: str | None
    password: Secret | None
    sender: str
    recipients: tuple[str, ...]
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where messages are posted; ``timeout`` in seconds."""

    url: str = field(repr=False)
    secret: Secret
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, checked. What each means is said once, in `waypost.settings.variables`.

    Attributes:
        access_keys: the secret by key id; empty: nothing has to be signed.
        region: that calls must be signed for; None: any.
        alert_window: in seconds, as are ``sweep`` and ``body_timeout``.
        smtp: None if no mail is sent.
        webhook: None if nothing is posted.
        rows: what `describe` returns.
    """

    host: str
    port: int
    data: Path
    access_keys: AccessKeys
    region: str | None
    max_connections: int
    body_timeout: float
    log_level: LogLevel
    environment: str
    alert_window: float
    sweep: float
    thresholds: Thresholds
    terminal: Terminal
    smtp: Smtp | None
    webhook: Webhook | None
    rows: tuple[Row, ...] = field(repr=False)

    @classmethod
    def read(
        cls, env: Mapping[str, str], overrides: Mapping[str, str | None] | None = None
    ) -> Settings:
        """Read the settings; an empty or blank text counts as not set.

        Args:
            env: the environment; only names that begin with WAYPOST_ matter.
            overrides: what command-line options say, by the same names; None or empty: not given.

        Raises:
            InvalidSettings: with everything that is wrong, each problem under its variable.
        """
        given = {**env, **{name: text for name, text in (overrides or {}).items() if text}}
        reader = _Reader(given)
        return cls(
            host=reader.get(v.HOST),
            port=reader.get(v.PORT),
            data=reader.get(v.DATA),
            access_keys=_access_keys(reader),
            region=reader.get(v.REGION),
            max_connections=reader.get(v.MAX_CONNECTIONS),
            body_timeout=reader.get(v.BODY_TIMEOUT),
            log_level=reader.get(v.LOG_LEVEL),
            environment=reader.get(v.ENVIRONMENT),
            alert_window=reader.get(v.ALERT_WINDOW),
            sweep=reader.get(v.SWEEP),
            thresholds=merged(reader.get(v.STALLED) or Thresholds(), reader.get(v.STALLED_HOURS)),
            terminal=reader.get(v.TERMINAL),
            smtp=_smtp(reader),
            webhook=_webhook(reader),
            rows=reader.rows(),  # comes last, for it raises what all the others have found
        )

    def describe(self) -> tuple[Row, ...]:
        """Return every setting as it is in force, secrets masked."""
        return self.rows


def describe() -> str:
    """Return all settings with defaults and meanings, as tables in Markdown."""
    lines: list[str] = []
    for heading, group in v.GROUPS.items():
        lines += [f"## {heading}", "", "| Variable | Default | Meaning |", "|---|---|---|"]
        for variable in group:
            default = "" if variable.default is None else f"`{variable.default}`"
            lines.append(f"| `{variable.name}` | {default} | {variable.meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip()


class _Reader:
    """Reads variables one by one, and gathers what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        texts = {name: text.strip() for name, text in env.items() if name.startswith(v.PREFIX)}
        self._texts = {name: text for name, text in texts.items() if text}
        self._values: dict[str, Any] = {}
        known = {variable.name for variable in v.VARIABLES}
        self._problems = [Problem(name, _unknown(name)) for name in texts if name not in known]

    def given(self, variable: Variable[Any]) -> bool:
        """Tell whether it was set, rightly or wrongly."""
        return variable.name in self._texts

    def get(self, variable: Variable[T]) -> T:
        """Return the value of a variable; that of its default if it is not set, or wrong."""
        if variable.name not in self._values:
            self._values[variable.name] = self._read(variable)
        return cast("T", self._values[variable.name])

    def _read(self, variable: Variable[T]) -> T | None:
        text = self._texts.get(variable.name)
        if text is not None:
            try:
                return variable.read(text)
            except ValueError as error:
                self.note(variable, str(error))
        return None if variable.default is None else variable.read(variable.default)

    def note(self, variable: Variable[Any], what: str) -> None:
        """Add a problem."""
        self._problems.append(Problem(variable.name, what))

    def require(self, wanted: Variable[Any], *because: Variable[Any]) -> None:
        """Add a problem if a variable is not set and one that leans on it is."""
        leaning = next((variable for variable in because if self.given(variable)), None)
        if leaning is not None and not self.given(wanted):
            self.note(wanted, f"must be set too, because {leaning.name} is")

    def rows(self) -> tuple[Row, ...]:
        """Return every setting as it is in force.

        Raises:
            InvalidSettings: with all problems that were found.
        """
        if self._problems:
            raise InvalidSettings(sorted(self._problems, key=lambda problem: problem.path))
        return tuple(self._row(variable) for variable in v.VARIABLES)

    def _row(self, variable: Variable[Any]) -> Row:
        text = self._texts.get(variable.name)
        if text is None:
            return Row(variable.name, variable.default, given=False)
        return Row(variable.name, variable.show(text), given=True)


def _unknown(name: str) -> str:
    short = [variable.name.removeprefix(v.PREFIX) for variable in v.VARIABLES]
    close = get_close_matches(name.removeprefix(v.PREFIX).upper(), short, 1)
    hint = f"did you mean {v.PREFIX}{close[0]}?" if close else "see the reference of settings"
    return f"there is no such setting; {hint}"


def _access_keys(reader: _Reader) -> AccessKeys:
    here, filed = reader.get(v.ACCESS_KEYS), reader.get(v.ACCESS_KEYS_FILE)
    given = [x for x in (v.ACCESS_KEYS, v.ACCESS_KEYS_FILE) if reader.given(x)]
    if len(given) > 1:
        reader.note(v.ACCESS_KEYS_FILE, f"must not be set beside {v.ACCESS_KEYS.name}")
    if not given and not is_loopback(reader.get(v.HOST)):
        reader.note(
            v.ACCESS_KEYS,
            f"must be set, because {v.HOST.name} lets other machines in; "
            "or listen on 127.0.0.1 only",
        )
    return here or filed or MappingProxyType({})


def _smtp(reader: _Reader) -> Smtp | None:
    reader.require(v.SMTP_HOST, *v.GROUPS["Mail"])
    reader.require(v.SMTP_FROM, v.SMTP_HOST)
    reader.require(v.SMTP_TO, v.SMTP_HOST)
    reader.require(v.SMTP_PASSWORD, v.SMTP_USER)
    reader.require(v.SMTP_USER, v.SMTP_PASSWORD)
    host, tls, user = reader.get(v.SMTP_HOST), reader.get(v.SMTP_TLS), reader.get(v.SMTP_USER)
    recipients = reader.get(v.SMTP_TO)
    if tls is Tls.NONE and user and host and not is_loopback(host):
        reader.note(v.SMTP_TLS, "must not be none with a login: the password could be read")
    if host is None:
        return None
    return Smtp(
        host=host,
        port=reader.get(v.SMTP_PORT) or _PORTS[tls],
        tls=tls,
        ca_file=reader.get(v.SMTP_CA_FILE),
        user=user,
        password=reader.get(v.SMTP_PASSWORD),
        sender=reader.get(v.SMTP_FROM) or "",
        recipients=recipients or (),
        timeout=reader.get(v.SMTP_TIMEOUT),
    )


def _webhook(reader: _Reader) -> Webhook | None:
    reader.require(v.WEBHOOK_URL, *v.GROUPS["Webhook"])
    reader.require(v.WEBHOOK_SECRET, v.WEBHOOK_URL)
    url, secret = reader.get(v.WEBHOOK_URL), reader.get(v.WEBHOOK_SECRET)
    plain, timeout = reader.get(v.WEBHOOK_PLAIN_HTTP), reader.get(v.WEBHOOK_TIMEOUT)
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme == "http" and not plain and not is_loopback(parts.hostname or ""):
        reader.note(
            v.WEBHOOK_URL,
            f"must be https, for it goes to another machine; or set {v.WEBHOOK_PLAIN_HTTP.name}=yes",
        )
    return Webhook(url=url, secret=secret or Secret(""), timeout=timeout)
