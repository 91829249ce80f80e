"""The scalogram against a float64 direct sum, PyWavelets, and what it promises of impulses."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.filter_bank import filter_bank, multiply_adds
from dlrsd.runtime.dsp.scalogram import full_scalogram, log_scalogram, scalogram
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig

CONFIG = ScalogramConfig()


def direct_sum(x: np.ndarray, config: ScalogramConfig, *, dense: bool = False) -> np.ndarray:
    """The definition, in float64, over the whole window: no cut tail, no decimation."""
    n = np.arange(config.window)
    block = config.window // config.n_blocks
    out = np.empty((*x.shape[:-1], config.n_frequencies, config.n_blocks))
    points = [count for band in filter_bank(config).bands for count in band.points]
    for row, (count, s) in enumerate(zip(points, config.scales, strict=True)):
        count = block if dense else count
        centres = (np.arange(config.n_blocks * count) + 0.5) * block / count - 0.5
        t = (n[None, :] - centres[:, None]) / s
        psi = np.exp(-(t**2) / config.bandwidth + 2j * np.pi * config.center * t)
        psi /= np.sqrt(np.pi * config.bandwidth)
        w = (x.astype(np.float64) @ np.conj(psi).T) / np.sqrt(s)
        out[..., row, :] = np.abs(w).reshape(*x.shape[:-1], config.n_blocks, count).mean(axis=-1)
    return out


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        ScalogramConfig(rate_hz=20000, window=2048),
        ScalogramConfig(5120, 1024, 24, 16, 40),
        ScalogramConfig(window=800),  # blocks of 25 samples: no decimation
        ScalogramConfig(window=64, n_blocks=2, n_frequencies=5),  # wavelets wider than the window
        ScalogramConfig(rate_hz=48000, window=2048, n_blocks=8),  # three decimations
    ],
)
def test_equals_the_direct_sum(config):
    x = np.random.default_rng(0).standard_normal((3, config.window)).astype(np.float32)
    got = scalogram(x, config)
    want = direct_sum(x, config)
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3 * want.mean())
    # relative error of the whole map
    assert np.linalg.norm(got - want) < 3e-4 * np.linalg.norm(want)


def test_magnitudes_equal_pywavelets():
    """PyWavelets differences a stepwise integral of the wavelet: that averages the wavelet over one
    sample, which costs sinc(C / s) of magnitude, and places its centre up to half a sample off.
    Both allowed for, what remains is its approximation of the wavelet."""
    pywt = pytest.importorskip("pywt")
    x = np.random.default_rng(1).standard_normal(CONFIG.window)
    coefficients, frequencies = pywt.cwt(
        x, CONFIG.scales, "cmor1.5-1.0", sampling_period=1 / CONFIG.rate_hz, precision=16
    )
    np.testing.assert_allclose(frequencies, CONFIG.frequencies, rtol=1e-3)
    n = np.arange(CONFIG.window)
    interior = slice(20, -20)
    for s, theirs in list(zip(CONFIG.scales, np.abs(coefficients), strict=True))[::3]:
        errors = []
        for shift in (-0.5, 0.0, 0.5):
            t = (n[None, :] - n[:, None] - shift) / s
            psi = np.exp(-(t**2) / 1.5 + 2j * np.pi * t) / np.sqrt(1.5 * np.pi)
            ours = np.abs(np.conj(psi) @ x)[interior] / np.sqrt(s)
            difference = ours - theirs[interior] / np.sinc(1 / s)
            errors.append(np.linalg.norm(difference) / np.linalg.norm(ours))
        assert min(errors) < (0.015 if s > 6 else 0.07), f"scale {s:.1f}: {errors}"
    blocks = np.abs(coefficients).reshape(CONFIG.n_frequencies, CONFIG.n_blocks, -1).mean(axis=2)
    corrected = blocks / np.sinc(1 / CONFIG.scales)[:, None]
    error = np.linalg.norm(scalogram(x, CONFIG) - corrected) / np.linalg.norm(corrected)
    assert error < 0.04


def test_the_sparse_grid_averages_like_every_sample():
    x = np.random.default_rng(2).standard_normal(CONFIG.window)
    dense = direct_sum(x, CONFIG, dense=True)
    error = np.linalg.norm(scalogram(x, CONFIG) - dense) / np.linalg.norm(dense)
    assert error < 0.05


def test_an_impulse_counts_the_same_wherever_it_falls():
    reach = int(4 * CONFIG.scales[0])  # of the widest wavelet: the interior begins here
    positions = np.arange(reach, CONFIG.window - reach)
    sums = scalogram(np.eye(CONFIG.window)[positions], CONFIG).sum(axis=-1)
    assert len(positions) > 50
    assert np.all(np.ptp(sums, axis=0) < 0.05 * sums.mean(axis=0))
    # the high rows have a narrow reach: nearly every position is interior to them
    high = scalogram(np.eye(CONFIG.window)[32:-32], CONFIG)[:, CONFIG.scales < 8].sum(axis=-1)
    assert np.all(np.ptp(high, axis=0) < 0.05 * high.mean(axis=0))


@pytest.mark.parametrize("row", [0, 7, 15, 23, 31])
def test_a_pure_tone_peaks_in_its_row(row):
    t = np.arange(CONFIG.window) / CONFIG.rate_hz
    tone = np.sin(2 * np.pi * CONFIG.frequencies[row] * t)
    # 1 / sqrt(scale) favours low frequencies by less than a row's width
    assert abs(int(scalogram(tone, CONFIG).mean(axis=-1).argmax()) - row) <= 1


def test_amplitude_is_kept_and_channels_are_independent():
    x = np.random.default_rng(3).standard_normal((2, 3, CONFIG.window)).astype(np.float32)
    got = scalogram(x, CONFIG)
    assert got.shape == (2, 3, 32, 32)
    assert got.dtype == np.float32
    np.testing.assert_allclose(scalogram(5 * x, CONFIG), 5 * got, rtol=1e-5)
    np.testing.assert_allclose(got[1, 2], scalogram(x[1, 2], CONFIG), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(log_scalogram(x, CONFIG, eps=0.1), np.log(got + 0.1), rtol=1e-5)


def test_a_strong_tone_does_not_alias_into_decimated_rows():
    """A tone far above a row's frequency must not come back through decimation."""
    t = np.arange(CONFIG.window) / CONFIG.rate_hz
    lowest_octave = CONFIG.frequencies < 200
    for frequency in (660, 840, 1410, 1590, 2900, 3100, 5900):
        tone = np.sin(2 * np.pi * frequency * t) * np.hanning(CONFIG.window)
        got = scalogram(tone, CONFIG)
        assert got[lowest_octave].max() < 1e-3 * got.max(), frequency


