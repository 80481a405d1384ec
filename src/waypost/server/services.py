"""What the server works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from waypost.operate import Operator
    from waypost.ports import Clock, LocalStore, Metrics
    from waypost.settings import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What bootstrap hands to the server.

    Attributes:
        store: the log, the quarantine and the state.
        clock: time and fresh ids.
        metrics: counts calls that are refused and events that are not routed.
        operator: does what an operator's calls ask for.
        render_metrics: returns the text of /metrics.
        access_keys: the secret of each access key id; if empty, no call is signed.
        region: that calls have to be signed for; None: any.
        wake: called in the writer's thread after each commit, so that the follower looks; it
            must not wait.
        hold: called at each part of an import, so that alerts wait until it has ended; it must
            not wait either.
        health: returns what is wrong with the background threads, in words; empty if nothing.
    """

    store: LocalStore
    clock: Clock
    metrics: Metrics
    operator: Operator
    render_metrics: Callable[[], bytes]
    access_keys: Mapping[str, Secret] = field(default_factory=dict)
    region: str | None = None
    wake: Callable[[], None] = lambda: None
    hold: Callable[[], None] = lambda: None
    health: Callable[[], list[str]] = list
