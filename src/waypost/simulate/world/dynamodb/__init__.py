"""DynamoDB in memory, as far as our store and the world around it need it.

It answers as the service's documentation says, reads as late as it is told to, emits what the
tables' streams would have, and counts the capacity units that it would have consumed. Whatever
our store does not use is refused: `NotModelled`, or a TypeError for an argument.
"""

from waypost.simulate.world.dynamodb.client import Call, DynamoModel, Effect, Usage
from waypost.simulate.world.dynamodb.errors import (
    NotModelled,
    server_failed,
    throttled,
    timed_out,
)
from waypost.simulate.world.dynamodb.shapes import TableShape, home_tables

__all__ = [
    "Call",
    "DynamoModel",
    "Effect",
    "NotModelled",
    "TableShape",
    "Usage",
    "home_tables",
    "server_failed",
    "throttled",
    "timed_out",
]
