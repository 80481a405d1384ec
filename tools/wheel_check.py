"""Build the wheel and use it alone, in a fresh environment for each Python that is tried.

The wheel has to work without the source tree and without the development tools: every module
imports, and the program records an update and finds it again.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.13")
MUST_HOLD = (
    "waypost/__init__.py",
    "waypost/py.typed",
    "waypost/stack/template.yaml",
    "waypost/stack/lint/data/metrics.json",
)
IMPORT_ALL = """
import importlib, pkgutil, waypost
for module in pkgutil.walk_packages(waypost.__path__, "waypost."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


class CheckError(Exception):
    """The wheel does not do what it has to; the message says what."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return what it printed.

    Raises:
        CheckError: it failed; the message carries its output.
    """
    # Nothing of the caller's environment may help the wheel.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "WAYPOST"))}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shown = " ".join(map(str, command))
        message = f"{shown}\nexited with {done.returncode}\n{done.stdout}{done.stderr}"
        raise CheckError(message)
    return done.stdout


def pip(python: str | Path, *arguments: str | Path) -> None:
    """Run pip for one interpreter."""
    run(python, "-m", "pip", "--disable-pip-version-check", "-qq", *arguments)


def candidates(version: str) -> Iterator[Path]:
    """Yield where an interpreter of this version may lie, the likeliest first."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield Path(sys.executable)
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)


def find(version: str) -> Path | None:
    """Return an interpreter of this version that can make environments, if there is one."""
    probe = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    for path in candidates(version):
        try:
            if run(path, "-c", probe).strip() == version:
                return path
        except (CheckError, OSError):
            continue
    return None


def build(into: Path) -> Path:
    """Build the wheel and return its path.

    Raises:
        CheckError: it lacks a file that users need.
    """
    pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "-w", into, ROOT)
    [wheel] = into.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    if missing := [name for name in MUST_HOLD if name not in names]:
        message = f"{wheel.name} lacks {', '.join(missing)}"
        raise CheckError(message)
    return wheel


def try_wheel(wheel: Path, interpreter: Path, home: Path) -> str:
    """Install the wheel with its locked dependencies, use it, and return its version.

    Raises:
        CheckError: it does not install, import or answer.
    """
    run(interpreter, "-m", "venv", home)
    python, waypost = home / "bin/python", home / "bin/waypost"
    pip(python, "install", "-r", ROOT / "requirements/lock-runtime.txt")
    # No index: what the wheel asks for has to be what the lock brought.
    pip(python, "install", "--no-index", wheel)
    run(python, "-c", IMPORT_ALL, cwd=home)
    version = run(waypost, "--version", cwd=home).strip()
    data = home / "data"
    run(waypost, "put", "--data", data, "--shipment", "SHIP-1", "--status", "DELIVERED", cwd=home)
    tracked = json.loads(run(waypost, "track", "SHIP-1", "--json", "--data", data, cwd=home))
    if [update["status"] for update in tracked["updates"]] != ["DELIVERED"]:
        message = f"recorded one DELIVERED, then read {tracked['updates']}"
        raise CheckError(message)
    return version


def main() -> int:
    """Check the wheel on each version; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="waypost-wheel-") as scratch:
        try:
            wheel = build(Path(scratch, "dist"))
            for version in VERSIONS:
                if interpreter := find(version):
                    said = try_wheel(wheel, interpreter, Path(scratch, version))
                    print(f"Python {version}: {said}")
                else:
                    print(f"Python {version}: not on this machine, not tried")
        except CheckError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
