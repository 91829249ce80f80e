"""Levels of a second, against closed forms and a filter and integration in the time domain."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from dlrsd.runtime.dsp.levels import levels

RATE = 25_600.0


def seconds_of(rate=RATE, seconds=1.0):
    return np.arange(round(rate * seconds)) / rate


def velocity_sine(hz, mm_s, t, phase=0.3):
    """Acceleration in m/s2 of a velocity of so many mm/s RMS."""
    return mm_s * 1e-3 * np.sqrt(2) * 2 * np.pi * hz * np.cos(2 * np.pi * hz * t + phase)


def velocity(x, rate=RATE):
    return float(levels(np.atleast_2d(x).astype(np.float32), rate).velocity_mm_s[0])


@pytest.mark.parametrize("rate", [2560.0, 10_000.0, 25_600.0, 48_000.0, 97_656.0, 100_000.0])
@pytest.mark.parametrize("hz", [12.0, 12.41, 24.87, 49.5, 79.4, 159.155, 480.3, 987.6])
def test_velocity_of_a_sine_in_the_band_is_exact(rate, hz):
    assert velocity(velocity_sine(hz, 4.5, seconds_of(rate)), rate) == pytest.approx(4.5, rel=6e-3)


def test_velocity_of_a_sum_of_sines_off_bins_with_offset_drift_and_what_lies_outside():
    t = seconds_of()
    inside = [(13.37, 2.0), (24.71, 3.1), (49.93, 1.2), (211.3, 0.7), (733.9, 0.4)]
    x = sum(velocity_sine(hz, mm_s, t, phase=hz) for hz, mm_s in inside)
    x = x + velocity_sine(3333.3, 1.5, t) + velocity_sine(2.7, 8.0, t) + 9.81 + 3.0 * t
    expected = np.sqrt(sum(mm_s**2 for _, mm_s in inside))
    assert velocity(x) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(
    ("hz", "least", "most"),
    # ISO 2954: the sensitivity of an instrument over that at 80 Hz.
    [(2.5, 0, 0.025), (10, 0.8, 1.1), (20, 0.9, 1.1), (40, 0.9, 1.1), (80, 0.99, 1.01),
     (160, 0.9, 1.1), (500, 0.9, 1.1), (1000, 0.8, 1.1), (4000, 0, 0.025)],
)  # fmt: skip
@pytest.mark.parametrize("phase", [0.0, 1.0, 2.5])
def test_the_band_is_that_of_an_instrument_by_iso_2954(hz, least, most, phase):
    assert least <= velocity(velocity_sine(hz, 1.0, seconds_of(), phase)) <= most


@pytest.mark.parametrize("drift", [-20.0, 1.0, 20.0])
def test_a_drift_is_hardly_velocity(drift):
    """0.004 mm/s for 1 m/s2 of drift: what the window's lobes let through, in closed form."""
    k = np.arange(10, 1001)
    passed = 1e3 / (2 * np.pi * k) / (4 * np.pi * k * (k**2 - 1))
    expected = abs(drift) * np.sqrt(2 * (passed**2).sum() / 0.375)
    assert expected < 0.0042 * abs(drift)
    assert velocity(drift * (seconds_of() - 0.5) + 50) == pytest.approx(expected, rel=0.05)


def test_velocity_over_a_minute_is_that_of_a_filter_and_integration_in_the_time_domain():
    """Noise, lines and impulses; a reference in double precision that shares no code with ours."""
    rng = np.random.default_rng(5)
    t = seconds_of(seconds=60)
    x = (
        0.5 * rng.standard_normal(len(t))
        + velocity_sine(24.7, 2.0, t)
        + velocity_sine(87.3, 0.5, t)
    )
    for start in rng.integers(0, len(t) - 2000, 300):
        ring = np.arange(1500) / RATE
        x[start : start + 1500] += 30 * np.exp(-ring * 400) * np.sin(2 * np.pi * 3100 * ring)
    band = butter(12, (9.8, 1000), "bandpass", fs=RATE, output="sos")
    v = np.cumsum(sosfiltfilt(band, x)) / RATE * 1e3
    expected = (v - v.mean())[25_600:-25_600].std()
    each = [velocity(second) for second in x.reshape(60, -1)[1:-1]]
    assert np.sqrt(np.mean(np.square(each))) == pytest.approx(expected, rel=0.01)
    # And that of a single second lies around it.
    assert np.abs(np.array(each) / expected - 1).max() < 0.15


