"""How hard the laws are tried; ``make fuzz`` looks for what the default missed."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, settings

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
