"""What a month uses, by design: each item a quantity with its formula in words.

What one update costs in DynamoDB was counted, not guessed: the functions themselves ran a fleet's
month against a model of DynamoDB that counts capacity units, and a test counts them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

DAYS: Final = 30
"""Of a month."""
MONTH: Final = DAYS * 86_400
"""Seconds of a month."""

WRITES: Final = {"log": 1.0, "state": 1.05, "indexes": 0.70}
"""Write units an update, by what is written: counted on the model."""
READS: Final = {"history": 1.3, "state": 1.0}
"""Read units an update: counted on the model. A batch reads the mappings beside, one unit."""
ITEM_KB: Final = 0.72
"""An item of the log with its share of what DynamoDB adds (100 bytes): counted on the model."""
STATE_KB: Final = 1.2
"""An item of the state with its entries in the indexes: counted on the model."""
UPDATES_A_SHIPMENT: Final = 9.3
"""Of the simulated fleet."""
ALERTED: Final = 0.03
"""Share of updates that people are told of, assumed."""
SWEEPS: Final = MONTH / 300
SHARDS: Final = 24
"""Queries of one sweep: three indexes of eight shards."""
ALARM_METRICS: Final = 43
"""Metrics that the template's alarms watch, DeadManHours and DeclaredPerDay set; a test counts them."""
IDENTITIES: Final = 14
"""Metrics of our own; a test counts them."""
QUEUES_POLLED: Final = 2
IDLE_POLLS: Final = 5 * MONTH / 20
"""Receives a month of one queue in which nothing is: five pollers of Lambda, each waiting for 20 s."""
WINDOW: Final = 60
"""Seconds of the alert window, the default."""
EVENT_KB: Final = 0.6
"""An event with its envelope, assumed."""
LOG_BYTES: Final = {"processor": 700, "notifier": 700, "sweep": 900}
"""Bytes of the log lines of one invocation, assumed."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a bill is made for.

    Attributes:
        per_day: updates a day.
        retain: months of updates that are kept.
        log_days: days that logs are kept.
        archive_days: days that the bus keeps events to be replayed; 0 for no archive.
    """

    per_day: float
    retain: float = 12
    log_days: int = 14
    archive_days: float = 0

    @property
    def updates(self) -> float:
        """Updates a month."""
        return self.per_day * DAYS

    @property
    def a_second(self) -> float:
        """Updates a second, on average."""
        return self.updates / MONTH

    def together(self, seconds: float, most: int) -> float:
        """Return how many updates one batch holds that gathers for so long, on average."""
        return max(1.0, min(float(most), self.a_second * seconds))


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that is paid for.

    Attributes:
        what: it is for.
        rate: the name of its price.
        units: of it in a month.
        formula: how they come about, in words and numbers.
    """

    what: str
    rate: str
    units: float
    formula: str


def waypost(traffic: Traffic) -> Iterator[Use]:
    """Give what a month of this stack uses."""
    n = traffic.updates
    batch, followed = traffic.together(0.1, 10), traffic.together(WINDOW, 100)
    runs, follows = n / batch, n / followed
    mails = min(n * ALERTED, follows)
    yield Use("what comes in", "events", n, "one an update")
    yield Use("sweeps", "schedule", SWEEPS, "one in five minutes")
    yield Use(
        "the queue",
        "sqs",
        n + 2 * runs,
        f"a send an update; a receive and a delete for {batch:.1f}",
    )
    yield Use(
        "polling", "sqs", QUEUES_POLLED * IDLE_POLLS, "2 queues x 5 pollers, one look in 20 s"
    )
    yield Use(
        "all three functions",
        "invocations",
        runs + follows + SWEEPS,
        f"{batch:.1f} updates a run of the processor, {followed:.1f} of the notifier",
    )
    seconds = runs * (0.010 + 0.005 * batch) + follows * (0.030 + 0.010 * followed) + SWEEPS * 0.3
    yield Use(
        "running",
        "arm64",
        seconds * 0.5,
        "512 MB; processor 10 ms + 5 an update, notifier 30 + 10, sweep 300 (assumed)",
    )
    yield Use(
        "the log", "writes", n * WRITES["log"], f"{WRITES['log']:g} an update, duplicates too"
    )
    yield Use(
        "state and its indexes",
        "writes",
        n * (WRITES["state"] + WRITES["indexes"]),
        f"{WRITES['state']:g} + {WRITES['indexes']:g} an update",
    )
    yield Use(
        "folding",
        "reads",
        n * sum(READS.values()) + follows + SWEEPS * SHARDS / 2,
        f"{sum(READS.values()):g} an update, 1 a batch, 12 a sweep",
    )
    log = n * traffic.retain * ITEM_KB / 1e6
    state = n * traffic.retain / UPDATES_A_SHIPMENT * STATE_KB / 1e6
    yield Use(
        "what is kept",
        "storage",
        log + state,
        f"{traffic.retain:g} months x {ITEM_KB:g} KB an update, {STATE_KB:g} KB a shipment",
    )
    yield Use("restorable", "pitr", log + state, "the same")
    yield Use("alerts", "publishes", mails, f"{ALERTED:.0%} of updates, one message a batch")
    yield Use("alerts by mail", "mails", mails, "one address")
    yield Use("metrics", "metrics", IDENTITIES, "14 identities")
    yield Use("alarms", "alarms", ALARM_METRICS, f"the alarms watch {ALARM_METRICS} metrics")
    yield Use("dashboard", "dashboards", 1, "one")
    logs = (
        runs * LOG_BYTES["processor"]
        + follows * LOG_BYTES["notifier"]
        + SWEEPS * LOG_BYTES["sweep"]
    ) / 1e9
    yield Use("logs", "logs", logs, "0.7 KB a run, 0.9 a sweep (assumed)")
    yield Use("logs kept", "logs kept", logs * traffic.log_days / DAYS, f"{traffic.log_days} days")
    yield from _archive(traffic)


def _archive(traffic: Traffic) -> Iterator[Use]:
    if traffic.archive_days:
        size = traffic.updates * EVENT_KB / 1e6
        yield Use("the archive", "archive", size, f"{EVENT_KB:g} KB an update (assumed)")
        days = f"{traffic.archive_days:g} days"
        yield Use("archived", "archive kept", size * traffic.archive_days / DAYS, days)


def seed(traffic: Traffic) -> Iterator[Use]:
    """Give what a month of the first design uses: one function an event, three calls in it."""
    n = traffic.updates
    yield Use("what comes in", "events", n, "one an update")
    yield Use("the function", "invocations", n, "one an update")
    yield Use("running", "x86", n * 0.060 * 0.25, "256 MB for 60 ms (assumed)")
    yield Use("the log", "writes", n, "one an update")
    yield Use(
        "what is kept",
        "storage",
        n * traffic.retain * 0.45 / 1e6,
        f"{traffic.retain:g} months x 0.45 KB an update",
    )
    yield Use("restorable", "pitr", n * traffic.retain * 0.45 / 1e6, "the same")
    yield Use("alerts", "publishes", n * ALERTED, f"{ALERTED:.0%} of updates, one message each")
    yield Use("alerts by mail", "mails", n * ALERTED, "one address")
    yield Use("metrics", "putmetric", n, "one call an update")
    yield Use("metrics kept", "metrics", 11, "one a status, and the errors")
    yield Use("alarms", "alarms", 4, "4 metrics")
    yield Use("dashboard", "dashboards", 1, "one")
    yield Use("logs", "logs", n * 0.9e3 / 1e9, "0.9 KB an update, the event in it (assumed)")
    yield Use(
        "logs kept",
        "logs kept",
        n * 0.9e3 / 1e9 * traffic.log_days / DAYS,
        f"{traffic.log_days} days",
    )


DESIGNS: Final[Mapping[str, Callable[[Traffic], Iterator[Use]]]] = {
    "waypost": waypost,
    "seed": seed,
}
"""What can be priced, by name."""
