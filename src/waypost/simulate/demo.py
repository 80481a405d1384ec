"""What `waypost demo` tells and sends to a server that runs: a short story, then a trickle."""

from __future__ import annotations

import json
import shlex
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from threading import Event
from typing import Final

from rich.console import Console
from rich.text import Text

from waypost.clock import SystemClock
from waypost.core.statuses import CONDITIONS, Kind, Status
from waypost.core.times import HOUR, SECOND
from waypost.operate import DETAIL_TYPE, SOURCE
from waypost.ports import Clock
from waypost.simulate.fleet import Fleet, Sent, sendings
from waypost.simulate.journeys import Detail, Journey, Step, local_time
from waypost.simulate.mix import Mix
from waypost.simulate.places import PARCEL_CARRIERS
from waypost.simulate.sender import EventsClient, SendFailed, events_client, send

_MIX: Final = Mix()
_DONE: Final = 12
"""So many shipments are delivered before the story begins."""
_UNDER_WAY: Final = 8
"""So many shipments of the trickle are under way at a time."""
_BEAT: Final = 0.4
"""Seconds between two lines of the story, and between two updates of the trickle."""
_TALLY: Final = 60
"""Updates of the trickle between two lines about it."""
_SOON: Final = 2.0
"""Seconds that the story leaves the server for its alert."""
_FRESH: Final = 36 * HOUR
"""What was heard of longer ago than this might seem silent, and raise an alert of its own."""


def run_demo(
    endpoint_url: str,
    console: Console,
    stop: Event,
    seed: int,
    *,
    program: str = "waypost",
    clock: Clock | None = None,
) -> None:
    """Send a small fleet's updates to a running server, and tell a person what happens.

    Within seconds twelve journeys are recorded and one more goes wrong, which opens an incident;
    the alert is the server's to print. Then some two updates a second follow until the end.
    Events happened in the days before now, the last of each journey just now. Shipment numbers
    depend on the time: a second run adds shipments.

    Args:
        endpoint_url: of the server; it takes unsigned calls.
        console: where to tell.
        stop: set when it shall end; it ends within a second or the call that is under way.
        seed: of all chance.
        program: how the person calls waypost.
        clock: the present; the machine's if not given.

    Raises:
        SendFailed: the server refused updates or is gone, and nobody has set ``stop``.
    """
    clock = clock or SystemClock()
    demo = _Demo(
        client=events_client(endpoint_url),
        console=console,
        stop=stop,
        clock=clock,
        journeys=Fleet(seed, clock.now(), _MIX).journeys(),
        rng=Random(seed),
    )
    try:
        demo.introduce(endpoint_url)
        damaged = demo.tell()
        demo.suggest(program, endpoint_url, damaged)
        demo.trickle()
    except SendFailed:
        if not stop.is_set():
            raise


