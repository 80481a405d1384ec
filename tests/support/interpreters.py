"""Other Pythons on this machine, where there are any."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import botocore
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SRC = Path(__file__).parents[2] / "src"
PACKAGES = Path(botocore.__file__).parents[1]
"""Where botocore lies: it is pure Python, so any version can import it there."""


@cache
def interpreter(version: str) -> str:
    """Return the Python of a version; a test that needs it is skipped where there is none."""
    for candidate in _candidates(version):
        probe = [candidate, "-c", "import bz2, sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return candidate
    pytest.skip(f"there is no Python {version} here")


def run(python: str, code: str, *path: Path, **environment: str) -> str:
    """Run code, with what lies on a path (by default, this project), and return what it prints."""
    entries = os.pathsep.join(map(str, path or (SRC,)))
    done = subprocess.run(
        [python, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": entries, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _candidates(version: str) -> Iterator[str]:
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True))
