from __future__ import annotations

import time
from socket import AF_UNIX, SOCK_STREAM, socket, socketpair

import pytest

from waypost.notifiers.deadlines import deadline


def test_a_block_that_is_done_in_time_is_left_alone() -> None:
    left, right = socketpair(AF_UNIX, SOCK_STREAM)
    with left, right:
        with deadline(60, lambda: left):
            right.sendall(b"x")
        assert left.recv(1) == b"x"


def test_an_error_in_time_stays_what_it_is() -> None:
    with pytest.raises(KeyError), deadline(60, lambda: None):
        raise KeyError


def test_a_block_that_waits_for_ever_is_cut_off() -> None:
    left, right = socketpair(AF_UNIX, SOCK_STREAM)

    def wait_for_ever() -> None:
        with deadline(0.05, lambda: left):
            assert left.recv(1) == b""
            raise ConnectionResetError

    with left, right, pytest.raises(TimeoutError, match=r"not done after 0\.05 s") as raised:
        wait_for_ever()
    assert isinstance(raised.value.__cause__, ConnectionResetError)


def test_a_connection_made_after_the_deadline_is_cut_off_too() -> None:
    left, right = socketpair(AF_UNIX, SOCK_STREAM)
    connections: list[socket] = []
    with left, right, deadline(0.01, lambda: connections[0] if connections else None):
        time.sleep(0.05)
        connections.append(left)
        assert left.recv(1) == b""


def test_a_connection_that_is_closed_already_does_no_harm() -> None:
    left, right = socketpair(AF_UNIX, SOCK_STREAM)
    left.close()
    with right, deadline(0.01, lambda: left):
        time.sleep(0.05)
