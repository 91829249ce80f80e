import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp import envelope
from dlrsd.runtime.dsp.envelope import (
    envelope_spectrum,
    fast_length,
    noise_db,
    signal_spectrum,
)

RATE = 12000.0


def test_a_line_at_every_multiple_of_the_impulses_rate():
    x = 0.1 * np.random.default_rng(0).standard_normal(24000)
    ring = np.exp(-np.arange(60) / 12) * np.sin(2 * np.pi * 0.3 * np.arange(60))
    # 100 Hz with a little slip: strictly periodic ones would be whitened away, as a shaft's are.
    at = np.rint(np.arange(60, 23900, 120) + np.random.default_rng(1).uniform(-1, 1, 199))
    impulses = np.bincount(at.astype(int), minlength=24000)
    spectrum = envelope_spectrum(x + np.convolve(impulses, ring)[:24000], RATE, 450.0, 40.0)
    assert spectrum.bin_hz == 0.5
    lines = np.array([200, 400, 600, 800])
    assert spectrum.excess[lines].min() > 30
    beside = np.delete(spectrum.excess, np.concatenate([lines - 1, lines, lines + 1]))
    assert beside.max() < 12


def test_it_is_the_correlation_of_the_whitened_spectrum(monkeypatch):
    """Of the whole band alone: sum over j of W[j] conj(W[j + k]), then a Hann window's taps."""
    monkeypatch.setattr(envelope, "BANDS", ((0.0, 1.0),))
    x = np.random.default_rng(1).standard_normal(2000) * np.linspace(1, 3, 2000)
    white = np.fft.rfft(x - x.mean())
    white = white[:1000] / np.maximum(np.abs(white[:1000]), 1e-9)
    white[0] = 0
    lags = [np.sum(np.roll(white, k) * np.conj(white)) for k in range(-1, 101)]
    lags[1] = 0  # the mean
    power = [abs(lags[k] / 2 - (lags[k - 1] + lags[k + 1]) / 4) ** 2 for k in range(2, 101)]
    mean = np.median(power[:49]) / np.log(2)
    got = envelope_spectrum(x, 1000.0, 49.9, 1000.0).excess
    assert len(got) == 100
    # One block over all: its median is of bins 0 to 99, of which 0 is left out of `power`.
    np.testing.assert_allclose(got[1:] / got[1], power / power[0], rtol=1e-3, atol=1e-4)
    assert got[1] == pytest.approx(power[0] / mean, rel=0.5)


def test_noise_is_one_on_average_and_exceeds_no_more_often_than_exponential_noise():
    rng = np.random.default_rng(2)
    excess = np.concatenate(
        [
            envelope_spectrum(rng.standard_normal(24000), RATE, 800.0, 20.0).excess[2:]
            for _ in range(60)
        ]
    )
    assert excess.mean() == pytest.approx(1, abs=0.05)
    for level in (3, 5, 7):
        assert (excess > level).mean() < 1.1 * np.exp(-level)


def test_gain_and_offset_do_not_matter():
    x = np.random.default_rng(3).standard_normal(24000)
    a = envelope_spectrum(x, RATE, 800.0, 20.0).excess
    b = envelope_spectrum(9.81 * x + 100, RATE, 800.0, 20.0).excess
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_length_that_is_prime_is_read_too():
    x = np.random.default_rng(4).standard_normal(24001)
    assert envelope_spectrum(x, RATE, 800.0, 20.0).bin_hz == RATE / 24001


def test_the_highest_that_a_rate_allows_is_read():
    x = np.random.default_rng(6).standard_normal(24000)
    assert len(envelope_spectrum(x, RATE, 1500.0, 20.0).excess) == 3000


def test_the_signals_spectrum_is_that_of_a_hann_window():
    x = np.random.default_rng(5).standard_normal(4000)
    x += np.cos(2 * np.pi * 30 * np.arange(4000) / 1000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(4000) / 4000)
    power = np.abs(np.fft.rfft((x - x.mean()) * window)) ** 2
    got = signal_spectrum(x, 1000.0, 60.0, 1000.0).excess
    np.testing.assert_allclose(got[1:] / got[1], power[1 : len(got)] / power[1], rtol=1e-6)
    assert got.argmax() == 120


def test_a_rate_too_low_for_the_lines_is_refused():
    with pytest.raises(InputError, match="lines up to 2000 Hz need a rate of at least 16000 Hz"):
        envelope_spectrum(np.zeros(24000), RATE, 2000.0, 20.0)


def test_fast_lengths_are_scipys():
    fft = pytest.importorskip("scipy.fft")
    for n in [*range(1, 1200), 25599, 25601, 48001, 102401]:
        assert fast_length(n) == fft.next_fast_len(n, real=True)


@pytest.mark.parametrize("n", [*range(64, 160), 7999, 8000, 8001])
def test_an_eighth_of_the_rate_is_the_highest_of_any_length(n):
    spectrum = envelope_spectrum(np.random.default_rng(n).normal(size=n), 1000.0, 125.0, 5.0)
    assert abs(len(spectrum.excess) * spectrum.bin_hz - 125) <= 1.5 * spectrum.bin_hz
    assert np.isfinite(spectrum.excess).all()


def test_noise_between_lines_is_told_from_none():
    noise = np.random.default_rng(3).standard_normal(24000)
    # The power of a bin is exponential: nine tenths lie below ln 10 of its mean.
    assert noise_db(noise) == pytest.approx(10 * np.log10(np.log(10)), abs=0.3)
    line = np.sqrt(2) * np.sin(2 * np.pi * 107.3 * np.arange(24000) / RATE)
    assert noise_db(line + 1e-2 * noise) == pytest.approx(-40 + 3.6, abs=0.5)
    assert noise_db(line.astype(np.float32)) < -100
