"""Makes what is deployed of the template: the functions' code comes in, comments go out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from waypost import __version__
from waypost.stack import bundle

DIRECT_LIMIT: Final = 51_200
"""The most bytes of a template that CloudFormation takes without a bucket."""
BUCKET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""What S3 allows as the name of a bucket."""
SUFFIX: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
"""What the template allows as an EnvironmentSuffix."""

_HERE: Final = Path(__file__).parent
_PLACES: Final = (_HERE / "template.yaml", _HERE.parents[2] / "infra" / "template.yaml")
"""In an installed package, and in the repository."""
_CODE: Final = "Code: {ZipFile: !FindInMap [Functions, Code, Index]}\n"
_MAPPING: Final = "Mappings:\n Functions:\n  Code:\n   Index: ''\n"
_COMMENTS: Final = re.compile(r"^ *(#.*)?\n", re.MULTILINE)
_INDENTS: Final = re.compile(r"^(?:  )+", re.MULTILINE)


def render(bucket: str | None = None) -> bytes:
    """Return the template to deploy, the same bytes on every machine.

    Args:
        bucket: where the functions' code will be, as ``bundle.zip_code()`` under
            ``bundle.zip_key()``; None for a template that holds the code itself. That is one
            file, but above `DIRECT_LIMIT`: it has to be handed over through a bucket.
    """
    text = _compact(_template())
    if bucket is None:
        block = "".join(f"    {line}\n" for line in bundle.inline_code().splitlines())
        text = _replace(text, _MAPPING, _MAPPING.replace("''\n", f"|\n{block}"), 1)
    else:
        text = _replace(text, _MAPPING, "", 1)
        text = _replace(
            text, _CODE, f"Code: {{S3Bucket: {bucket}, S3Key: {bundle.zip_key()}}}\n", 3
        )
    return f"# Waypost {__version__}, sources sha256:{bundle.fingerprint()}\n{text}".encode("ascii")


def _template() -> str:
    place = next(place for place in _PLACES if place.exists())
    return place.read_text(encoding="ascii")


def _compact(text: str) -> str:
    """Return YAML without its comment lines and empty lines, indented by half."""
    return _INDENTS.sub(lambda match: " " * (len(match[0]) // 2), _COMMENTS.sub("", text))


def _replace(text: str, old: str, new: str, count: int) -> str:
    if text.count(old) != count:
        raise ValueError(f"the template must have {old.strip()!r} {count} times")
    return text.replace(old, new)
