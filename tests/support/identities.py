"""Which metrics there are: what is watched under another name or other dimensions is never there.

AWS publishes a metric under sets of dimensions, and under no others. The table has what the
services' own documentation says, for the metrics that a stack like this one may want.
"""

from __future__ import annotations

from typing import Final

from waypost.metrics.emf import IDENTITIES, NAMESPACE

Dimensions = frozenset[str]

_RULE: Final = [{"RuleName"}, {"EventBusName", "RuleName"}]
_TABLE: Final = [{"TableName"}, {"TableName", "GlobalSecondaryIndexName"}]
_OPERATION: Final = [{"TableName", "Operation"}]
_FUNCTION: Final = [{"FunctionName"}]
_QUEUE: Final = [{"QueueName"}]
_TOPIC: Final = [{"TopicName"}]
_AWS: Final[dict[tuple[str, str], list[set[str]]]] = {
    ("AWS/Events", "TriggeredRules"): _RULE,
    ("AWS/Events", "FailedInvocations"): _RULE,
    ("AWS/Events", "InvocationsFailedToBeSentToDlq"): _RULE,
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): _QUEUE,
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): _QUEUE,
    ("AWS/Lambda", "Duration"): _FUNCTION,
    ("AWS/Lambda", "Errors"): _FUNCTION,
    ("AWS/Lambda", "Invocations"): _FUNCTION,
    ("AWS/Lambda", "IteratorAge"): _FUNCTION,
    ("AWS/Lambda", "Throttles"): _FUNCTION,
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): _TABLE,
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): _TABLE,
    ("AWS/DynamoDB", "ReadThrottleEvents"): _TABLE,
    ("AWS/DynamoDB", "WriteThrottleEvents"): _TABLE,
    ("AWS/DynamoDB", "SystemErrors"): _OPERATION,
    ("AWS/DynamoDB", "UserErrors"): [set()],  # of the whole account and Region
    ("AWS/SNS", "NumberOfMessagesPublished"): _TOPIC,
    ("AWS/SNS", "NumberOfNotificationsDelivered"): _TOPIC,
    ("AWS/SNS", "NumberOfNotificationsFailed"): _TOPIC,
    ("AWS/Logs", "IncomingBytes"): [{"LogGroupName"}],
}


def dimension_sets(namespace: str, metric: str) -> set[Dimensions]:
    """Return the sets of dimensions that a metric is published under; none if there is no such."""
    if namespace == NAMESPACE:
        return {
            frozenset({"Environment", *([known.label_names[-1]] if values else [])})
            for known, values in IDENTITIES.items()
            if known.value == metric
        }
    return {frozenset(names) for names in _AWS.get((namespace, metric), [])}
