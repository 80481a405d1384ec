"""What AWS asks for a unit: list prices as dated data, each with where it was read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

REGION: Final = "us-east-1"
"""The Region of all prices; others differ by some tenths."""
SEEN: Final = "2026-11-23"
"""When the sources were last looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A price.

    Attributes:
        name: a short name, unique.
        service: whose.
        unit: what is counted.
        tiers: up to which quantity of a month which price in USD a unit holds; the last has no end.
        free: how many units of a month an account has for nothing, for as long as it lives.
        source: where the price stands.
    """

    name: str
    service: str
    unit: str
    tiers: tuple[tuple[float, float], ...]
    free: float = 0
    source: str

    @property
    def usd(self) -> float:
        """The price of the first unit."""
        return self.tiers[0][1]

    def cost(self, units: float) -> float:
        """Return what so many units of a month cost in USD, nothing being free."""
        total = 0.0
        below = 0.0
        for end, usd in self.tiers:
            total += max(0.0, min(units, end) - below) * usd
            below = end
        return total

    def relief(self, units: float) -> float:
        """Return what the free units take off, if nothing else in the account uses them."""
        return self.cost(units) - self.cost(max(0.0, units - self.free))


def _flat(usd: float) -> tuple[tuple[float, float], ...]:
    return ((math.inf, usd),)


_EVENTS: Final = "https://cloudburn.io/blog/amazon-eventbridge-pricing (2026-03-13)"
_SQS: Final = "https://cloudburn.io/blog/amazon-sqs-pricing (2026-03-14)"
_LAMBDA: Final = "https://cloudchipr.com/blog/aws-lambda-pricing"
_TIERS: Final = "https://aws.amazon.com/blogs/compute/introducing-tiered-pricing-for-aws-lambda/"
_DYNAMO: Final = "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
_DYNAMO_AWS: Final = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_SNS: Final = (
    "https://www.factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols/ (2026-06-13)"
)
_WATCH: Final = "https://cloudburn.io/blog/amazon-cloudwatch-pricing (2026-02)"

RATES: Final = {
    rate.name: rate
    for rate in (
        Rate(
            name="events",
            service="EventBridge",
            unit="custom event of up to 64 KB",
            tiers=_flat(1e-6),
            source=_EVENTS,
        ),
        Rate(
            name="archive",
            service="EventBridge",
            unit="GB put into an archive",
            tiers=_flat(0.10),
            source=_EVENTS,
        ),
        Rate(
            name="archive kept",
            service="EventBridge",
            unit="GB-month of an archive",
            tiers=_flat(0.023),
            source=_EVENTS,
        ),
        Rate(
            name="schedule",
            service="EventBridge",
            unit="Scheduler invocation",
            tiers=_flat(1e-6),
            free=14e6,
            source=_EVENTS,
        ),
        Rate(
            name="sqs",
            service="SQS",
            unit="request of up to 64 KB",
            tiers=((100e9, 0.4e-6), (200e9, 0.3e-6), (math.inf, 0.24e-6)),
            free=1e6,
            source=_SQS,
        ),
        Rate(
            name="invocations",
            service="Lambda",
            unit="invocation",
            tiers=_flat(0.2e-6),
            free=1e6,
            source=_LAMBDA,
        ),
        Rate(
            name="arm64",
            service="Lambda",
            unit="GB-second on arm64",
            tiers=(
                (7.5e9, 1.33334e-5),
                (18.75e9, 1.33334e-5 * 0.9),
                (math.inf, 1.33334e-5 * 0.8),
            ),
            free=400e3,
            source=f"{_LAMBDA}; tiers: {_TIERS}",
        ),
        Rate(
            name="x86",
            service="Lambda",
            unit="GB-second on x86",
            tiers=((6e9, 1.66667e-5), (15e9, 1.66667e-5 * 0.9), (math.inf, 1.66667e-5 * 0.8)),
            free=400e3,
            source=f"{_LAMBDA}; tiers: {_TIERS}",
        ),
        Rate(
            name="writes",
            service="DynamoDB",
            unit="write unit of 1 KB",
            tiers=_flat(0.625e-6),
            source=_DYNAMO,
        ),
        Rate(
            name="reads",
            service="DynamoDB",
            unit="read unit of 4 KB",
            tiers=_flat(0.125e-6),
            source=_DYNAMO,
        ),
        Rate(
            name="storage",
            service="DynamoDB",
            unit="GB-month",
            tiers=_flat(0.25),
            free=25,
            source="https://aws.amazon.com/dynamodb/pricing/",
        ),
        Rate(
            name="pitr",
            service="DynamoDB",
            unit="GB-month restorable to any second",
            tiers=_flat(0.20),
            source=f"{_DYNAMO_AWS} (from memory: look before you rely on it)",
        ),
        Rate(
            name="publishes",
            service="SNS",
            unit="message published",
            tiers=_flat(0.5e-6),
            free=1e6,
            source=_SNS,
        ),
        Rate(
            name="mails",
            service="SNS",
            unit="mail delivered",
            tiers=_flat(2e-5),
            free=1e3,
            source=_SNS,
        ),
        Rate(
            name="metrics",
            service="CloudWatch",
            unit="metric of our own",
            tiers=((10e3, 0.30), (250e3, 0.10), (1e6, 0.05), (math.inf, 0.02)),
            free=10,
            source=_WATCH,
        ),
        Rate(
            name="putmetric",
            service="CloudWatch",
            unit="PutMetricData call",
            tiers=_flat(1e-5),
            free=1e6,
            source=_WATCH,
        ),
        Rate(
            name="alarms",
            service="CloudWatch",
            unit="metric watched by an alarm",
            tiers=_flat(0.10),
            free=10,
            source=_WATCH,
        ),
        Rate(
            name="dashboards",
            service="CloudWatch",
            unit="dashboard",
            tiers=_flat(3.0),
            free=3,
            source=_WATCH,
        ),
        Rate(
            name="logs",
            service="CloudWatch",
            unit="GB of logs taken in",
            tiers=((10e3, 0.50), (30e3, 0.25), (50e3, 0.10), (math.inf, 0.05)),
            free=5,
            source=f"{_WATCH}; tiers for Lambda's logs: https://aws.amazon.com/cloudwatch/pricing/",
        ),
        Rate(
            name="logs kept",
            service="CloudWatch",
            unit="GB-month of logs kept",
            tiers=_flat(0.03),
            source=_WATCH,
        ),
    )
}
"""All prices, by name."""
