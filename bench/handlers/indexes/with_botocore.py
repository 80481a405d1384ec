"""Nothing but a conditional PutItem a message by botocore: the least that a call of it takes."""

import json
import os
from typing import Any

import botocore.session

client = botocore.session.get_session().create_client("dynamodb")


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    for message in event["Records"]:
        detail = json.loads(message["body"])["detail"]
        client.put_item(
            TableName=os.environ["DYNAMODB_TABLE"],
            Item={
                "shipmentId": {"S": detail["shipmentId"]},
                "timestamp": {"N": "1"},
                "rawEvent": {"S": json.dumps(detail)},
            },
            ConditionExpression="attribute_not_exists(shipmentId)",
        )
    return {}
