from __future__ import annotations

from tests.support.messages import message
from waypost.notifiers.memory import MemoryNotifier


def test_it_shows_that_a_message_was_sent_twice() -> None:
    notifier = MemoryNotifier("pager")
    notifier.send(message())
    notifier.send(message())
    assert notifier.name == "pager"
    assert notifier.messages == [message(), message()]
