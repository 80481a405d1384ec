"""Readers of single settings: text in, a checked value out.

Each raises ValueError with what would be right. None repeats the text, for it may be a secret.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from waypost.core.shipments import Thresholds
from waypost.core.statuses import Kind, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from enum import StrEnum

    E = TypeVar("E", bound=StrEnum)

MASK: Final = "****"

_HOST_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h|)")
_UNITS: Final = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600}
_NUMBER: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_WORD: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEY_FILE_LIMIT: Final = 65_536
_ADDRESSES: Final = 100
_PROGRESS: Final = {status.value: status for status in Status if status.kind is Kind.PROGRESS}


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A text that shows itself only when asked to, never in a log, a message or a traceback."""

    _text: str

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK


AccessKeys = MappingProxyType[str, Secret]
"""The secret of each access key id."""


def host(text: str) -> str:
    """Read a host name or an IP address."""
    if _is_address(text) or (_HOST_NAME.fullmatch(text) and len(text) <= 253):  # noqa: PLR2004 (RFC 1035)
        return text
    raise ValueError("must be a host name or an IP address, without a port")


def is_loopback(name: str) -> bool:
    """Tell whether only this machine can reach a host; other names than localhost are not asked."""
    return ip_address(name).is_loopback if _is_address(name) else name.lower() == "localhost"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return the reader of a whole number within bounds."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch("[0-9]{1,9}", text) else -1
        if not low <= number <= high:
            message = f"must be a whole number from {low} to {high}"
            raise ValueError(message)
        return number

    return read


def seconds(low: float, high: float) -> Callable[[str], float]:
    """Return the reader of a duration within bounds, all in seconds."""

    def read(text: str) -> float:
        match = _DURATION.fullmatch(text)
        duration = float(match[1]) * _UNITS[match[2]] if match else -1
        if not low <= duration <= high:
            message = (
                f"must be a duration such as 30, 30s, 5m or 500ms, from {low:g} to {high:g} seconds"
            )
            raise ValueError(message)
        return duration

    return read


def choice(options: type[E]) -> Callable[[str], E]:
    """Return the reader of one word out of a few, without case."""

    def read(text: str) -> E:
        try:
            return options(text.lower())
        except ValueError:
            message = f"must be one of {', '.join(options)}"
            raise ValueError(message) from None

    return read


def flag(text: str) -> bool:
    """Read yes or no."""
    try:
        return {"yes": True, "no": False}[text.lower()]
    except KeyError:
        raise ValueError("must be yes or no") from None


def word(text: str) -> str:
    """Read a short name."""
    if not _WORD.fullmatch(text):
        raise ValueError("must have 1 to 64 letters, digits, dots, hyphens or underscores")
    return text


def ascii_text(text: str) -> str:
    """Read a text that protocols carry as it is."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("must have printable ASCII characters only")
    return text


def ascii_secret(text: str) -> Secret:
    """Read a secret that protocols carry as it is."""
    return Secret(ascii_text(text))


def folder(text: str) -> Path:
    """Read the path of a folder, which need not be there yet."""
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("must be a folder, and there is a file of that name")
    return path


def ca_file(text: str) -> Path:
    """Read the path of a file of certificates in PEM."""
    path = Path(text).expanduser()
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = "it holds none" if isinstance(error, ssl.SSLError) else error.strerror
        message = f"must name a file of certificates in PEM: {reason}"
        raise ValueError(message) from None
    return path


def address(text: str) -> str:
    """Read a mail address, without a display name."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError("must be a plain mail address such as waypost@example.com")
    return text


def addresses(text: str) -> tuple[str, ...]:
    """Read mail addresses with commas between them; one that comes twice counts once."""
    found = dict.fromkeys(address(part.strip()) for part in text.split(","))
    if len(found) > _ADDRESSES:
        message = f"must be at most {_ADDRESSES} addresses; use a mailing list for more"
        raise ValueError(message)
    return tuple(found)


def url(text: str) -> str:
    """Read an http or https address."""
    try:
        parts = urlsplit(text)
        host(parts.hostname or "")
        good = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        good = False
    if not (good and re.fullmatch("[!-~]+", text)):
        raise ValueError("must be an http or https address such as https://example.com/hook")
    if "@" in urlsplit(text).netloc or "#" in text:
        raise ValueError("must have no user name, no password and no fragment")
    return text


