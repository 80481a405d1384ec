"""AWS as far as the functions call it: each call is answered well, after so many milliseconds.

    python -m bench.handlers.canned MILLISECONDS < histories

The histories come as one JSON object: the items of the log, by shipment; a Query of any other
shipment finds none. Prints the port. ``GET /`` says how often each operation was called so far.
"""

from __future__ import annotations

import asyncio
import json
import sys
import zlib
from collections import Counter

ANSWERS = {
    "PutItem": b"{}",
    "BatchGetItem": b'{"Responses": {}, "UnprocessedKeys": {}}',
    "PutMetricData": b"{}",
    "UpdateItem": b"{}",
    "Publish": (
        b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
        b"<MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult>"
        b"<ResponseMetadata><RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId>"
        b"</ResponseMetadata></PublishResponse>"
    ),
}


class Canned(asyncio.Protocol):
    """One connection, kept alive; a client has one call under way on it."""

    def __init__(self, calls: Counter[str], histories: dict[str, bytes], delay: float) -> None:
        self.calls = calls
        self.histories = histories
        self.delay = delay
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if not separator or len(body) < int(headers.get(b"content-length", 0)):
            return
        self.received = b""
        if head.startswith(b"GET"):
            self.transport.write(response(json.dumps(self.calls).encode()))
            return
        operation = called(head, body)
        self.calls[operation] += 1
        answer = response(self.query(body) if operation == "Query" else ANSWERS[operation])
        asyncio.get_running_loop().call_later(self.delay, self.transport.write, answer)

    def query(self, body: bytes) -> bytes:
        shipment_id = json.loads(body)["ExpressionAttributeValues"][":id"]["S"]
        return self.histories.get(shipment_id, b'{"Items": []}')


def called(head: bytes, body: bytes) -> str:
    """Return the operation: JSON protocols name it in a header, the query protocol in the body."""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"x-amz-target:"):
            return line.rpartition(b".")[2].decode()
    return body.partition(b"Action=")[2].partition(b"&")[0].decode()


def response(body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
        b"x-amzn-RequestId: 8IQ5TJ0BUTGLQ1TNAFMHQ1AAB7VV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
        b"x-amz-crc32: %d\r\nContent-Length: %d\r\n\r\n%s" % (zlib.crc32(body), len(body), body)
    )


async def main() -> None:
    delay = float(sys.argv[1]) / 1_000
    calls: Counter[str] = Counter()
    histories = {
        shipment_id: json.dumps({"Items": items, "Count": len(items)}).encode()
        for shipment_id, items in json.load(sys.stdin).items()
    }
    server = await asyncio.get_running_loop().create_server(
        lambda: Canned(calls, histories, delay), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
