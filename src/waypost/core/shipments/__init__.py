"""Shipments: their whole history in, where they are and what is wrong with them out.

The records are in `state`, what unmapped codes mean in `mappings`, how long silence may last in
`thresholds`, and the fold that makes the state in `folding`.
"""

from waypost.core.shipments.folding import Fold, fold
from waypost.core.shipments.mappings import (
    NO_MAPPINGS,
    CodeKey,
    Mappings,
    code_key,
    mapped_code,
    read_mappings,
)
from waypost.core.shipments.state import CodeUse, Episode, Ref, Shipment
from waypost.core.shipments.thresholds import Thresholds

__all__ = [
    "NO_MAPPINGS",
    "CodeKey",
    "CodeUse",
    "Episode",
    "Fold",
    "Mappings",
    "Ref",
    "Shipment",
    "Thresholds",
    "code_key",
    "fold",
    "mapped_code",
    "read_mappings",
]