def test_levels_of_time_are_those_of_the_samples():
    rng = np.random.default_rng(1)
    x = (4 + rng.gamma(2.0, 1.5, (3, 25_600))).astype(np.float32)
    got = levels(x, RATE)
    exact = x.astype(np.float64) - x.astype(np.float64).mean(axis=1, keepdims=True)
    rms = np.sqrt((exact**2).mean(axis=1))
    np.testing.assert_allclose(got.acceleration_m_s2, rms, rtol=1e-5)
    np.testing.assert_allclose(got.peak_m_s2, np.abs(exact).max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(got.crest, np.abs(exact).max(axis=1) / rms, rtol=1e-5)
    np.testing.assert_allclose(got.kurtosis, (exact**4).mean(axis=1) / rms**4, rtol=1e-4)


def test_a_channel_is_told_alike_alone_and_among_others():
    x = np.random.default_rng(2).standard_normal((4, 12_000)).astype(np.float32)
    together = levels(x, 12_000.0)
    for i in range(4):
        alone = levels(x[i : i + 1], 12_000.0)
        for one, all_ in zip(alone, together, strict=True):
            assert one[0] == pytest.approx(all_[i], rel=1e-5)


@pytest.mark.parametrize(("rate", "carrier"), [(2560.0, 750.3), (25_600.0, 3111.7), (1e5, 8000.1)])
@pytest.mark.parametrize("modulation_hz", [7.0, 97.3, 161.2])
def test_envelope_of_a_modulated_carrier_has_a_closed_form(rate, carrier, modulation_hz):
    t = seconds_of(rate)
    x = 3 * (1 + 0.4 * np.cos(2 * np.pi * modulation_hz * t)) * np.cos(2 * np.pi * carrier * t)
    # What is below the band, however strong and however it ends, adds nothing.
    x += 20 * np.sin(2 * np.pi * 24.63 * t) + 5 * t
    envelope = levels(x[None].astype(np.float32), rate).envelope_m_s2[0]
    assert envelope == pytest.approx(3 * 0.4 / np.sqrt(2), rel=5e-3)


def test_envelope_of_noise_is_that_of_rayleigh():
    x = np.random.default_rng(3).standard_normal((40, 25_600)).astype(np.float32)
    envelope = levels(x, RATE).envelope_m_s2
    # 9,500 of 12,800 Hz of noise of variance 1: the Rayleigh's deviation is sqrt((4 - pi) / 2).
    expected = np.sqrt(9500 / 12_800 * (4 - np.pi) / 2)
    assert np.sqrt(np.mean(envelope**2)) == pytest.approx(expected, rel=0.01)


def test_envelope_rises_with_impacts_and_not_with_a_louder_shaft():
    rng = np.random.default_rng(4)
    t = seconds_of()
    healthy = 0.3 * rng.standard_normal(len(t)) + velocity_sine(24.63, 2.0, t)
    shaft = healthy + velocity_sine(24.63, 20.0, t)
    struck = healthy.copy()
    for start in np.arange(0, len(t) - 500, 250):
        ring = np.arange(500) / RATE
        struck[start : start + 500] += 5 * np.exp(-ring * 900) * np.sin(2 * np.pi * 3100 * ring)
    of = levels(np.stack([healthy, shaft, struck]).astype(np.float32), RATE).envelope_m_s2
    assert of[1] == pytest.approx(of[0], rel=0.01)
    assert of[2] > 3 * of[0]


def test_too_low_a_rate_or_too_short_a_stretch_tells_neither_velocity_nor_envelope():
    x = np.random.default_rng(6).standard_normal((1, 2000)).astype(np.float32)
    for got in (levels(x, 2000.0), levels(x, 10_000.0)):
        assert np.isnan(got.velocity_mm_s[0])
        assert np.isnan(got.envelope_m_s2[0])
        assert got.acceleration_m_s2[0] == pytest.approx(1, rel=0.1)
        assert got.kurtosis[0] == pytest.approx(3, rel=0.2)


@pytest.mark.parametrize("value", [0.0, 9.81, -1e4])
def test_a_signal_that_never_changes_has_no_shape(value):
    got = levels(np.full((1, 25_600), value, np.float32), RATE)
    assert np.isnan([got.crest[0], got.kurtosis[0]]).all()
    assert got.acceleration_m_s2[0] <= 2e-6 * abs(value)
    assert got.velocity_mm_s[0] < 1e-3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_of_a_channel_that_is_not_finite_nothing_is_told_and_of_its_neighbour_all(bad):
    x = np.random.default_rng(7).standard_normal((2, 25_600)).astype(np.float32)
    x[0, 100] = bad
    got = levels(x, RATE)
    assert all(np.isnan(each[0]) for each in got)
    assert all(np.isfinite(each[1]) for each in got)


def test_without_scipy_it_is_the_same(monkeypatch):
    import dlrsd.runtime.dsp.levels as module

    x = np.random.default_rng(8).standard_normal((2, 25_600)).astype(np.float32)
    before = levels(x, RATE)
    monkeypatch.setattr(module, "fft", np.fft)
    for a, b in zip(before, levels(x, RATE), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
