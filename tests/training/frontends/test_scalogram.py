"""Standardisation: every class weighs the same, and the constants do what they say."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.training.frontends.scalogram import EPS_SHARE, Scalogram

RATE = 12_000.0


def classes(n_quiet: int, n_loud: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    quiet = 0.1 * rng.standard_normal((1, 1, 1024)).repeat(n_quiet, 0)
    loud = 2.0 * rng.standard_normal((1, 1, 1024)).repeat(n_loud, 0)
    return np.concatenate([quiet, loud]).astype(np.float32), np.repeat([0, 1], [n_quiet, n_loud])


def fitted(windows: np.ndarray, labels: np.ndarray) -> Scalogram:
    return Scalogram.fit(windows, labels, None, RATE)


def test_rows_are_standardised():
    x, y = classes(40, 40)
    heatmaps = fitted(x, y).heatmaps(x)
    assert heatmaps.shape == (80, 1, 32, 32)
    np.testing.assert_allclose(heatmaps.mean(axis=(0, 1, 3)), 0, atol=1e-3)
    np.testing.assert_allclose(heatmaps.std(axis=(0, 1, 3)), 1, atol=1e-3)


def test_constants_do_not_move_with_the_balance_ratio():
    few, many = fitted(*classes(40, 2)), fitted(*classes(40, 400))
    np.testing.assert_allclose(few.mean, many.mean, rtol=1e-6)
    np.testing.assert_allclose(few.std, many.std, rtol=1e-6)


def test_silence_is_finite_and_amplitude_is_an_offset():
    x, y = classes(10, 10)
    frontend = fitted(x, y)
    assert frontend.eps > 0
    assert np.isfinite(frontend.heatmaps(np.zeros((1, 1, 1024), np.float32))).all()
    loud = x[y == 1]  # far above the floor: doubling adds log 2 in every cell
    gap = (frontend.heatmaps(2 * loud) - frontend.heatmaps(loud)) * np.array(frontend.std)[:, None]
    assert EPS_SHARE < 0.1
    np.testing.assert_allclose(gap.mean(), np.log(2), rtol=0.05)


def test_a_row_and_a_column_are_so_many_octaves_and_milliseconds():
    config = ScalogramConfig(rate_hz=8000, window=512, n_frequencies=12, n_blocks=8, f_min_hz=100)
    axes = Scalogram(config, 1e-3, (0.0,) * 12, (1.0,) * 12).axes
    assert axes.octaves == pytest.approx(np.log2(3000 / 100) / 11)
    assert axes.ms == 8