def show_url(text: str) -> str:
    """Return an address with what may be secret in it masked: all that follows the host."""
    parts = urlsplit(text)
    hidden = f"/{MASK}" if parts.path.strip("/") or parts.query else parts.path
    return f"{parts.scheme}://{parts.netloc}{hidden}"


def webhook_secret(text: str) -> Secret:
    """Read a secret as the Standard Webhooks specification writes it."""
    prefix, _, encoded = text.rpartition("whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if prefix or not text.startswith("whsec_") or not 24 <= len(key) <= 64:  # noqa: PLR2004 (the specification's bounds)
        raise ValueError("must be whsec_ and 24 to 64 bytes in base64")
    return Secret(text)


def access_keys(text: str) -> AccessKeys:
    """Read ``ID:SECRET`` pairs with commas between them."""
    return _pairs(text.split(","), "item")


def access_keys_file(text: str) -> AccessKeys:
    """Read a file of ``ID:SECRET`` lines; blank lines and those that begin with # do not count."""
    try:
        with Path(text).expanduser().open(encoding="utf-8") as file:
            content = file.read(_KEY_FILE_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        message = f"must name a file that can be read: {reason}"
        raise ValueError(message) from None
    if len(content) > _KEY_FILE_LIMIT:
        message = f"must name a file of at most {_KEY_FILE_LIMIT:,} characters"
        raise ValueError(message)
    lines = ("" if line.startswith("#") else line for line in content.splitlines())
    keys = _pairs(lines, "line", blank=True)
    if not keys:
        raise ValueError("must name a file with at least one line ID:SECRET")
    return keys


def _pairs(items: Iterable[str], what: str, *, blank: bool = False) -> AccessKeys:
    keys: dict[str, Secret] = {}
    for number, item in enumerate(items, 1):
        if blank and not item.strip():
            continue
        key_id, _, secret = (part.strip() for part in item.partition(":"))
        if not (_KEY_ID.fullmatch(key_id) and secret and secret.isprintable()):
            message = f"{what} {number} must be ID:SECRET, the id of letters, digits, - and _"
            raise ValueError(message)
        if key_id in keys:
            message = f"{what} {number} has an id that another one has"
            raise ValueError(message)
        keys[key_id] = Secret(secret)
    return MappingProxyType(keys)


def hours(text: str) -> float:
    """Read a number of hours, up to a year."""
    number = float(text) if _NUMBER.fullmatch(text) else 0
    if not 0 < number <= 8_760:  # noqa: PLR2004 (a year)
        raise ValueError("must be a number of hours above 0, up to 8760")
    return number


def silences(text: str) -> Thresholds:
    """Read ``STATUS=HOURS``, ``CARRIER=HOURS`` and ``CARRIER/STATUS=HOURS`` with commas between."""
    found: dict[tuple[str | None, Status | None], float] = {}
    for number, item in enumerate(text.split(","), 1):
        name, _, value = (part.strip() for part in item.rpartition("="))
        try:
            key, silence = _silence_key(name), hours(value)
        except ValueError as error:
            message = f"item {number} {error}"
            raise ValueError(message) from None
        if key in found:
            message = f"item {number} is for what another one is for"
            raise ValueError(message)
        found[key] = silence
    return Thresholds(MappingProxyType(found))


def _silence_key(name: str) -> tuple[str | None, Status | None]:
    carrier, slash, last = (part.strip() for part in name.upper().rpartition("/"))
    if not last or (slash and not carrier):
        raise ValueError("must be STATUS=HOURS, CARRIER=HOURS or CARRIER/STATUS=HOURS")
    status = _PROGRESS.get(last)
    if status is not None:
        return carrier or None, status
    misspelt = get_close_matches(last, _PROGRESS, 1, cutoff=0.85)
    if slash or misspelt or last in Status.__members__:
        message = f"must name a carrier, or one of the statuses {', '.join(_PROGRESS)}"
        raise ValueError(message)
    return last, None


def merged(thresholds: Thresholds, all_hours: float | None) -> Thresholds:
    """Return thresholds with one more for every shipment that none of them names."""
    if all_hours is None:
        return thresholds
    found: Mapping[tuple[str | None, Status | None], float] = {
        **thresholds.hours,
        (None, None): all_hours,
    }
    return Thresholds(MappingProxyType(found))
