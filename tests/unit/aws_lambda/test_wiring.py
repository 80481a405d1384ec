"""How long shipments may be silent, as the functions that follow read it."""

from __future__ import annotations

import pytest

from waypost.aws_lambda import wiring
from waypost.core.errors import InvalidSettings
from waypost.core.shipments import Thresholds


@pytest.mark.parametrize("text", ["many", "0", "-1", "nan", "9000", "inf"])
def test_silence_has_to_be_a_number_of_hours(text: str) -> None:
    with pytest.raises(InvalidSettings, match="STALLED_HOURS: must be a number of hours"):
        wiring.read_thresholds({"STALLED_HOURS": text})


@pytest.mark.parametrize("env", [{}, {"STALLED_HOURS": " "}])
def test_without_hours_the_defaults_by_status_hold(env: dict[str, str]) -> None:
    assert wiring.read_thresholds(env) == Thresholds()


def test_hours_hold_for_every_shipment() -> None:
    thresholds = wiring.read_thresholds({"STALLED_HOURS": "1.5"})
    assert thresholds.silence("UPS", None) == 90 * 60 * 1_000
