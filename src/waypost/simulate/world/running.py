"""One world from beginning to end: what is sent, what goes wrong, what the operator mends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from waypost.core.entries import MAPPINGS, CodeMapping, Entry
from waypost.core.errors import StoreUnavailable
from waypost.core.fields import decode
from waypost.core.shipments import Thresholds, code_key
from waypost.core.times import DAY, SECOND
from waypost.metrics.memory import MemoryMetrics
from waypost.operate import DETAIL_TYPE, SOURCE
from waypost.record import record_entries
from waypost.simulate.world.aws import ENV, LOGS, REJECTED, STATE, AwsHome
from waypost.simulate.world.faults import Calls, Drawn, Fault, Made, Place, Planned
from waypost.simulate.world.functions import Output
from waypost.simulate.world.kernel import Chance, Ended, Kernel, Line, Stuck
from waypost.simulate.world.laws import Law
from waypost.simulate.world.scenario import MINUTE, START, Deed, Scenario, kinds_of
from waypost.simulate.world.seen import Reader, SavedShipment, Seen
from waypost.simulate.world.watching import read_told
from waypost.stack.redrive import Redriver
from waypost.stores.dynamodb.items import read_entry
from waypost.stores.dynamodb.texts import unpack, unpack_json

if TYPE_CHECKING:
    from waypost.core.shipments import Ref
    from waypost.ports import Message
    from waypost.simulate.world.scenario import Sending

_World = TypeVar("_World", bound="Seen")

_LOOK: Final = 10 * MINUTE
"""The time between two looks whether anything is still under way."""
_PATIENCE: Final = 2 * DAY
"""So long may a world take to come to rest."""
_REDRIVES: Final = 5
_ATTEMPTS: Final = 2_000
"""So often an operator tries what an outage keeps from working, once a minute."""


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold.

    Attributes:
        invariant: its name.
        what: what was found instead.
    """

    invariant: str
    what: str


@dataclass(slots=True)
class Outcome:
    """What a world came to.

    Attributes:
        scenario: which it was.
        violations: none, one hopes.
        lines: all that happened.
        digest: of the lines.
        struck: the faults that struck, by place.
        made: the calls that might have gone wrong, in their order.
        events: how many events were accepted.
        checks: how many invariants were looked at.
        keys: of the alerts that people got, in their order.
        states: by shipment, its state and its incidents as they were saved in the end.
        told: who counts as told of what in the end: shipment, condition, sender, event id.
    """

    scenario: Scenario
    violations: list[Violation] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    digest: str = ""
    struck: dict[Place, Fault] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    events: int = 0
    checks: int = 0
    keys: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    told: frozenset[tuple[str, ...]] = frozenset()

    @property
    def alerts(self) -> int:
        """How many alerts people got."""
        return len(self.keys)

    @property
    def repeats(self) -> int:
        """How many of them for the second time or more."""
        return len(self.keys) - len(set(self.keys))

    def look_at(self, states: Mapping[str, SavedShipment]) -> None:
        """Note what is saved of each shipment."""
        self.states = {
            shipment_id: json.dumps([saved.shipment, saved.incidents], ensure_ascii=False)
            for shipment_id, saved in states.items()
        }
        self.told = frozenset((i, *ref) for i, saved in states.items() for ref in saved.told)

    @property
    def replayed(self) -> Scenario:
        """The same scenario with its faults written out: it gives the same world again."""
        return replace(
            self.scenario, plan=replace(self.scenario.plan, faults=self.struck), rate=0.0
        )


