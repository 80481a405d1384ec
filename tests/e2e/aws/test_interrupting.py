"""Ctrl-C in the real program, while the local AWS is still at it."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from botocore.exceptions import ClientError

from tests.support.deployed import PATIENCE, Deployed
from tests.support.ministack import REGION
from tests.support.processes import environment
from tests.support.slow_cloudformation import (
    OF_A_CHANGE_SET,
    OF_A_STACK,
    SlowCloudFormation,
    slow_cloudformation,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.ministack import Ministack

pytestmark = pytest.mark.timeout(400)

KEYS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@contextmanager
def program(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Start the program; it does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "waypost", "stack", *words],
        env=environment(**KEYS, COLUMNS="200"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def interrupted(slow: SlowCloudFormation, where: str) -> str:
    """Deploy, press Ctrl-C while AWS says that it is at it, and return what is said."""
    words = ("deploy", *where.split(), "--yes", "--parameter", "Alarms=none")
    with program(*words) as process:
        assert slow.said.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    return said


def test_a_change_set_that_is_given_up_is_not_left_behind(aws: Ministack) -> None:
    with slow_cloudformation(aws.url, OF_A_CHANGE_SET) as slow:
        said = interrupted(slow, f"--env given-up --region {REGION} --endpoint-url {slow.url}")

    assert "The change set that was being made is deleted." in said
    with pytest.raises(ClientError, match="does not exist"):
        aws.client("cloudformation").describe_stacks(StackName="waypost-given-up")


def test_a_change_goes_on_that_is_not_watched_any_more_and_can_be_watched_again(
    aws: Ministack,
) -> None:
    with slow_cloudformation(aws.url, OF_A_STACK) as slow:
        where = f"--env unwatched --region {REGION} --endpoint-url {slow.url}"
        said = interrupted(slow, where)
        assert said.splitlines()[-1] == (
            f"What has begun goes on on AWS. To see how: waypost stack status {where} --watch"
        )

        slow.is_over.set()
        with program("status", *where.split(), "--watch") as again:
            shown, _ = again.communicate(timeout=PATIENCE)

    assert "CREATE_COMPLETE" in shown
    stack = Deployed(aws, "unwatched", bus="default")
    stack.delete()  # for its rule matches what other tests send
