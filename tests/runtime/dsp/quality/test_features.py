"""Features of windows against NumPy in float64, window by window."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.fft import dct
from scipy.stats import gmean

from dlrsd.runtime.dsp.quality.cells import BANDS
from dlrsd.runtime.dsp.quality.features import Features, flatness, stream_features, window_features

RATE = 12000.0


def signal(samples: int = 6000) -> np.ndarray:
    rng = np.random.default_rng(5)
    slow = 0.3 * np.sin(2 * np.pi * 50 * np.arange(samples) / RATE + 1)
    return (2.5 + slow + rng.normal(size=(2, samples))).astype(np.float32)


def by_hand(window: np.ndarray) -> dict[str, float]:
    x = window.astype(np.float64)
    cells = x.reshape(-1, 32)
    differences = (np.diff(cells, axis=1) ** 2).sum(1)
    pairs = np.maximum(differences[1:], differences[:-1])
    power = (dct(cells, type=2, norm="ortho", axis=1) ** 2).sum(0)
    edges = [*BANDS, 32]
    quarters = x.reshape(4, -1).mean(1)
    found = {
        "mean": x.mean(),
        "level": x.std(),
        "drift": np.ptp(quarters),
        "quiet": np.sqrt(pairs.min() / 31),
        "quiet_share": np.sqrt(pairs.min() / differences.mean()),
        "equal": (np.diff(cells, axis=1) == 0).mean(),
        "high": x.max(),
        "low": x.min(),
        "peak": np.abs(x - x.mean()).max(),
    }
    for band, (begin, end) in enumerate(pairwise(edges)):
        found[f"band {band}"] = power[begin:end].sum() / len(x)
    return found


def of_window(f: Features, channel: int, n: int) -> dict[str, float]:
    names = ("mean", "level", "drift", "quiet", "quiet_share", "equal", "high", "low", "peak")
    found = {name: float(getattr(f, name)[channel, n]) for name in names}
    return found | {f"band {b}": float(f.bands[b, channel, n]) for b in range(len(BANDS))}


@pytest.mark.parametrize("hop", [512, 1024, 32, 100, 1500])
def test_features_are_those_of_each_window_by_itself(hop: int) -> None:
    x = signal()
    n = (x.shape[1] - 1024) // hop + 1
    x = x[:, : (n - 1) * hop + 1024]
    f = stream_features(x, window=1024, hop=hop, rate_hz=RATE)
    assert f.level.shape == (2, n)
    for channel in range(2):
        for k in range(n):
            expected = by_hand(x[channel, k * hop : k * hop + 1024])
            assert of_window(f, channel, k) == pytest.approx(expected, rel=2e-4, abs=2e-6)


def test_an_offset_does_not_hide_a_quiet_signal() -> None:
    x = (1 + 1e-4 * np.random.default_rng(0).normal(size=(1, 1, 1024))).astype(np.float32)
    f = window_features(x, rate_hz=RATE)
    assert f.level[0, 0] == pytest.approx(x.astype(np.float64).std(), rel=1e-2)


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_hum_is_the_share_of_the_power_in_a_tone_of_the_mains(mains: float) -> None:
    rng = np.random.default_rng(1)
    t = np.arange(1024) / RATE
    for share in (0.2, 0.5, 0.9):
        found = []
        for _ in range(50):
            tone = np.sqrt(2 * share) * np.sin(2 * np.pi * mains * t + rng.uniform(0, 6))
            x = tone + np.sqrt(1 - share) * rng.normal(size=1024)
            f = window_features(x.astype(np.float32)[None, None], rate_hz=RATE)
            found.append(float(f.hum[0, 0]))
        assert np.mean(found) == pytest.approx(share, abs=0.06)
    x = np.sin(2 * np.pi * 400 * t).astype(np.float32)
    assert window_features(x[None, None], rate_hz=RATE).hum[0, 0] < 0.02


def test_flatness_is_geometric_over_arithmetic_mean_of_the_density() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(len(BANDS)), 20)
    widths = np.diff([*BANDS, 32])
    density = shares / widths
    by_frequency = np.repeat(density, widths, axis=1)
    expected = gmean(by_frequency, axis=1) / by_frequency.mean(axis=1)
    np.testing.assert_allclose(flatness(np.log(shares).astype(np.float32)), expected, rtol=1e-5)
    assert flatness(np.log(widths / widths.sum())[None].astype(np.float32)) == pytest.approx([1])


def test_short_windows_and_odd_ones() -> None:
    rng = np.random.default_rng(2)
    for window in (7, 31, 32, 33, 64, 100, 1021):
        x = rng.normal(size=(1, 3, window)).astype(np.float32)
        f = window_features(x, rate_hz=RATE)
        np.testing.assert_allclose(f.high[0], x[0].max(1), rtol=1e-6)
        # Where the last cell overlaps, its samples count twice.
        np.testing.assert_allclose(f.level[0], x[0].std(1), rtol=1e-4 if window % 32 == 0 else 0.3)
