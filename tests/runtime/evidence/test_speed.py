import numpy as np
import pytest

from dlrsd.runtime.dsp.envelope import signal_spectrum
from dlrsd.runtime.evidence.speed import shaft_speed
from tests.runtime.evidence.machine import RATE, noise, shaft, turns


def found(true_rpm, stated_rpm, seed=0, amplitude=0.5):
    x = noise(seed) + shaft(turns(rpm=true_rpm), amplitude)
    hz = stated_rpm / 60
    return shaft_speed(signal_spectrum(x, RATE, 11 * hz, 0.7 * hz), hz)


@pytest.mark.parametrize("true", [1764.0, 1772.0, 1779.0])
def test_a_rounded_speed_is_refined(true):
    speed = found(true, 1772.0)
    assert speed.how == "refined"
    assert speed.hz * 60 == pytest.approx(true, rel=0.002)


@pytest.mark.parametrize("share", [0.92, 0.96, 1.025, 1.064, 1.09])
def test_a_speed_that_the_signal_contradicts(share):
    speed = found(1772.0 * share, 1772.0)
    assert speed.how == "contradicted"
    assert speed.hz * 60 == pytest.approx(1772.0 * share, rel=0.002)


def test_without_shaft_lines_the_stated_speed_is_kept():
    hows = [found(1772.0, 1772.0, seed, amplitude=0.0).how for seed in range(60)]
    assert hows == ["stated"] * 60


def test_lines_of_the_mains_alone_contradict_nothing():
    x = noise() + sum(np.cos(2 * np.pi * f * np.arange(24000) / RATE) for f in (60, 120))
    speed = shaft_speed(signal_spectrum(x, RATE, 330.0, 20.0), 1740 / 60)
    assert speed.how == "stated"
    assert speed.hz == 29.0