class World:
    """A world that runs, and what is known of it from outside.

    Attributes:
        scenario: what happens.
        kernel: its time.
        calls: what went wrong.
        home: the stack.
        accepted: the events that the bus took, those for others apart.
        done: what operators had recorded.
        is_at_rest: whether nothing was under way when it was last waited for.
        marked: when `mark` was called last, and how many messages people had got by then.
        read: reads what was sent.
    """

    def __init__(self, scenario: Scenario) -> None:
        """Make it; `run` lets it happen."""
        self.scenario = scenario
        self.thresholds = Thresholds()
        self.kernel = Kernel(START)
        chance = Chance(scenario.seed)
        plan = scenario.plan
        planner = Drawn(chance, scenario.rate, kinds_of) if scenario.rate else Planned(plan)
        self.calls = Calls(
            self.kernel, planner, chance, outages=plan.outages, latency=scenario.latency
        )
        self.home = AwsHome(self.calls, skews=plan.skews, thresholds=self.thresholds)
        self.accepted: list[Sending] = []
        self.done: list[Deed] = []
        self.is_at_rest = True
        self.marked = (START, 0)
        self.read = Reader()

    # ------------------------------------------------------------------------------- phases

    def live(self) -> None:
        """Let everything be sent and done, until nothing is under way."""
        for sending in self.scenario.sendings:
            self.kernel.at(sending.at, lambda sending=sending: self._send(sending))  # type: ignore[misc]  # mypy knows no default of a lambda
        for deed in self.scenario.deeds:
            self.kernel.at(deed.at, lambda deed=deed: self._start(lambda: self._do(deed)))  # type: ignore[misc]  # as above
        for at in self.scenario.refolds:
            self.kernel.at(at, self._refold_all)
        self.kernel.run(self.scenario.end)
        self._settle()

    def mend(self) -> None:
        """Let no more go wrong, and let the operator send on all dead letters."""
        self.calls.calm()
        for _ in range(_REDRIVES):
            if not any(self.home.dead_letters.values()) and not self.home.dropped:
                break
            self._work(self._redrive)
            self._settle()

    def rederive(self) -> None:
        """Fold every shipment again."""
        self._mark()
        self._work(self._fold_all)
        self._settle()

    def replay(self) -> None:
        """Send everything again."""
        self._mark()
        for sending in self.scenario.sendings:
            self.home.bus.put(sending.event)
        self._settle()

    def _mark(self) -> None:
        self.marked = (self.kernel.now, len(self.home.watch.published))

    def _settle(self) -> None:
        rested = 0
        limit = self.kernel.now + _PATIENCE
        while rested < 2 and self.kernel.now < limit:  # noqa: PLR2004 (looks in a row)
            self.kernel.run(self.kernel.now + _LOOK)
            is_resting = self.home.is_idle and not self.home.is_due
            rested = rested + 1 if is_resting else 0
        self.is_at_rest = rested > 0

    # ------------------------------------------------------------------- producers, operators

    def _send(self, sending: Sending) -> None:
        event = sending.event
        self.kernel.note("producer", f"sends {json.dumps(event['detail'])[:160]} as {event['id']}")
        if (event["source"], event["detail-type"]) == (SOURCE, DETAIL_TYPE):
            self.accepted.append(sending)
        self.home.bus.put(event)

    def _start(self, work: Callable[[], object]) -> None:
        self.kernel.start("operator", work, self._ended)

    def _work(self, work: Callable[[], object]) -> None:
        ends: list[Ended] = []
        self.kernel.start("operator", work, ends.append)
        while not ends:
            self.kernel.run(self.kernel.now + MINUTE)
        self._ended(ends[0])

    def _ended(self, ended: Ended) -> None:
        if ended.error is not None and not ended.killed:
            raise ended.error

    def _do(self, deed: Deed) -> None:
        kind = type(deed.entry).__name__.lower()
        self.kernel.note("operator", f"records {kind} {deed.entry.event_id}")
        store, metrics = self.home.store(), MemoryMetrics()
        for _ in range(_ATTEMPTS):
            try:
                record_entries(
                    [deed.entry],
                    store=store,
                    metrics=metrics,
                    now=self.kernel.now,
                    quiet=deed.quiet,
                )
            except StoreUnavailable:
                self.kernel.sleep(MINUTE)
            else:
                self.done.append(deed)
                return

    def _redrive(self) -> None:
        redriver = Redriver(self.home.client, ENV)
        is_gone = self.home.dropped > 0
        for name, bodies in self.home.dead_letters.items():
            if bodies:
                result = redriver.redrive(name.removesuffix(f"-{ENV}"))
                self.kernel.note("operator", f"redrives {name}: {result.sent} sent on")
                is_gone |= any("are gone" in reason for reason in result.left)
                self._look_and_delete(name)
        if is_gone:
            self.home.forget_dropped()
            self._refold_all()

    def _look_and_delete(self, name: str) -> None:
        """Delete what stays in a queue: there is nowhere to send it to."""
        for message in self.home.queues[name].receive(1_000, SECOND):
            self.home.queues[name].delete(message.receipt)

    def _refold_all(self) -> None:
        """Have all shipments folded that the log has, for nobody knows which were missed."""
        self.kernel.note("operator", "has every shipment folded again")
        queue = self.home.queues[f"shipment-refold-{ENV}"]
        for shipment_id in self.histories:
            queue.send(json.dumps({"shipmentId": shipment_id}))
        mapped = {code_key(e.carrier, e.code) for e in self.log if isinstance(e, CodeMapping)}
        if mapped:
            queue.send(json.dumps({"codes": sorted(mapped), "after": None}))

    def _fold_all(self) -> None:
        store = self.home.store()
        _, following = self.home.following("operator", store, Output(self.kernel, []))
        following.follow(list(self.histories))

    # ------------------------------------------------------------------------------ to look at

    @property
    def log(self) -> list[Entry]:
        """Every entry of the log, as it is stored."""
        return [read_entry(item) for item in self.home.items(LOGS)]

    @property
    def tried(self) -> list[Sending]:
        """What was handed in: the bus takes everything."""
        return self.accepted

    @property
    def quarantined(self) -> list[str]:
        """The ids of the events in quarantine: some are there whole, with their envelope."""
        found = []
        for item in self.home.items(REJECTED):
            raw: Any = decode(unpack(item["rawEvent"]))
            is_whole = isinstance(raw, dict) and "detail-type" in raw
            found.append(str(raw["id"]) if is_whole else item["envelopeId"]["S"])
        return found

    @property
    def given_up(self) -> str:
        """The text of all that waits in dead-letter queues."""
        return "".join(body for bodies in self.home.dead_letters.values() for body in bodies)

    @property
    def states(self) -> dict[str, SavedShipment]:
        """What is saved of each shipment."""
        return {
            item["shipmentId"]["S"]: SavedShipment(
                shipment=unpack_json(item["state"]),
                incidents=unpack_json(item["incidents"]),
                told=read_told(item),
            )
            for item in self.home.items(STATE)
        }

    @property
    def quiet(self) -> dict[str, set[Ref]]:
        """By shipment, the entries that shall alert nobody."""
        refs: dict[str, set[Ref]] = {}
        for item in self.home.items(LOGS):
            if "quiet" in item:
                ref = (item["sender"]["S"], item["eventId"]["S"])
                refs.setdefault(item["shipmentId"]["S"], set()).add(ref)
        return refs

    @property
    def messages(self) -> list[Message]:
        """Every message that people got, in their order."""
        return [published.message for published in self.home.watch.published]

    @property
    def histories(self) -> dict[str, list[Entry]]:
        """The entries of each shipment, by shipment id; mappings apart."""
        found: dict[str, list[Entry]] = {}
        for entry in self.log:
            if entry.shipment_id != MAPPINGS:
                found.setdefault(entry.shipment_id, []).append(entry)
        return dict(sorted(found.items()))


