"""The input of a fusion: every kind of number where it is looked for, and what a gain changes."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.dsp.fault_lines import fault_lines
from dlrsd.runtime.dsp.fusion import fusion_input, fusion_numbers, kinds_of, unit_rms
from dlrsd.runtime.dsp.order_map import Kinematics, OrderMapConfig, order_map
from dlrsd.runtime.dsp.window_features import window_features
from dlrsd.training.data.vibration.rig import ORDERS, simulate_rig

RATE, WINDOW = 12000.0, 24576
MACHINE = Kinematics(1797.0, **ORDERS)
CONFIG = OrderMapConfig(RATE, WINDOW)


@pytest.fixture(scope="module")
def windows():
    """Three windows of each state, one channel."""
    rig = simulate_rig(seed=4, seconds=7.0, loads=(0,), n_bearings=1)
    return {
        r.label: r.signal[:, : 3 * WINDOW].reshape(1, 3, WINDOW).swapaxes(0, 1).copy() for r in rig
    }


def test_each_kind_stands_where_it_is_looked_for(windows):
    two = np.concatenate([windows["outer"], windows["Normal"]], axis=1)
    found = fusion_input(two, CONFIG, MACHINE, level=True)
    counts = kinds_of(CONFIG.n_bands)
    assert found.shape == (3, 2, WINDOW + sum(counts.values()))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[..., :WINDOW], two)
    maps, features, lines = np.split(
        found[..., WINDOW:], np.cumsum([*counts.values()])[:-1], axis=2
    )
    np.testing.assert_allclose(
        maps.reshape(3, 2, 8, 32), order_map(two, CONFIG, MACHINE), rtol=1e-6
    )
    machines = np.tile([MACHINE.speed_rpm, *ORDERS.values()], (3, 1))
    expected = window_features(two, RATE, machines).reshape(3, 2, -1)
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-5)
    expected = fault_lines(two, RATE, MACHINE).reshape(3, 2, -1)
    np.testing.assert_array_equal(lines, expected)


def test_without_level_features_know_no_gain(windows):
    x = windows["ball"]
    kinds = kinds_of(CONFIG.n_bands)
    behind = slice(kinds["order map"], None)  # its last column is a level
    quiet, loud = (
        fusion_numbers(gain * x, CONFIG, MACHINE, level=False)[..., behind] for gain in (0.02, 1.0)
    )
    np.testing.assert_allclose(quiet, loud, rtol=1e-3, atol=2e-3)
    heard = fusion_numbers(0.02 * x, CONFIG, MACHINE, level=True)[..., behind]
    assert np.abs(heard - loud).max() > 3


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float64])
def test_samples_of_any_type_say_the_same(windows, dtype):
    """Squares of 16-bit samples do not fit 16 bits."""
    x = np.round(windows["inner"] / np.abs(windows["inner"]).max() * 30_000)
    for level in (True, False):
        found = fusion_numbers(x.astype(dtype), CONFIG, MACHINE, level=level)
        expected = fusion_numbers(x.astype(np.float32), CONFIG, MACHINE, level=level)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_even_the_largest_samples_have_an_rms():
    loud = np.full((1, 2, 8), 1e30, np.float32)
    np.testing.assert_allclose(unit_rms(loud), 1.0, rtol=1e-6)