def test_the_bank_is_cheap():
    assert multiply_adds(CONFIG) < 0.7e6
    undecimated = sum(
        2 * count * len(band.weight) * 32 * 32
        for band in filter_bank(CONFIG).bands
        for count in band.points
    )
    assert multiply_adds(CONFIG) < undecimated


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_other_libraries_give_the_same(library):
    xp = pytest.importorskip(library)
    x = np.random.default_rng(4).standard_normal((3, 2, CONFIG.window)).astype(np.float32)
    got = log_scalogram(xp.asarray(x), CONFIG, eps=0.1)
    assert type(got) is type(xp.asarray(x))
    assert tuple(got.shape) == (3, 2, 32, 32)
    np.testing.assert_allclose(np.asarray(got), log_scalogram(x, CONFIG, eps=0.1), atol=1e-5)


@pytest.mark.gpu
def test_cupy_gives_the_same():
    cupy = pytest.importorskip("cupy")
    x = np.random.default_rng(5).standard_normal((300, 1, CONFIG.window)).astype(np.float32)
    got = cupy.asnumpy(log_scalogram(cupy.asarray(x), CONFIG, eps=0.1))
    np.testing.assert_allclose(got, log_scalogram(x, CONFIG, eps=0.1), atol=1e-3)


def test_no_windows_give_no_scalograms():
    assert scalogram(np.zeros((0, 1, CONFIG.window)), CONFIG).shape == (0, 1, 32, 32)


def test_the_full_scalogram_averages_to_the_blocks():
    x = np.random.default_rng(6).standard_normal(CONFIG.window)
    frequencies, full = full_scalogram(x, CONFIG, n_frequencies=32)
    np.testing.assert_allclose(frequencies, CONFIG.frequencies)
    blocks = full.reshape(32, 32, -1).mean(axis=2)
    dense = direct_sum(x, CONFIG, dense=True)
    np.testing.assert_allclose(blocks, dense, rtol=1e-4, atol=1e-4 * dense.mean())
    frequencies, full = full_scalogram(x[:700], CONFIG)
    assert full.shape == (128, 700)


def test_wrong_input_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"expected 1024 samples"):
        scalogram(np.zeros((2, 1000)), CONFIG)
    with pytest.raises(InputError, match="multiple of 32"):
        ScalogramConfig(window=1000)
    with pytest.raises(InputError, match="do not fit a rate"):
        ScalogramConfig(rate_hz=150)
