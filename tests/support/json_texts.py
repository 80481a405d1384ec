"""JSON texts as nobody should write them, and some that are near to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.support.histories import SENDER
from waypost.core.entries import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEMBERS: Final = (
    "shipmentId",
    "status",
    "eventId",
    "occurredAt",
    "eta",
    "location",
    "carrier",
    "statusCode",
    "reasonCode",
    "description",
    "references",
    "schemaVersion",
    "kind",
    "eventTime",
    "recordTime",
    "sender",
    "zone",
    "statusWord",
    "rawEvent",
    "retracts",
    "action",
    "condition",
    "code",
    "latitude",
)
"""The members of details and of exported entries."""
DEEP: Final = (2, 90, 900, 1_000, 1_100, 100_000)

_numbers = st.sampled_from(
    ["0", "-0", "0.1", "1E5", "1e400", "-1e400", "1e-400", "9" * 400, "9" * 5_000, "0." + "1" * 999]
) | st.integers().map(str)
_broken = st.sampled_from(
    [
        "",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "nul",
        "'a'",
        '"open',
        "[1,]",
    ]
)
_texts = st.one_of(
    st.sampled_from(
        [
            r'"\ud800"',
            r'"\udc00\ud800"',
            r'"\u0000"',
            '"\x01"',
            '"\x7f"',
            '"\u2028"',
            r'"\q"',
            '"  "',
        ]
    ),
    st.sampled_from(["x" * n for n in (64, 65, 128, 129, 256, 257, 4_096, 4_097)]).map(json.dumps),
    st.text(max_size=8).map(json.dumps),
    st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False)),
)
_good = st.sampled_from(
    [
        '"update"',
        '"retraction"',
        '"act"',
        '"mapping"',
        '"IN_TRANSIT"',
        '"LOST"',
        '"ack"',
        '"SHIP-1"',
        '"2026-03-02T12:00:00Z"',
        '"2026-03-02T13:30:00.123+05:30"',
        json.dumps(OPERATOR),
        json.dumps(SENDER),
        '{"name": "Hub", "latitude": 1.5}',
        '{"po": "4711"}',
        '["4711"]',
    ]
)
_atoms = st.one_of(st.sampled_from(["null", "true", "false", "[]", "{}"]), _numbers, _texts, _good)


def _deep(value: str, depth: int, in_objects: bool) -> str:
    opening, closing = ('{"a":', "}") if in_objects else ("[", "]")
    return opening * depth + value + closing * depth


def _array(values: Sequence[str]) -> str:
    return f"[{','.join(values)}]"


def _object(members: Sequence[tuple[str, str]]) -> str:
    """Write members in their order; a name may come twice."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}"


def _over(good: Mapping[str, str], members: Sequence[tuple[str, str]]) -> str:
    return _object([*good.items(), *members])


values = st.recursive(
    st.one_of(_atoms, _atoms, _atoms, _broken),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(_array),
        st.lists(st.tuples(st.sampled_from(MEMBERS) | st.text(max_size=3), inner), max_size=4).map(
            _object
        ),
        st.builds(_deep, inner, st.sampled_from(DEEP), st.booleans()),
    ),
    max_leaves=6,
)
"""Texts that are JSON, or nearly."""
_changes = st.lists(st.tuples(st.sampled_from(MEMBERS), _atoms | values), max_size=4)
_time: Final = '"2026-03-02T12:00:00Z"'
details = _changes.map(
    lambda changes: _over({"shipmentId": '"SHIP-1"', "status": '"LOST"'}, changes)
)
"""Details of updates, most of them with something odd."""
exported = st.builds(
    lambda kind, changes: _over(
        {
            "kind": json.dumps(kind),
            **({} if kind == "mapping" else {"shipmentId": '"SHIP-1"'}),
            "sender": json.dumps(OPERATOR if kind in {"act", "mapping"} else SENDER),
            "eventId": '"retract:e1"' if kind == "retraction" else '"e1"',
            "eventTime": _time,
            "recordTime": _time,
            "zone": '"Z"',
            "status": '"LOST"',
            "statusWord": '"lost"',
            "rawEvent": '"{}"',
            "retracts": '"e1"',
            "action": '"ack"',
            "condition": '"LOST"',
            "code": '"X1"',
        },
        changes,
    ),
    st.sampled_from(["update", "retraction", "act", "mapping"]),
    _changes,
)
"""Lines of an export, most of them with something odd."""
events = st.builds(
    lambda detail, changes: _over(
        {"id": '"1"', "source": json.dumps(SENDER), "time": _time, "detail": detail}, changes
    ),
    details | values,
    st.lists(st.tuples(st.sampled_from(["id", "source", "time"]), _atoms), max_size=1),
)
"""EventBridge events, most of them with something odd."""
anything: st.SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=64),
    st.one_of(values, details, exported, events).map(
        lambda text: text.encode(errors="surrogatepass")
    ),
    st.builds(
        lambda text, place, junk: text[:place].encode() + junk + text[place:].encode(),
        st.one_of(values, details, exported, events),
        st.integers(0, 80),
        st.binary(max_size=3),
    ),
)
"""Bytes: noise, odd JSON, and JSON with noise in it."""
