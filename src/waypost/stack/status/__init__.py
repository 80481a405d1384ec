"""Whether a stack is well: one report of its alarms, queues, functions, topics, numbers and price."""

from waypost.stack.status.look import look, unconfirmed
from waypost.stack.status.report import Alarm, Function, Gap, LastEvent, Queue, Report, Topic

__all__ = [
    "Alarm",
    "Function",
    "Gap",
    "LastEvent",
    "Queue",
    "Report",
    "Topic",
    "look",
    "unconfirmed",
]
