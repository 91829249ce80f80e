"""Why a window allows no verdict, before its lines are looked at; None where it does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlrsd.runtime.base.numbers import plain
from dlrsd.runtime.dsp.envelope import noise_db, repeats_exactly
from dlrsd.runtime.dsp.fault_lines import LEAST_LINES
from dlrsd.runtime.dsp.order_map_config import REVOLUTIONS, Kinematics
from dlrsd.runtime.dsp.shaft_speed import TOLERANCE

_LITTLE_NOISE_DB = -5.0  # what has more does not repeat itself
_NO_NOISE_DB = -70.0  # sensors hear more noise: -12 dB is the least of four rigs


def too_little(n: int, rate_hz: float, kinematics: Kinematics) -> str | None:
    """Of ``n`` samples: too few turns of the shaft, or too low a rate."""
    hz = kinematics.speed_rpm / 60
    turns = n / rate_hz * hz
    if turns < REVOLUTIONS:
        return (
            f"{turns:.3g} turns of the shaft are too few: lines can be told apart from "
            f"{REVOLUTIONS:g} turns on, {plain(REVOLUTIONS / hz, 3)} s at "
            f"{kinematics.speed_rpm:g} rpm"
        )
    lowest = 8 * (LEAST_LINES * kinematics.bpfi + 1) * (1 + TOLERANCE) * hz
    if rate_hz < lowest:
        return f"a rate of {rate_hz:g} Hz is too low for the lines: {plain(lowest)} Hz are needed"
    return None


def no_signal(x: NDArray[np.float64], largest: float) -> str | None:
    """Of a window whose largest magnitude is given."""
    if not np.isfinite(largest):
        return "the window has samples that are no numbers"
    if np.ptp(x) == 0:
        return "the window has no signal: every sample is the same"
    return None


def made_up(scaled: NDArray[np.float64]) -> str | None:
    """Of a window scaled to 1: what no sensor on a machine gives."""
    noise = noise_db(scaled)
    if noise < _NO_NOISE_DB:
        return "the window has lines and no noise between them: it is no sensor's signal"
    if noise < _LITTLE_NOISE_DB and repeats_exactly(scaled):
        return "the window repeats itself exactly, as a generator's signal and no machine's does"
    return None
