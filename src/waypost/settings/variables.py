"""The table of all settings: what each is called, what it means, what it is when it is not set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from waypost.notifiers.smtp import Tls
from waypost.settings import readers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from waypost.core.shipments import Thresholds
    from waypost.settings.readers import AccessKeys, Secret

T = TypeVar("T")

PREFIX: Final = "WAYPOST_"


class Terminal(StrEnum):
    """Whether alerts are shown where the server runs."""

    AUTO = "auto"
    """If its output is a terminal, or no other way to alert is configured."""
    ON = "on"
    OFF = "off"


class LogLevel(StrEnum):
    """From which severity on the server logs."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _masked(_: str) -> str:
    return readers.MASK


@dataclass(frozen=True, slots=True)
class Variable(Generic[T]):
    """One setting.

    Attributes:
        name: in the environment.
        read: turns its text into its value; raises ValueError.
        default: the text that it has when it is not set; None: it has no value then.
        meaning: for the reference page and the help.
        show: its text as an operator may see it.
    """

    name: str
    read: Callable[[str], T]
    default: str | None
    meaning: str
    show: Callable[[str], str] = str


HOST = Variable(
    "WAYPOST_HOST",
    readers.host,
    "127.0.0.1",
    "The address that the server listens on. Any but a loopback address needs access keys.",
)
PORT = Variable(
    "WAYPOST_PORT", readers.whole(0, 65_535), "8377", "The port; 0 takes one that is free."
)
DATA = Variable(
    "WAYPOST_DATA",
    readers.folder,
    "waypost-data",
    "The folder of the log and the state; made if it is not there.",
)
ACCESS_KEYS: Variable[AccessKeys | None] = Variable(
    "WAYPOST_ACCESS_KEYS",
    readers.access_keys,
    None,
    "`ID:SECRET`, more with commas between: who may send. Calls must be signed with one of them "
    "(SigV4). Without keys nothing has to be signed.",
    _masked,
)
ACCESS_KEYS_FILE: Variable[AccessKeys | None] = Variable(
    "WAYPOST_ACCESS_KEYS_FILE",
    readers.access_keys_file,
    None,
    "A file of `ID:SECRET` lines, in place of `WAYPOST_ACCESS_KEYS`.",
)
REGION: Variable[str | None] = Variable(
    "WAYPOST_REGION",
    readers.word,
    None,
    "The region that calls must be signed for; any, if it is not set.",
)
MAX_CONNECTIONS = Variable(
    "WAYPOST_MAX_CONNECTIONS",
    readers.whole(1, 100_000),
    "1000",
    "So many connections may be open; further ones are answered 503.",
)
BODY_TIMEOUT = Variable(
    "WAYPOST_BODY_TIMEOUT",
    readers.seconds(0.1, 600),
    "10",
    "The time in which the body of a call must have come in.",
)
LOG_LEVEL = Variable(
    "WAYPOST_LOG_LEVEL",
    readers.choice(LogLevel),
    "info",
    "From which severity on the server logs: `debug`, `info`, `warning` or `error`.",
)
ENVIRONMENT = Variable(
    "WAYPOST_ENVIRONMENT", readers.word, "dev", "A name for this installation, shown in alerts."
)
ALERT_WINDOW = Variable(
    "WAYPOST_ALERT_WINDOW",
    readers.seconds(0, 86_400),
    "30",
    "At most one message of a kind in so long: the first after quiet goes at once, the rest is "
    "gathered.",
)
SWEEP = Variable(
    "WAYPOST_SWEEP",
    readers.seconds(0.1, 86_400),
    "60",
    "How often shipments are looked at for silence and passed arrival times.",
)
STALLED_HOURS: Variable[float | None] = Variable(
    "WAYPOST_STALLED_HOURS",
    readers.hours,
    None,
    "For how many hours any shipment may be silent before it is STALLED, in place of the "
    "defaults by status.",
)
STALLED: Variable[Thresholds | None] = Variable(
    "WAYPOST_STALLED",
    readers.silences,
    None,
    "The same by status, carrier, or both: `IN_TRANSIT=72,UPS=96,UPS/IN_TRANSIT=48`. The most "
    "specific one counts.",
)
TERMINAL = Variable(
    "WAYPOST_TERMINAL",
    readers.choice(Terminal),
    "auto",
    "Whether alerts are shown where the server runs: `on`, `off`, or `auto` for if that is a "
    "terminal, or there is neither mail nor a webhook.",
)
SMTP_HOST: Variable[str | None] = Variable(
    "WAYPOST_SMTP_HOST", readers.host, None, "The mail server. Without it no mail is sent."
)
SMTP_PORT: Variable[int | None] = Variable(
    "WAYPOST_SMTP_PORT",
    readers.whole(1, 65_535),
    None,
    "Its port; if it is not set, 587 with `starttls`, 465 with `implicit` and 25 with `none`.",
)
SMTP_TLS = Variable(
    "WAYPOST_SMTP_TLS",
    readers.choice(Tls),
    "starttls",
    "How the connection is protected: `starttls`, `implicit` (TLS from the first byte) or "
    "`none`. It never falls back to less.",
)
SMTP_CA_FILE: Variable[Path | None] = Variable(
    "WAYPOST_SMTP_CA_FILE",
    readers.ca_file,
    None,
    "Certificates to trust (PEM) in place of the system's.",
)
SMTP_USER: Variable[str | None] = Variable(
    "WAYPOST_SMTP_USER", readers.ascii_text, None, "The user name to log in with."
)
SMTP_PASSWORD: Variable[Secret | None] = Variable(
    "WAYPOST_SMTP_PASSWORD", readers.ascii_secret, None, "The password to log in with.", _masked
)
SMTP_FROM: Variable[str | None] = Variable(
    "WAYPOST_SMTP_FROM", readers.address, None, "The address that mails come from."
)
SMTP_TO: Variable[tuple[str, ...] | None] = Variable(
    "WAYPOST_SMTP_TO",
    readers.addresses,
    None,
    "The addresses that they go to, with commas between.",
)
SMTP_TIMEOUT = Variable(
    "WAYPOST_SMTP_TIMEOUT",
    readers.seconds(0.1, 600),
    "20",
    "The time that one delivery may take.",
)
WEBHOOK_URL: Variable[str | None] = Variable(
    "WAYPOST_WEBHOOK_URL",
    readers.url,
    None,
    "Where messages are posted. Without it none are.",
    readers.show_url,
)
WEBHOOK_SECRET: Variable[Secret | None] = Variable(
    "WAYPOST_WEBHOOK_SECRET",
    readers.webhook_secret,
    None,
    "What they are signed with: `whsec_` and 24 to 64 bytes in base64.",
    _masked,
)
WEBHOOK_PLAIN_HTTP = Variable(
    "WAYPOST_WEBHOOK_PLAIN_HTTP",
    readers.flag,
    "no",
    "`yes` lets messages go to another machine over http, readable on the way.",
)
WEBHOOK_TIMEOUT = Variable(
    "WAYPOST_WEBHOOK_TIMEOUT",
    readers.seconds(0.1, 600),
    "10",
    "The time that one call may take.",
)

GROUPS: Final = MappingProxyType[str, tuple[Variable[Any], ...]](
    {
        "Server": (
            HOST,
            PORT,
            DATA,
            ACCESS_KEYS,
            ACCESS_KEYS_FILE,
            REGION,
            MAX_CONNECTIONS,
            BODY_TIMEOUT,
            LOG_LEVEL,
        ),
        "Alerts": (ENVIRONMENT, ALERT_WINDOW, SWEEP, STALLED_HOURS, STALLED, TERMINAL),
        "Mail": (
            SMTP_HOST,
            SMTP_PORT,
            SMTP_TLS,
            SMTP_CA_FILE,
            SMTP_USER,
            SMTP_PASSWORD,
            SMTP_FROM,
            SMTP_TO,
            SMTP_TIMEOUT,
        ),
        "Webhook": (WEBHOOK_URL, WEBHOOK_SECRET, WEBHOOK_PLAIN_HTTP, WEBHOOK_TIMEOUT),
    }
)
"""Every setting there is, in the order of the reference page."""

VARIABLES: Final = tuple(variable for group in GROUPS.values() for variable in group)
