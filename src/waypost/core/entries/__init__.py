"""What the log holds: updates, retractions, operators' acts and code mappings, and their JSON."""

from waypost.core.entries.json_form import from_json, location_json, to_json
from waypost.core.entries.kinds import (
    MAPPINGS,
    OPERATOR,
    RETRACTS,
    Act,
    Action,
    CodeMapping,
    Entry,
    Retraction,
    Unread,
    act,
    identity,
    mapping,
    retraction,
)
from waypost.core.entries.vocabulary import VOCABULARY, unknown_word

__all__ = [
    "MAPPINGS",
    "OPERATOR",
    "RETRACTS",
    "VOCABULARY",
    "Act",
    "Action",
    "CodeMapping",
    "Entry",
    "Retraction",
    "Unread",
    "act",
    "from_json",
    "identity",
    "location_json",
    "mapping",
    "retraction",
    "to_json",
    "unknown_word",
]
