"""Texts as attributes: long ones compressed, and what is too long for an item cut short."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any, Final

TEXT_LIMIT: Final = 8 * 1024
"""A text of so many bytes stays text, for everybody to read; a longer one is compressed."""
PACKED_LIMIT: Final = 300 * 1024
"""The most bytes of a raw event in an item; what else an item holds takes less than the 100 KB
that are left of DynamoDB's 400."""
KEPT: Final = 32 * 1024
"""So many bytes are kept of a raw event that is longer, compressed, than that."""


def pack(text: str) -> dict[str, Any]:
    """Return the attribute of a text: S, or B (zlib of its UTF-8) where it is long."""
    data = text.encode()
    return {"S": text} if len(data) <= TEXT_LIMIT else {"B": zlib.compress(data)}


def unpack(attribute: dict[str, Any]) -> str:
    """Return the text of an attribute that `pack` made."""
    if "B" in attribute:
        return zlib.decompress(attribute["B"]).decode()
    text: str = attribute["S"]
    return text


def raw_attributes(raw: str) -> dict[str, Any]:
    """Return the attribute ``rawEvent``; if it had to be cut, its size and its hash too."""
    packed = pack(raw)
    if len(packed.get("B", b"")) <= PACKED_LIMIT:
        return {"rawEvent": packed}
    data = raw.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    head = data[:KEPT].decode(errors="ignore")
    note = f"[cut here: {len(data)} bytes in all, SHA-256 {sha256}]"
    return {
        "rawEvent": pack(f"{head}\n{note}"),
        "rawBytes": {"N": str(len(data))},
        "rawSha256": {"S": sha256},
    }


def pack_json(value: object) -> dict[str, Any]:
    """Return the attribute of a value as JSON text."""
    return pack(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def unpack_json(attribute: dict[str, Any]) -> Any:
    """Return the value of an attribute that `pack_json` made."""
    return json.loads(unpack(attribute))
