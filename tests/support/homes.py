"""Both homes of the second stage, worked step by step, to hold laws against."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.support.clocks import FakeClock
from tests.support.strategies import THRESHOLDS, logged
from tests.support.tables import modelled_store
from waypost.aws_lambda.following import Following
from waypost.core.entries import MAPPINGS, CodeMapping
from waypost.core.shipments import code_key
from waypost.core.times import HOUR
from waypost.follow.refold import Follower
from waypost.metrics.memory import MemoryMetrics
from waypost.notifiers.memory import MemoryNotifier
from waypost.ports import AlertKind
from waypost.record import record_entries
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from waypost.aws_lambda.following import FollowedStore
    from waypost.core.entries import Entry
    from waypost.ports import LocalStore, Store
    from waypost.record import Recorded

LIMIT: Final = 1_000


class Home:
    """What can happen to a home: the names of most methods are the steps of a random life."""

    store: Store

    def __init__(self) -> None:
        self.metrics = MemoryMetrics()
        self.clock = FakeClock()
        self.restart()

    def record(self, entries: list[Entry], *, quiet: bool = False) -> list[Recorded]:
        """Record entries; nobody follows them yet."""
        now, metrics = self.clock.now(), self.metrics
        return record_entries(entries, store=self.store, metrics=metrics, now=now, quiet=quiet)

    def record_quietly(self, entries: list[Entry]) -> None:
        self.record(entries, quiet=True)

    def wait(self, hours: int) -> None:
        self.clock.time += hours * HOUR

    def restart(self) -> None:
        """Lose everything that is in memory."""
        raise NotImplementedError

    def follow(self) -> None:
        """Follow one round of what was recorded."""
        raise NotImplementedError

    def sweep(self) -> None:
        """Look for what silence and estimates have made wrong."""
        raise NotImplementedError

    def decide(self) -> None:
        """Tell people what they were not told yet."""
        raise NotImplementedError

    def rederive(self) -> None:
        """Have every shipment folded again."""
        raise NotImplementedError

    def lose_channel(self) -> None:
        """Let nobody be reached until `settle`. Where messages wait in an outbox, it shows later."""

    def settle(self) -> None:
        """Work until nothing is left to do: a quiet point."""
        raise NotImplementedError

    def alerted(self) -> list[str]:
        """Return the keys of the alerts that people got."""
        raise NotImplementedError


class Machine(Home):
    """One machine: the log is followed by position, alerts are decided when a window drains."""

    def __init__(self, store: LocalStore) -> None:
        self.store: LocalStore = store
        super().__init__()

    def restart(self) -> None:
        self._follower = Follower(
            self.store, clock=self.clock, metrics=self.metrics, thresholds=THRESHOLDS
        )

    def follow(self) -> None:
        self._follower.follow()

    def sweep(self) -> None:
        self._follower.sweep()

    def decide(self) -> None:
        self._follower.decide()

    def rederive(self) -> None:
        self.store.refold_all()

    def settle(self) -> None:
        while self._follower.follow() or self._follower.sweep() or self._follower.decide():
            pass
        assert self.store.behind() == 0
        assert self.store.unfoldable() == {}

    def alerted(self) -> list[str]:
        ledger = self.store.alerts(limit=LIMIT)
        return [alert["key"] for alert in ledger if alert["kind"] == AlertKind.INCIDENT]


class MachineWithFile(Machine):
    """One machine whose log outlives its process: after a restart all is read from the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(SqliteStore(path))

    def restart(self) -> None:
        self.store.close()
        self.store = SqliteStore(self._path)
        super().restart()


class Serverless(Home):
    """AWS: a stream says which shipments are to be folded, and alerts are decided at once."""

    def __init__(self, store: FollowedStore) -> None:
        self.store: FollowedStore = store
        self._channel = MemoryNotifier()
        self._stream: list[Entry] = []
        self._queue: list[str] = []
        super().__init__()

    def record(self, entries: list[Entry], *, quiet: bool = False) -> list[Recorded]:
        before = set(map(repr, self.store.entries()))
        outcomes = super().record(entries, quiet=quiet)
        self._stream += (e for e in self.store.entries() if repr(e) not in before)
        return outcomes

    def restart(self) -> None:
        self._following = Following(
            self.store,
            self._channel,
            clock=self.clock,
            metrics=self.metrics,
            thresholds=THRESHOLDS,
            environment="dev",
            workers=1,
        )

    def follow(self) -> None:
        new, self._stream = self._stream, []
        self._fold(e.shipment_id for e in new if not isinstance(e, CodeMapping))
        if codes := {code_key(e.carrier, e.code) for e in new if isinstance(e, CodeMapping)}:
            self._fold(self.store.with_codes(codes))

    def sweep(self) -> None:
        self._fold(self.store.due(self.clock.now(), LIMIT))

    def decide(self) -> None:
        self._fold(self.store.undecided(LIMIT))

    def rederive(self) -> None:
        self._fold(e.shipment_id for e in self.store.entries() if e.shipment_id != MAPPINGS)

    def lose_channel(self) -> None:
        self._channel.fail(permanent=False)

    def settle(self) -> None:
        self._channel.recover()
        queued, self._queue = self._queue, []
        self._fold(queued)
        self.follow()
        while self.store.undecided(LIMIT) or self.store.due(self.clock.now(), LIMIT):
            self.sweep()
            self.decide()
        assert self._queue == []

    def alerted(self) -> list[str]:
        return [alert["key"] for message in self._channel.messages for alert in message.alerts]

    def _fold(self, shipment_ids: Iterable[str]) -> None:
        self._queue += self._following.follow(shipment_ids).failed


@contextmanager
def _machine() -> Iterator[Home]:
    yield Machine(MemoryStore())


@contextmanager
def _machine_with_a_file() -> Iterator[Home]:
    with TemporaryDirectory() as folder:
        home = MachineWithFile(Path(folder) / "waypost.db")
        try:
            yield home
        finally:
            home.store.close()


@contextmanager
def _serverless() -> Iterator[Home]:
    yield Serverless(modelled_store(page=3))


HOMES: Final[Mapping[str, Callable[[], AbstractContextManager[Home]]]] = {
    "machine": _machine,
    "machine-sqlite": _machine_with_a_file,
    "serverless": _serverless,
}
"""How to open each home, new and empty."""

Life = list[tuple[Any, ...]]
"""What happens to a home, step by step: the name of a method and what it is called with."""

_records = st.lists(logged, min_size=1, max_size=5)
steps: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("record"), _records),
    st.tuples(st.just("record"), _records),
    st.tuples(st.just("record_quietly"), _records),
    st.tuples(st.just("wait"), st.integers(1, 4)),
    st.tuples(
        st.sampled_from(["follow", "sweep", "decide", "restart", "rederive", "lose_channel"])
    ),
)
lives: st.SearchStrategy[Life] = st.lists(steps, max_size=12)


def live(home: Home, life: Life) -> None:
    """Let all of it happen, and then work until it is quiet."""
    for step, *given in life:
        getattr(home, step)(*given)
    home.settle()
