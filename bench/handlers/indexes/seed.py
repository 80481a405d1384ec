"""The ``index.py`` of the first design: what it imports and connects to, around its behaviour."""

import os
import time
from datetime import datetime  # noqa: F401 (it imports these two)
from decimal import Decimal  # noqa: F401 (as above)
from typing import Any

import boto3
from seed_handler import SeedHandler

dynamodb = boto3.resource("dynamodb")
sns = boto3.client("sns")
cloudwatch = boto3.client("cloudwatch")


class Clock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def new_id(self) -> str:
        raise NotImplementedError


handler = SeedHandler(
    table=dynamodb.Table(os.environ["DYNAMODB_TABLE"]),
    sns=sns,
    cloudwatch=cloudwatch,
    topic_arn=os.environ["SNS_TOPIC_ARN"],
    environment=os.environ["ENVIRONMENT"],
    clock=Clock(),
)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return handler(event)
