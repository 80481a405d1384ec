"""The same call by the standard library: signed (SigV4), but neither retried nor well explained.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import http.client
import json
import os
import time
from typing import Any

HOST = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
REGION = os.environ["AWS_REGION"]
connection = http.client.HTTPConnection(HOST, timeout=2)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    for message in event["Records"]:
        detail = json.loads(message["body"])["detail"]
        put_item(
            TableName=os.environ["DYNAMODB_TABLE"],
            Item={
                "shipmentId": {"S": detail["shipmentId"]},
                "timestamp": {"N": "1"},
                "rawEvent": {"S": json.dumps(detail)},
            },
            ConditionExpression="attribute_not_exists(shipmentId)",
        )
    return {}


def put_item(**members: object) -> None:
    body = json.dumps(members).encode()
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": HOST,
        "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
        "x-amz-target": "DynamoDB_20120810.PutItem",
    }
    connection.request("POST", "/", body, headers | {"authorization": signature(headers, body)})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    assert json.loads(text) == {}


def signature(headers: dict[str, str], body: bytes) -> str:
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    request = "\n".join(["POST", "/", "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    scope = f"{headers['x-amz-date'][:8]}/{REGION}/dynamodb/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (
        *scope.split("/"),
        f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{hashed}",
    ):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
