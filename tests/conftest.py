"""What all tests have in common: an environment of their own, and how hard the laws are tried."""

from __future__ import annotations

import os
import signal
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_OURS: Final = ("AWS_", "WAYPOST_")
_OF_TERMINALS: Final = frozenset(
    {"COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "TERM", "TERMINAL_WIDTH"}
    | {"TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS"}
)
"""What makes Typer and Rich print otherwise; Typer looks when it is imported."""
_PROXIES: Final = frozenset({"all_proxy", "http_proxy", "https_proxy", "no_proxy"})


def _is_of_the_machine(name: str) -> bool:
    """Tell whether a variable would let the machine at hand decide what a test sees."""
    return name.startswith(_OURS) or name in _OF_TERMINALS or name.lower() in _PROXIES


for _name in filter(_is_of_the_machine, [*os.environ]):
    del os.environ[_name]
# Where tests run in the background, Ctrl-C may be ignored, also by the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Nor do profiles, or the machine's own role, lend a test rights.
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

# `make fuzz` looks for what the default missed.
_FUZZED: Final = int(os.environ.get("EXAMPLES", "5000"))

settings.register_profile(
    "default", max_examples=100, deadline=None, derandomize=True, database=None
)
settings.register_profile(
    "fuzz",
    max_examples=_FUZZED,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


class _OneLocalAws(LoadScopeScheduling):  # type: ignore[misc] # it ships no types
    """Gives the tests on the local AWS to one worker, first and in one go; others as they come.

    Each worker would start an AWS of its own otherwise, and deploy its own stack.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "aws" if nodeid.startswith("tests/e2e/aws/") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    # Not by pytest.mark.xdist_group: pytest 9.2 has no place for what pytest-xdist 3.8 notes then.
    return _OneLocalAws(config, log)