@dataclass(slots=True, kw_only=True)
class _Demo:
    client: EventsClient
    console: Console
    stop: Event
    clock: Clock
    journeys: Iterator[Journey]
    rng: Random

    def introduce(self, endpoint_url: str) -> None:
        """Send journeys that ended well, all at once."""
        self._say("Waypost demo", "bold")
        self._say(f"A simulated fleet sends its updates to {endpoint_url}")
        self._say("as any producer would: by EventBridge's PutEvents.")
        self._say()
        calm = list(islice((j for j in self.journeys if _ends_well(j)), _DONE))
        began = time.monotonic()
        sent = 0
        for journey in calm:
            ended = self.clock.now() - self.rng.randint(1, 240) * 60 * SECOND
            details = [detail for _, detail in journey.ending(ended).updates()]
            sent += self._send(details[::-1])
        took = time.monotonic() - began
        self._say(f"{sent} updates of {len(calm)} shipments recorded in {took:.2f} s.", "green")

    def tell(self) -> Journey:
        """Send one journey line by line, until the parcel is found damaged; return it."""
        journey = next(j for j in map(_until_damaged, self.journeys) if j is not None)
        journey = journey.ending(self.clock.now())
        self._say(f"Now one more, {journey.shipment_id} by {journey.carrier.name}:")
        self._say()
        for step, (_, detail) in zip(journey.steps, journey.updates(), strict=True):
            if self.stop.wait(_BEAT):
                return journey
            self._send([detail])
            self.console.print(_line(step), soft_wrap=True)
        self._say()
        self._say("That opens an incident. The server alerts, here:")
        self.stop.wait(_SOON)
        return journey

    def suggest(self, program: str, endpoint_url: str, damaged: Journey) -> None:
        """Say what to try next."""
        if self.stop.is_set():
            return
        self._say()
        self._say("Try next, in another terminal", "bold")
        detail = {"shipmentId": "SHIP-12345", "status": "LOST", "carrier": "FedEx"}
        entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
        entries = shlex.quote(json.dumps([entry]))
        aws = f"aws events put-events --endpoint-url {endpoint_url} --region us-east-1"
        for purpose, command in (
            ("What happened to it, and when we learnt it:", f"track {damaged.shipment_id}"),
            ("What is wrong now:", "incidents"),
        ):
            self._say(f"  {purpose}", "dim")
            self._say(f"    {program} {command}", "cyan")
        self._say("  Report a loss yourself, with the AWS CLI:", "dim")
        self._say(f"    {aws} --no-sign-request --entries {entries}", "cyan")
        self._say()
        self._say("The fleet goes on. Ctrl-C ends the demo; what was recorded stays.")

    def trickle(self) -> None:
        """Send journeys, some of them under way at a time, until the end."""
        count = 0
        for details in self._updates():
            if self.stop.wait(_BEAT):
                return
            before, count = count, count + self._send(details)
            if count // _TALLY > before // _TALLY:
                self._say(f"{count} more updates sent.", "dim")

    def _updates(self) -> Iterator[list[Detail]]:
        under_way = deque(self._replay(next(self.journeys)) for _ in range(_UNDER_WAY))
        while True:
            replay = under_way.popleft()
            details = next(replay, None)
            if details is None:
                replay = self._replay(next(self.journeys))
                details = next(replay)
            yield details
            under_way.append(replay)

    def _replay(self, journey: Journey) -> Iterator[list[Detail]]:
        """Yield a journey that ends now: first all that is old, then one update after the other."""
        now = self.clock.now()
        sent = sendings(journey.ending(now), self.rng, _MIX)
        old = _first_fresh(sent, now - _FRESH)
        yield [s.detail for s in reversed(sent[: old + 1])]
        for fresh in sent[old + 1 :]:
            yield [fresh.detail]

    def _send(self, details: Sequence[Detail]) -> int:
        return send(details, self.client, wait=self.stop.wait).sent

    def _say(self, text: str = "", style: str = "") -> None:
        self.console.print(Text(text, style), soft_wrap=True)


def _first_fresh(sent: Sequence[Sent], since: int) -> int:
    return next((i for i, s in enumerate(sent) if s.at >= since), len(sent) - 1)


def _ends_well(journey: Journey) -> bool:
    return journey.progress is Status.DELIVERED and not any(
        s.status.critical for s in journey.steps
    )


def _until_damaged(journey: Journey) -> Journey | None:
    """Return a parcel's journey up to the scan that finds it damaged, if that is all that is wrong."""
    wrong = [i for i, step in enumerate(journey.steps) if step.status.kind is not Kind.PROGRESS]
    if journey.carrier not in PARCEL_CARRIERS or not wrong:
        return None
    steps = journey.steps[: wrong[0] + 1]
    return replace(journey, steps=steps) if steps[-1].status is Status.DAMAGED else None


def _line(step: Step) -> Text:
    when = local_time(step.at, step.city)
    style = "bold red" if step.status in CONDITIONS else ""
    return Text.assemble(
        (f"  {when[:10]} {when[11:16]} {when[19:]}  ", "dim"),
        f"{step.city.name:<18}",
        (step.status.value.ljust(18), style),
        (step.text, style),
    )
