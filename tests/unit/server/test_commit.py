from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.clocks import NOON, FakeClock
from waypost.core.errors import StoreUnavailable, StoreUnusable
from waypost.core.updates import Event
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import SOURCE
from waypost.ports import Metric, Outcome
from waypost.server import commit
from waypost.server.commit import MAX_BATCH, Writer
from waypost.server.refusals import Reason, Refusal
from waypost.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from waypost.core.entries import Entry


class GatedStore(MemoryStore):
    """Commits only while the gate is open, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.at_gate = threading.Event()
        self.sizes: list[int] = []
        self.fails: Callable[[Sequence[Entry]], Exception | None] = lambda _: None

    def append(self, entries: Sequence[Entry], *, quiet: bool = False) -> list[Outcome]:
        self.at_gate.set()
        assert self.gate.wait(60)
        self.sizes.append(len(entries))
        if error := self.fails(entries):
            raise error
        return super().append(entries, quiet=quiet)


class Bench:
    broken = False

    def __init__(self) -> None:
        self.store = GatedStore()
        self.metrics = MemoryMetrics()
        self.woken = 0
        self.writer = Writer(
            store=self.store, clock=FakeClock(), metrics=self.metrics, wake=self._wake
        )

    def _wake(self) -> None:
        self.woken += 1
        if self.broken:
            raise ZeroDivisionError


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.store.gate.set()
    bench.writer.close()


def event(number: int, shipment_id: str | None = None) -> Event:
    return Event(
        id=f"id-{number}",
        source=SOURCE,
        time=NOON,
        detail={"shipmentId": shipment_id or f"S-{number}", "status": "IN_TRANSIT"},
        raw="{}",
    )


async def settled(*calls: asyncio.Task[None]) -> list[BaseException | None]:
    return list(await asyncio.gather(*calls, return_exceptions=True))


async def let_wait(bench: Bench, *batches: Sequence[Event]) -> list[asyncio.Task[None]]:
    """Make calls, and return once all wait: the writer at the gate, the calls for the writer."""
    calls = [asyncio.create_task(bench.writer.record(events)) for events in batches]
    await asyncio.sleep(0)
    assert await asyncio.to_thread(bench.store.at_gate.wait, 60)
    return calls


def test_a_store_failure_fails_each_call_of_the_batch_and_acknowledges_none(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.fails = lambda _: StoreUnavailable("the disk is full")

    async def run() -> list[BaseException | None]:
        bench.store.gate.clear()
        calls = await let_wait(bench, *([event(n)] for n in range(5)))
        bench.store.gate.set()
        return await settled(*calls)

    with caplog.at_level(logging.ERROR):
        assert all(isinstance(error, StoreUnavailable) for error in asyncio.run(run()))
    assert bench.store.history("S-1") == []
    assert bench.woken == 0
    assert "commit failed" in caplog.messages


def test_after_a_failure_the_writer_goes_on(bench: Bench) -> None:
    failures = [StoreUnusable("the file is damaged"), None]
    bench.store.fails = lambda _: failures.pop(0)

    async def run() -> None:
        with pytest.raises(StoreUnusable):
            await bench.writer.record([event(1)])
        await bench.writer.record([event(1)])

    asyncio.run(run())
    assert len(bench.store.history("S-1")) == 1


def test_a_bug_that_one_call_brings_out_does_not_fail_its_neighbours(bench: Bench) -> None:
    def fails(entries: Sequence[Entry]) -> Exception | None:
        poisoned = any(entry.shipment_id == "POISON" for entry in entries)
        return ZeroDivisionError("POISON") if poisoned else None

    bench.store.fails = fails

    async def run() -> list[BaseException | None]:
        bench.store.gate.clear()
        calls = await let_wait(
            bench, [event(0)], [event(1)], [event(2), event(3, "POISON")], [event(4)]
        )
        bench.store.gate.set()
        return await settled(*calls)

    first, second, poisoned, last = asyncio.run(run())
    assert (first, second, last) == (None, None, None)
    assert isinstance(poisoned, ZeroDivisionError)
    assert [len(bench.store.history(f"S-{n}")) for n in (0, 1, 2, 4)] == [1, 1, 0, 1]


def test_beyond_the_bound_a_call_is_refused_and_the_others_are_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "MAX_WAITING", 3)

    async def run() -> list[BaseException | None]:
        bench.store.gate.clear()
        calls = await let_wait(bench, [event(0)])
        calls += await let_wait(bench, [event(1), event(2)], [event(3), event(4)])
        bench.store.gate.set()
        results = await settled(*calls)
        await bench.writer.record([event(5)])
        return results

    first, second, third = asyncio.run(run())
    assert (first, second) == (None, None)
    assert isinstance(third, Refusal)
    assert third.reason is Reason.THROTTLED


def test_a_closed_writer_has_committed_what_was_waiting_and_takes_no_more(bench: Bench) -> None:
    async def run() -> None:
        bench.store.gate.clear()
        calls = await let_wait(bench, [event(0)], [event(1)])
        threading.Timer(0.05, bench.store.gate.set).start()
        await asyncio.to_thread(bench.writer.close)
        assert await settled(*calls) == [None, None]
        with pytest.raises(Refusal, match="shutting down"):
            await bench.writer.record([event(2)])

    asyncio.run(run())
    bench.writer.close()


def test_a_writer_that_ends_by_a_bug_leaves_nobody_waiting(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.broken = True

    async def run() -> list[BaseException | None]:
        bench.store.gate.clear()
        calls = await let_wait(bench, [event(0)])
        calls += await let_wait(bench, [event(1)])
        bench.store.gate.set()
        results = await settled(*calls)
        with pytest.raises(Refusal):
            await bench.writer.record([event(2)])
        return results

    first, second = asyncio.run(run())
    assert first is None
    assert isinstance(second, Refusal)
    assert "the writer has ended" in caplog.messages


def test_a_call_whose_loop_has_ended_is_still_committed(bench: Bench) -> None:
    async def run() -> None:
        bench.store.gate.clear()
        await let_wait(bench, [event(0)])

    asyncio.run(run())
    bench.store.gate.set()
    bench.writer.close()
    assert len(bench.store.history("S-0")) == 1


def test_no_answer_leaves_before_the_commit_that_covers_it(bench: Bench) -> None:
    async def run() -> None:
        bench.store.gate.clear()
        calls = await let_wait(bench, *([event(n)] for n in range(3)))
        assert not any(call.done() for call in calls)
        assert bench.store.history("S-0") == []
        bench.store.gate.set()
        await settled(*calls)
        assert len(bench.store.history("S-2")) == 1

    asyncio.run(run())


def test_calls_that_come_while_a_commit_runs_share_the_next_one(bench: Bench) -> None:
    async def run() -> None:
        bench.store.gate.clear()
        calls = await let_wait(bench, [event(0)])
        calls += await let_wait(bench, *([event(n)] for n in range(1, 50)))
        bench.store.gate.set()
        assert await settled(*calls) == [None] * 50

    asyncio.run(run())
    bench.writer.close()
    assert bench.store.sizes == [1, 49]
    assert bench.woken == 2
    assert bench.metrics.value(Metric.UPDATES, "IN_TRANSIT") == 50


def test_a_batch_takes_no_further_call_once_it_is_full(bench: Bench) -> None:
    many = [event(n) for n in range(MAX_BATCH)]

    async def run() -> None:
        bench.store.gate.clear()
        calls = await let_wait(bench, [event(-1)])
        calls += await let_wait(bench, [event(-2)], many, [event(-3)])
        bench.store.gate.set()
        await settled(*calls)

    asyncio.run(run())
    assert bench.store.sizes == [1, MAX_BATCH + 1, 1]


def test_a_task_has_its_turn_between_the_calls_around_it(bench: Bench) -> None:
    seen: list[list[int]] = []

    async def run() -> None:
        bench.store.gate.clear()
        calls = await let_wait(bench, [event(0)])
        calls += await let_wait(bench, [event(1)], [event(2)])
        task = asyncio.create_task(bench.writer.run(lambda: seen.append(list(bench.store.sizes))))
        await asyncio.sleep(0)
        calls += await let_wait(bench, [event(3)])
        bench.store.gate.set()
        await settled(*calls)
        await task

    asyncio.run(run())
    assert seen == [[1, 2]]
    assert bench.store.sizes == [1, 2, 1]


def test_a_task_gives_its_result_or_its_error_to_who_waits(bench: Bench) -> None:
    def broken() -> None:
        raise LookupError("nothing")

    async def run() -> None:
        assert await bench.writer.run(lambda: 7) == 7
        with pytest.raises(LookupError):
            await bench.writer.run(broken)

    asyncio.run(run())
    assert bench.woken == 1


def test_an_event_that_is_no_update_is_quarantined_and_acknowledged(bench: Bench) -> None:
    asyncio.run(bench.writer.record([Event(id="x", source=SOURCE, time=NOON, detail={}, raw="")]))
    assert len(bench.store.rejected()) == 1


def test_a_call_that_was_given_up_does_not_disturb_the_others(bench: Bench) -> None:
    async def run() -> list[BaseException | None]:
        bench.store.gate.clear()
        calls = await let_wait(bench, [event(0)], [event(1)], [event(2)])
        calls[1].cancel()
        bench.store.gate.set()
        return await settled(*calls)

    first, cancelled, last = asyncio.run(run())
    assert (first, last) == (None, None)
    assert isinstance(cancelled, asyncio.CancelledError)
