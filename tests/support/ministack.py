"""An AWS on loopback: MiniStack, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import boto3
import urllib3
from botocore.config import Config

from tests.support.servers import reserved_port

REGION: Final = "eu-central-1"
_READY: Final = 90.0
"""Seconds within which it has to answer."""


@dataclass
class Ministack:
    """A server that checks every caller's rights (``AUTH``), those of the functions too.

    Attributes:
        folder: where it keeps its log and the functions' code.
        concurrency: how many functions it runs at once; each is a process of 50 MB.
    """

    folder: Path
    concurrency: int = 32
    url: str = field(default="", init=False)

    def __enter__(self) -> Self:
        """Start it, and return once it answers."""
        self._port = ExitStack()
        port = self._port.enter_context(reserved_port())
        self.url = f"http://127.0.0.1:{port}"
        self._log = (self.folder / "ministack.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ministack_server"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "TMPDIR": str(self.folder),
                "BIND_HOST": "127.0.0.1",  # its own default is every interface
                "IOT_MTLS_ENABLED": "0",  # and this listens on every interface all the same
                "GATEWAY_PORT": str(port),
                "MINISTACK_REGION": REGION,
                "AUTH": "true",
                "LAMBDA_ACCOUNT_CONCURRENCY": str(self.concurrency),
                "LOG_LEVEL": "WARNING",
            },
            cwd=Path(__file__).parents[2],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._await()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and the functions with it."""
        self._process.terminate()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()
            self._process.wait()
            self._log.close()
            self._port.close()

    def _await(self) -> None:
        end = time.monotonic() + _READY
        with urllib3.PoolManager(retries=False, timeout=2.0) as pool:
            while True:
                alive = self._process.poll() is None
                try:
                    if alive and pool.request("GET", f"{self.url}/_ministack/health").status == 200:
                        return
                except urllib3.exceptions.HTTPError:
                    pass  # it does not listen yet
                assert alive, self.log()
                assert time.monotonic() < end, self.log()
                time.sleep(0.1)

    def log(self) -> str:
        """Return what it wrote."""
        return (self.folder / "ministack.log").read_text(encoding="utf-8")

    def client(self, service: str) -> Any:
        """Return a client of one of its services, as its root user."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
        )

    def cli(self, *words: str) -> str:
        """Run the AWS CLI, which has to succeed; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "awscli", *words],
            env={
                "PATH": os.environ["PATH"],
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": self.url,
                "AWS_PAGER": "",
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr + self.log()
        return done.stdout
