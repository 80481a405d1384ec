"""A function in a process of its own, as Lambda runs one.

    python -B function.py FOLDER HANDLER < events

Imports ``index`` from the folder, as Lambda does from its bundle. A line of the input is a JSON
list of payloads (each JSON itself, as Lambda's runtime gets it), which are handled one after the
other; a line of the output says what they took. What the function prints goes nowhere.
"""

import importlib
import json
import os
import sys
import time


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


folder, handler = sys.argv[1:]
reports, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: PTH123, SIM115 (open to the end; pathlib would count as a cold start)
sys.path.insert(0, folder)
handle = getattr(importlib.import_module("index"), handler)
context = Context()
for line in sys.stdin:
    payloads = json.loads(line)
    started, cpu = time.monotonic(), time.process_time()
    for payload in payloads:
        answer = handle(json.loads(payload), context)
        assert answer.get("statusCode", 200) == 200, answer
        assert not answer.get("batchItemFailures"), answer
    ended, cpu_since_exec = time.monotonic(), time.process_time()
    report = {
        "wall": ended - started,
        "cpu": cpu_since_exec - cpu,
        "ended": ended,
        "cpu_since_exec": cpu_since_exec,
    }
    print(json.dumps(report), file=reports, flush=True)
