"""Who may call a server that has no access keys: programs on this machine, and no web page.

A page of a foreign site, open in a browser on this machine, could reach a loopback address too:
directly (its Origin gives it away) or after rebinding its own name (the Host gives it away).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from waypost.server.refusals import Reason, Refusal
from waypost.settings.readers import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

_READING: Final = frozenset({"GET", "HEAD"})


def check_local(method: str, headers: Mapping[bytes, bytes]) -> None:
    """Refuse what a web page may have sent.

    Raises:
        Refusal: the Host is not this machine, or a foreign site wants to change something.
    """
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if not is_loopback(_host_name(host)):
        raise Refusal(
            Reason.FOREIGN,
            "Without access keys, the Host must be localhost or a loopback address.",
        )
    origin = headers.get(b"origin")
    if method in _READING or origin is None:
        return
    if origin.decode("latin-1").lower() != f"http://{host}":
        raise Refusal(Reason.FOREIGN, "Calls from the pages of other sites are refused.")


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