def phases() -> tuple[
    tuple[Callable[[World], None], tuple[Callable[[World], Iterator[str]], ...]], ...
]:
    """Return what a world goes through, and what must hold after each part."""
    from waypost.simulate.world.invariants import AGAIN, AT_REST, MENDED

    return (
        (World.live, AT_REST),
        (World.mend, MENDED),
        (World.rederive, AGAIN),
        (World.replay, AGAIN),
    )


def go_through(
    world: _World,
    phases: Iterable[tuple[Callable[[_World], None], Sequence[Law[_World]]]],
) -> Outcome:
    """Let a world go through its phases, and note what does not hold after each.

    It ends with the phase after which something does not, or in which the world does not come to rest.
    """
    outcome = Outcome(world.scenario)
    try:
        for phase, laws in phases:
            phase(world)
            outcome.checks += len(laws)
            outcome.violations += [
                Violation(law.__name__, what) for law in laws for what in law(world)
            ]
            if outcome.violations:
                break
        outcome.look_at(world.states)
    except Stuck as error:
        outcome.violations.append(Violation("comes_to_rest", str(error)))
    outcome.lines = world.kernel.lines
    outcome.digest = world.kernel.digest()
    outcome.struck, outcome.made = world.calls.struck, world.calls.made
    outcome.events = len(world.accepted)
    outcome.keys = [a["key"] for m in world.messages for a in m.alerts if "key" in a]
    return outcome


def run(scenario: Scenario) -> Outcome:
    """Let a world happen, and look at every invariant at each of its quiet points."""
    world = World(scenario)
    try:
        return go_through(world, phases())
    finally:
        world.kernel.stop()
