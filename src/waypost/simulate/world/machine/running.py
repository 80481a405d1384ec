"""One machine from beginning to end: what comes in, what goes wrong, what the operator mends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

from waypost.core.entries import MAPPINGS, Entry
from waypost.core.errors import InvalidUpdate
from waypost.core.fields import decode
from waypost.core.shipments import Thresholds
from waypost.core.times import DAY, SECOND
from waypost.operate import DETAIL_TYPE, SOURCE, Operator
from waypost.ports import DeliveryState, IncidentQuery, LocalStore, ShipmentQuery
from waypost.record import read_event, record_entries
from waypost.simulate.world.faults import Calls, Drawn, Planned
from waypost.simulate.world.kernel import Chance, Kernel
from waypost.simulate.world.machine.home import Job, Machine
from waypost.simulate.world.machine.laws import AGAIN, AT_REST, MENDED
from waypost.simulate.world.machine.scenario import MachineScenario, kinds_of, kinds_without_death
from waypost.simulate.world.machine.watch import Watch
from waypost.simulate.world.running import Outcome, go_through
from waypost.simulate.world.scenario import MINUTE, START, Deed, Sending
from waypost.simulate.world.seen import Reader, SavedShipment
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from waypost.core.shipments import Ref
    from waypost.ports import Message, Rejection

_LOOK: Final = 10 * MINUTE
"""The time between two looks whether anything is still under way."""
_PATIENCE: Final = 8 * DAY
"""So long may a machine take to come to rest."""
_ATTEMPTS: Final = 400
"""So often a producer or an operator tries, with pauses that double up to `_LONGEST_PAUSE`."""
_LONGEST_PAUSE: Final = 5 * MINUTE
_MENDS: Final = 5
_ALL: Final = 1_000_000
_SHM: Final = Path("/dev/shm")  # noqa: S108 (a folder with a random name is made in it)
"""Memory that looks like a disk, where there is any: the world decides what survives, not it."""


class MachineWorld:
    """A machine, who uses it, and what is known of it from outside. Use it within `machine_world`.

    Attributes:
        scenario: what happens.
        kernel: its time.
        calls: what went wrong.
        machine: the machine.
        watch: what an onlooker saw.
        tried: every try to hand an event in; each has an envelope of its own.
        accepted: those of them that the machine answered with success.
        done: what operators had recorded.
        is_at_rest: whether nothing was under way when it was last waited for.
        marked: when everything was to be done again, and how many messages people had got by then.
        read: reads what was handed in.
    """

    def __init__(self, scenario: MachineScenario, folder: Path) -> None:
        """Make it, with its file in ``folder``."""
        self.scenario = scenario
        self.thresholds = Thresholds()
        self.kernel = Kernel(START)
        chance = Chance(f"machine {scenario.seed}")
        plan = scenario.plan
        kinds = kinds_of if scenario.is_durable else kinds_without_death
        planner = Drawn(chance, scenario.rate, kinds) if scenario.rate else Planned(plan)
        self.calls = Calls(self.kernel, planner, chance, outages=plan.outages)
        self.watch = Watch(self.kernel)
        in_memory = MemoryStore()

        def open_store() -> LocalStore:
            inner = SqliteStore(folder / "waypost.db") if scenario.is_durable else in_memory
            return self.watch.store(inner)

        self.machine = Machine(
            self.kernel,
            self.calls,
            open_store=open_store,
            took=self.watch.took,
            thresholds=self.thresholds,
            skew=plan.skews.get("machine", 0),
        )
        self.read = Reader()
        self.tried: list[Sending] = []
        self.accepted: list[Sending] = []
        self.done: list[Deed] = []
        self.is_at_rest = True
        self.marked = (START, 0)

    # ------------------------------------------------------------------------------- phases

    def live(self) -> None:
        """Let everything be sent and done, until nothing is under way."""
        scenario, at = self.scenario, self.kernel.at
        for sending in scenario.sendings:
            at(sending.at, partial(self._send, sending, 0))
        for deed in scenario.deeds:
            at(deed.at, partial(self._do, deed, 0))
        for file in scenario.imports:
            at(file.at, partial(self._import, file.sendings, 0, quiet=file.quiet))
        for time in scenario.deaths:
            at(time, self.machine.die)
        for time, ahead in scenario.clock_sets:
            at(time, partial(self.machine.set_clock, ahead))
        self.kernel.run(scenario.over)
        self._settle()

    def mend(self) -> None:
        """Let no more go wrong, set the clock right, and send again what was given up.

        While the clock was wrong, silence was judged by it: so everything is folded again.
        """
        self.calls.calm()
        self._settle()
        if self.machine.skew:
            self.machine.set_clock(0)
            self._work(lambda store: store.refold_all())
        for _ in range(_MENDS):
            self._settle()
            dead = self._dead_messages()
            if not dead:
                return
            for message_id in dead:
                self._work(lambda store, i=message_id: store.resend(i))  # type: ignore[misc]  # mypy knows no default of a lambda
            self.machine.life.threads["deliverer"].wake()
        self._settle()

    def rederive(self) -> None:
        """Fold every shipment again."""
        self._mark()
        self._work(lambda store: store.refold_all())
        self._settle()

    def replay(self) -> None:
        """Send everything again."""
        self._mark()
        for sending in list(self.accepted):
            self._send(sending, 0)
        self._settle()

    def _mark(self) -> None:
        self.marked = (self.kernel.now, len(self.watch.messages))

    def _settle(self) -> None:
        rested = 0
        limit = self.kernel.now + _PATIENCE
        while rested < 2 and self.kernel.now < limit:  # noqa: PLR2004 (looks in a row)
            self.kernel.run(self.kernel.now + _LOOK)
            rested = rested + 1 if self.machine.is_idle else 0
        self.is_at_rest = rested > 0

    # ------------------------------------------------------------------- producers, operators

    def _send(self, sending: Sending, attempt: int) -> None:
        """Put an event; if that fails, again, as a client does: the envelope is then another."""
        event = sending.event
        if (event["source"], event["detail-type"]) != (SOURCE, DETAIL_TYPE):
            return
        if attempt:
            event = {**event, "id": f"{event['id']}~{attempt}"}
        tried = replace(sending, event=event)
        try:
            read = read_event(decode(json.dumps(event)), self.machine.life.clock.now())
        except InvalidUpdate:
            return  # the call is answered with what is wrong with it
        self.kernel.note("producer", f"sends {json.dumps(event['detail'])[:160]} as {event['id']}")
        self.tried.append(tried)

        def answer(error: Exception | None) -> None:
            if error is None:
                self.accepted.append(tried)
            if error is not None or self.calls.meet("producer", f"hear of {event['id']}"):
                self._later(attempt, partial(self._send, sending, attempt + 1))

        self.machine.ask(Job((read,), None, answer))

    def _do(self, deed: Deed, attempt: int) -> None:
        def task(operator: Operator) -> None:
            record_entries(
                [deed.entry],
                store=operator.store,
                metrics=operator.metrics,
                now=operator.clock.now(),
                quiet=deed.quiet,
            )

        def answer(error: Exception | None) -> None:
            if error is None:
                self.done.append(deed)
            else:
                self._later(attempt, partial(self._do, deed, attempt + 1))

        kind = type(deed.entry).__name__.lower()
        self.kernel.note("operator", f"records {kind} {deed.entry.event_id}")
        self.machine.ask(Job((), task, answer))

    def _import(self, sendings: Sequence[Sending], attempt: int, *, quiet: bool) -> None:
        lines = [json.dumps(sending.event) for sending in sendings]

        def task(operator: Operator) -> None:
            self.machine.life.following.hold()
            operator.take(lines, quiet=quiet)

        def answer(error: Exception | None) -> None:
            if error is None:
                self.accepted.extend(sendings)
            else:
                again = partial(self._import, sendings, attempt + 1, quiet=quiet)
                self._later(attempt, again)

        self.kernel.note("operator", f"imports {len(lines)} events{' quietly' if quiet else ''}")
        self.tried.extend(sendings)
        self.machine.ask(Job((), task, answer))

    def _later(self, attempt: int, again: Callable[[], None]) -> None:
        if attempt < _ATTEMPTS:
            self.kernel.after(min(SECOND << min(attempt, 20), _LONGEST_PAUSE), again)

    def _work(self, task: Callable[[LocalStore], object]) -> None:
        """Let an operator do something while nothing goes wrong, and wait for it."""
        answers: list[Exception | None] = []
        self.machine.ask(Job((), lambda _: task(self.machine.life.writer), answers.append))
        while not answers:
            self.kernel.run(self.kernel.now + SECOND)
        if answers[0] is not None:
            raise answers[0]

    def _dead_messages(self) -> list[str]:
        dead = self.machine.store.alerts(DeliveryState.DEAD, limit=_ALL)
        return sorted({row["messageId"] for row in dead})

    # ------------------------------------------------------------------------------ to look at

    @property
    def log(self) -> list[Entry]:
        """Every entry of the log."""
        return list(self.machine.store.entries())

    @property
    def histories(self) -> dict[str, list[Entry]]:
        """The entries of each shipment, by shipment id; mappings apart."""
        found: dict[str, list[Entry]] = {}
        for entry in self.log:
            if entry.shipment_id != MAPPINGS:
                found.setdefault(entry.shipment_id, []).append(entry)
        return found

    @property
    def quarantined(self) -> list[str]:
        """The ids of the events in quarantine."""
        return [_event_id(r) for r in self.machine.store.rejected(None, limit=_ALL)]

    @property
    def given_up(self) -> str:
        """Nothing: who asks a machine in vain asks again."""
        return ""

    @property
    def messages(self) -> list[Message]:
        """Every message that people got, in their order; one that came twice is in it twice."""
        return self.watch.messages

    @property
    def states(self) -> dict[str, SavedShipment]:
        """What is saved of each shipment."""
        store = self.machine.store
        shipments = store.shipments(ShipmentQuery(limit=_ALL))
        saved = store.saved([shipment["shipmentId"] for shipment in shipments])
        return {
            shipment["shipmentId"]: SavedShipment(
                shipment=shipment,
                incidents=store.incidents(
                    IncidentQuery(shipment_id=shipment["shipmentId"], limit=_ALL)
                ),
                told=saved[shipment["shipmentId"]].told,
            )
            for shipment in shipments
        }

    @property
    def loud(self) -> Sequence[Sending]:
        """Of what was sent all that may alert somebody."""
        quiet = [file.sendings for file in self.scenario.imports if file.quiet]
        ids = {sending.event["id"] for sendings in quiet for sending in sendings}
        return [sending for sending in self.tried if sending.event["id"] not in ids]

    @property
    def quiet(self) -> Mapping[str, AbstractSet[Ref]]:
        """By shipment, the entries that shall alert nobody."""
        return self.watch.quiet


def _event_id(rejection: Rejection) -> str:
    """Return the id of an event in quarantine; one that was imported is there with its envelope."""
    try:
        raw: Any = decode(rejection.raw)
    except InvalidUpdate:
        return rejection.envelope_id
    is_whole = isinstance(raw, dict) and "detail-type" in raw
    return str(raw["id"]) if is_whole else rejection.envelope_id


@contextmanager
def machine_world(scenario: MachineScenario) -> Iterator[MachineWorld]:
    """Make a world, and clear up after it."""
    folder = Path(mkdtemp(prefix="waypost-world-", dir=_SHM if _SHM.is_dir() else None))
    world = MachineWorld(scenario, folder)
    try:
        yield world
    finally:
        world.kernel.stop()
        world.machine.store.close()
        shutil.rmtree(folder)


_PHASES: Final = (
    (MachineWorld.live, AT_REST),
    (MachineWorld.mend, MENDED),
    (MachineWorld.rederive, AGAIN),
    (MachineWorld.replay, AGAIN),
)
"""What a machine goes through, and what must hold after each part."""


def run_machine(scenario: MachineScenario) -> Outcome:
    """Let a machine live, and look at every law at each of its quiet points."""
    with machine_world(scenario) as world:
        return go_through(world, _PHASES)
