"""Compares the code of deployed functions with what this package would deploy."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from waypost.core.errors import StoreUnavailable
from waypost.stack import bundle

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTIONS: Final = ("shipment-processor", "shipment-notifier", "shipment-sweep")
"""The functions of a stack; each name goes on with the stack's suffix."""
SIZE_LIMIT: Final = 16 * 2**20
"""The most bytes of a function's zip, and of what is in it, that are looked at."""
_TIMEOUT: Final = 30.0
"""Seconds for one download to connect, and between two pieces of it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the code of one deployed function compares.

    Attributes:
        function: its name.
        differences: in what it differs, a line each; empty if it is the same code.
    """

    function: str
    differences: tuple[str, ...]


def verify(client: Any, suffix: str, fetch: Callable[[str], bytes] | None = None) -> list[Verdict]:
    """Compare the deployed functions of a stack with this package.

    Args:
        client: a Lambda client of boto3 or botocore; its errors are raised as they are.
        suffix: the stack's EnvironmentSuffix.
        fetch: downloads what stands at an address; None for over HTTP, where StoreUnavailable is
            raised if that fails.
    """
    names = [f"{name}-{suffix}" for name in FUNCTIONS]
    return [
        Verdict(name, differences(client.get_function(FunctionName=name), fetch)) for name in names
    ]


def differences(
    answer: dict[str, Any], fetch: Callable[[str], bytes] | None = None
) -> tuple[str, ...]:
    """Return in what the code of a function differs, a line each.

    Args:
        answer: of GetFunction.
        fetch: as for `verify`.
    """
    if answer["Configuration"]["CodeSha256"] == _sha256(bundle.zip_code()):
        return ()
    return tuple(_differences((fetch or _download)(answer["Code"]["Location"])))


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def _differences(data: bytes) -> list[str]:
    """Return in what a zip differs from ours; CloudFormation makes one of inline code itself."""
    if len(data) > SIZE_LIMIT:
        return [f"its code has more than {SIZE_LIMIT} bytes"]
    try:
        deployed = _unzip(data)
    except (zipfile.BadZipFile, ValueError) as error:
        return [f"its code cannot be read: {error}"]
    if deployed.keys() == {"index.py"}:
        wanted = {"index.py": bundle.inline_code().encode()}
    else:
        wanted = bundle.zip_files()
    return [
        *(f"{name} is missing" for name in sorted(wanted.keys() - deployed.keys())),
        *(f"{name} is not ours" for name in sorted(deployed.keys() - wanted.keys())),
        *(f"{n} differs" for n in sorted(wanted) if deployed.get(n, wanted[n]) != wanted[n]),
    ]


def _unzip(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > SIZE_LIMIT:
            raise ValueError(f"it unpacks to more than {SIZE_LIMIT} bytes")
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _download(url: str) -> bytes:
    """Return what stands at an address, at most one byte more than `SIZE_LIMIT`."""
    import urllib3

    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                "GET", url, preload_content=False, timeout=_TIMEOUT, retries=False
            )
            if answer.status != 200:  # noqa: PLR2004 (HTTP's own number)
                raise StoreUnavailable(f"the code was not to be had: HTTP {answer.status}")
            data: bytes = answer.read(SIZE_LIMIT + 1)
            return data
    except urllib3.exceptions.HTTPError as error:
        raise StoreUnavailable(f"the code was not to be had: {error}") from error
