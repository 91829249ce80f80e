import numpy as np
import pytest

from dlrsd.runtime.evidence.spectral_shape import (
    band_edges,
    band_levels,
    difference_in_words,
    distance,
    shape_of,
)
from tests.runtime.evidence.machine import RATE, noise, shaft, turns

EDGES = band_edges(RATE)


def level(x):
    return band_levels(x, RATE, EDGES)


def test_ten_times_the_power_is_ten_times_the_level():
    x = noise()
    assert level(np.sqrt(10) * x) - level(x) == pytest.approx(np.log(10), abs=1e-9)


def test_a_band_of_white_noise_holds_its_share():
    """Variance 1: Hann leaves 3/8, one side half of it, logarithms e**-gamma of the mean."""
    expected = np.log(np.diff(EDGES) / (RATE / 2) * 3 / 8 / 2) - np.euler_gamma
    levels = np.mean([level(noise(seed)) for seed in range(20)], axis=0)
    assert levels == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rpm", [1500.0, 1772.0, 1860.0, 1940.0])
@pytest.mark.parametrize("amplitude", [0.25, 1.0])
def test_lines_of_the_shaft_move_no_level_whatever_its_speed(rpm, amplitude):
    """Its first line crosses an edge of the bands at 1896 rpm."""
    healthy = shape_of(np.array([level(noise(seed) + shaft(turns())) for seed in range(20)]), EDGES)
    x = noise(50) + shaft(turns(rpm=rpm), amplitude)
    assert distance(level(x), healthy) < 3


def test_noise_in_one_band_is_far_from_healthy():
    healthy = shape_of(np.array([level(noise(seed)) for seed in range(20)]), EDGES)
    rub = 3 * noise(60) * np.sin(2 * np.pi * 2500 * np.arange(24000) / RATE)
    assert distance(level(noise(51) + rub), healthy) > 3


def test_a_difference_is_said_in_words():
    healthy = shape_of(np.array([level(noise(seed)) for seed in range(20)]), EDGES)
    spectrum = 4 * np.fft.rfft(noise(60))
    hz = np.arange(len(spectrum)) / 2
    spectrum[(hz < 2000) | (hz > 3000)] = 0
    rub = np.fft.irfft(spectrum)
    said = difference_in_words(level(noise(51) + rub), healthy, lines_too=True)
    assert said.endswith("dB above the healthy level at 1930 to 3040 Hz")
    louder = level(9.80665 * noise(51))
    assert "above the healthy level at" in difference_in_words(louder, healthy, lines_too=False)
    said = difference_in_words(louder, healthy, lines_too=True)
    assert said == (
        "the whole level is 20 dB above the healthy one, in all bands alike: look at the sensor's "
        "gain, unit and mounting first"
    )
