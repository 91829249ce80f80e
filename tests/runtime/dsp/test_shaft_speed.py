import numpy as np
import pytest

from dlrsd.runtime.dsp.envelope import envelope_spectrum, signal_spectrum
from dlrsd.runtime.dsp.shaft_speed import shaft_speed
from tests.runtime.evidence.machine import K6203, RATE, noise, shaft, strikes, turns


def spectra(x, hz):
    own = signal_spectrum(x, RATE, 11 * hz, 0.7 * hz)
    return own, envelope_spectrum(x, RATE, min(29 * hz, RATE / 8), 0.7 * hz)


def found(true_rpm, stated_rpm, seed=0, amplitude=0.5):
    x = noise(seed) + shaft(turns(rpm=true_rpm), amplitude)
    return shaft_speed(*spectra(x, stated_rpm / 60), stated_rpm / 60)


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


@pytest.mark.parametrize(("mains", "stated"), [(60, 29.0), (50, 45.0), (60, 66.0), (100, 96.0)])
def test_lines_of_the_mains_alone_contradict_nothing(mains, stated):
    t = np.arange(24000) / RATE
    x = noise() + sum(np.cos(2 * np.pi * k * mains * t) for k in (1, 2, 3))
    speed = shaft_speed(*spectra(x, stated), stated)
    assert speed.how == "stated"
    assert speed.hz == stated


@pytest.mark.parametrize("share", [1.0, 0.985])
def test_knocks_once_a_turn_tell_the_speed_where_the_signal_does_not(share):
    x = noise() + 8 * strikes(turns(rpm=1772.0 * share), 1.0)
    speed = shaft_speed(*spectra(x, 1772 / 60), 1772 / 60)
    assert speed.how == ("refined" if share == 1 else "contradicted")
    assert speed.hz * 60 == pytest.approx(1772.0 * share, rel=0.001)


def test_a_fault_close_to_multiples_of_the_shaft_is_not_taken_for_it():
    """Of a 6203: 3.053 times the shaft, and 6.106, and 9.159."""
    x = noise() + 5 * strikes(turns(rpm=1796.0), K6203.bpfo)
    speed = shaft_speed(*spectra(x, 1796 / 60), 1796 / 60)
    assert speed.how == "stated"
