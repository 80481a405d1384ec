"""Somebody who operates a stack on a local AWS, with the rights that the docs say are enough."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from typer.testing import CliRunner

from tests.support.ministack import REGION
from waypost.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typer.testing import Result

    from tests.support.deployed import Deployed

_PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "operate-a-stack.md"


class StackOperator:
    """A user of its own, who runs commands."""

    def __init__(self, stack: Deployed) -> None:
        self._stack = stack
        self._iam = stack.aws.client("iam")
        self._name = f"operator-{stack.suffix}"
        self._iam.create_user(UserName=self._name)
        key = self._iam.create_access_key(UserName=self._name)["AccessKey"]
        self._env = {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_DEFAULT_REGION": REGION,
        }
        self._where = ("--stack", stack.suffix, "--endpoint-url", stack.aws.url)
        account = stack.outputs["SNSTopicArn"].split(":")[4]
        [found] = re.findall(r"```json\n(.+?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
        for name, value in {"REGION": REGION, "ACCOUNT": account, "ENV": stack.suffix}.items():
            found = found.replace(name, value)
        self._document = json.loads(found)
        # SendMessageBatch needs sqs:SendMessage; here it needs an action that AWS does not know.
        [send] = [s for s in self._document["Statement"] if s["Action"] == "sqs:SendMessage"]
        send["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
        self.grant()

    def grant(self, *, without: str = "") -> None:
        """Have what the docs grant, perhaps without one statement."""
        kept = [s for s in self._document["Statement"] if s["Sid"] != without]
        self._iam.put_user_policy(
            UserName=self._name,
            PolicyName="operator",
            PolicyDocument=json.dumps({**self._document, "Statement": kept}),
        )

    def __call__(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """Run a command in this process, and check its exit code.

        Returns:
            What it printed; if it failed, what it said.
        """
        done = self._run(words, stdin)
        assert done.exit_code == code, (done.stdout, done.stderr)
        return done.stderr if code else done.stdout

    def _run(self, words: Sequence[str], stdin: str = "") -> Result:
        return CliRunner().invoke(app, [*words, *self._where], env=self._env, input=stdin)

    def program(self, *words: str) -> str:
        """Run a command as it is installed, which has to succeed; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "waypost", *words, *self._where],
            env={"PATH": os.environ["PATH"], **self._env},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout

    def rows(self, *words: str) -> list[Mapping[str, Any]]:
        """Return what a command prints as JSON."""
        return [json.loads(line) for line in self(*words).splitlines()]

    def health(self) -> Mapping[str, Any]:
        """Return what `doctor` sees, be it well or not: other tests may have set off an alarm."""
        done = self._run(("doctor", "--json"))
        assert done.exit_code in {0, 1}, (done.stdout, done.stderr)
        seen: Mapping[str, Any] = json.loads(done.stdout)
        assert bool(seen["problems"]) == (done.exit_code == 1)
        return seen
