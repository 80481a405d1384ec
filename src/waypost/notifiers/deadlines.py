"""A limit on the whole of a conversation: time-outs alone bound one step of it each."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_AGAIN: Final = 0.5


@contextmanager
def deadline(seconds: float, connection: Callable[[], socket | None]) -> Iterator[None]:
    """Cut a connection off when its time is up, however slowly the other side drips.

    Args:
        seconds: how long the block may take. A connection that is only made after that is cut
            within half a second.
        connection: the socket of the conversation as it is now; None while there is none.

    Raises:
        TimeoutError: the block failed, and its time was up.
    """
    done, cut = Event(), Event()

    def watch() -> None:
        wait = seconds
        while not done.wait(wait):
            cut.set()
            _shut(connection())
            wait = _AGAIN

    watcher = Thread(target=watch, name="waypost-deadline", daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if cut.is_set():
            message = f"not done after {seconds:g} s"
            raise TimeoutError(message) from error
        raise
    finally:
        done.set()
        watcher.join()


def _shut(connection: socket | None) -> None:
    if connection is not None:
        with suppress(OSError):  # it was closed, or wrapped in TLS, at this very moment
            # The plain method: that of a TLS socket takes away what the other thread is reading.
            socket.shutdown(connection, SHUT_RDWR)
