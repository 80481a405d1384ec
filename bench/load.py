"""A cheap client: sends ready-made HTTP requests over many connections, and checks each answer.

    python bench/load.py HOST PORT CONNECTIONS < requests

The requests come as one pickle of a list of bytes, with the headers and the bodies of boto3.
The answers have to say that no entry failed. Prints when the first byte was
sent (of the monotonic clock), and the seconds from there to the last answer.
"""

import asyncio
import pickle
import sys
import time

import uvloop


async def work(host: str, port: int, requests: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while requests:
        request = requests.pop()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b" 200 " not in head[:20] or b'"FailedEntryCount":0' not in body:
            raise SystemExit(f"not accepted: {head[:80]!r} {body[:300]!r}")
    writer.close()


async def main() -> None:
    host, port, connections = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    requests = pickle.load(sys.stdin.buffer)  # noqa: S301 (from our own parent process)
    requests.reverse()
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(work(host, port, requests))
    print(started, time.monotonic() - started)


uvloop.run(main())
