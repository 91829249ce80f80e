"""How loud a machine runs, told by its baseline, before the watch has heard it run."""

from __future__ import annotations

import math

import numpy as np

from dlrsd.runtime.evidence.commissioned import SensorBaseline

_GEOMETRIC = math.exp(np.euler_gamma)  # the mean of noise's power over its geometric mean


def expected_level(own: SensorBaseline) -> float:
    """RMS of what a sensor heard of the healthy machine, without its lines, at its quietest speed.

    Less than the machine's acceleration where shaft and gears have strong lines, which the bands
    of a baseline leave out. In the unit of the recordings that the baseline was made of.
    """
    power = min(float(np.exp(at.shape.mean).sum()) for at in own.speeds)
    # Of a Hann window's bins, whose mean square is 3/8, on one side of the spectrum.
    return math.sqrt(power * _GEOMETRIC * 2 / 0.375)
