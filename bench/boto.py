"""A real client: sends details with boto3, one call after the other.

    python -m bench.boto ADDRESS ENTRIES < details

The details come as one pickle. Prints when the first call began (of the monotonic clock), and the
seconds from there to the end of the last.
"""

import pickle
import sys
import time

from bench.machine import client, entry

address, entries = sys.argv[1], int(sys.argv[2])
events = client(address)
made = [entry(detail) for detail in pickle.load(sys.stdin.buffer)]  # noqa: S301 (from our own parent process)
started = time.monotonic()
for start in range(0, len(made), entries):
    answer = events.put_events(Entries=made[start : start + entries])
    assert answer["FailedEntryCount"] == 0, answer
print(started, time.monotonic() - started)
