from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from tests.support.bus import Bus


@pytest.fixture
def bus() -> Iterator[Bus]:
    bus = Bus()
    thread = Thread(target=bus.server.serve_forever, args=(0.01,))
    thread.start()
    yield bus
    bus.server.shutdown()
    bus.server.server_close()
    thread.join()
