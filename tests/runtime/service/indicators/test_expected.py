"""How loud a machine runs, by its baseline."""

import numpy as np
import pytest

from dlrsd.runtime.dsp.order_map import ORDERS
from dlrsd.runtime.evidence.baseline import Baseline, Level
from dlrsd.runtime.evidence.commissioned import AtSpeed, SensorBaseline
from dlrsd.runtime.evidence.limit import Limit
from dlrsd.runtime.evidence.spectral_shape import band_edges, band_levels, shape_of
from dlrsd.runtime.service.indicators.expected import expected_level

RATE, SECONDS = 25_600.0, 2.0


def at_speed(rpm, windows):
    edges = band_edges(RATE)
    shape = shape_of(np.array([band_levels(w, RATE, edges) for w in windows]), edges)
    scores = {place: Level(0.0, 1.0) for place in ("outer", "inner", "ball", "cage")}
    limit = Limit(5.0, 20, 1.0)
    return AtSpeed(
        speed_rpm=rpm,
        windows=len(windows),
        baseline=Baseline(windows=len(windows), lines={}, scores=scores),
        shape=shape,
        score_limit=limit,
        shape_limit=limit,
    )


@pytest.mark.parametrize("rms", [0.3, 12.0])
def test_it_is_the_level_of_the_noise_at_the_quietest_speed(rms):
    rng = np.random.default_rng(1)
    n = int(RATE * SECONDS)
    shaft = 5 * rms * np.sin(2 * np.pi * 24.7 * np.arange(n) / RATE)
    slow = [rms * rng.standard_normal(n) + shaft for _ in range(12)]
    fast = [3 * rms * rng.standard_normal(n) for _ in range(12)]
    own = SensorBaseline(
        sensor="DE",
        orders=dict.fromkeys(ORDERS, 1.0),
        speeds=[at_speed(900.0, slow), at_speed(1800.0, fast)],
    )
    # The bands end at 0.4 of the rate: four fifths of the noise's power.
    assert expected_level(own) == pytest.approx(rms * np.sqrt(0.8), rel=0.1)
