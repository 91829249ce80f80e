"""Views are shifts with a little noise; variations shift frequency and bend the response."""

from __future__ import annotations

import numpy as np
import torch

from dlrsd.training.fitting import augment
from dlrsd.training.fitting.augment import vary, views


def test_without_noise_a_view_is_a_circular_shift():
    windows = np.random.default_rng(0).standard_normal((3, 2, 16)).astype(np.float32)
    made, parent = views(windows, 30, rng=np.random.default_rng(1), noise=0.0)
    assert made.shape == (30, 2, 16)
    np.testing.assert_array_equal(np.bincount(parent), [10, 10, 10])
    for view, p in zip(made, parent, strict=True):
        assert any(np.array_equal(view, np.roll(windows[p], -k, axis=-1)) for k in range(16))


def test_noise_stays_below_its_level():
    windows = np.full((1, 1, 4096), 2.0, np.float32)
    made, _ = views(windows, 50, rng=np.random.default_rng(0))
    level = (made - 2).std(axis=-1) / 2
    assert level.max() < augment.NOISE * 1.05
    assert 0.4 * augment.NOISE < level.mean() < 0.6 * augment.NOISE


def test_no_view_at_all():
    made, parent = views(np.zeros((2, 1, 8), np.float32), 0, rng=np.random.default_rng(0))
    assert made.shape == (0, 1, 8)
    assert len(parent) == 0


def test_a_variation_is_a_shift_along_frequency_and_a_smooth_level(monkeypatch):
    """Each heatmap is one straight line over its rows, so a shift is an offset, but for the ends
    where rows repeat; the level is the same at all times of a row and straight between knots."""
    rows = torch.arange(32.0)[None, None, :, None].expand(200, 2, 32, 8)
    monkeypatch.setattr(augment, "RESPONSE", 0.0)
    shift = vary(rows, rng=np.random.default_rng(0)) - rows
    middle = shift[:, :, 1:-1]
    np.testing.assert_allclose(middle, middle[:, :1, :1, :1].expand_as(middle), atol=1e-5)
    offset = middle[:, 0, 0, 0].numpy()
    assert 0.5 * augment.SHIFT_ROWS < np.abs(offset).max() <= augment.SHIFT_ROWS + 1e-5
    assert abs(offset.mean()) < 0.1
    monkeypatch.undo()
    monkeypatch.setattr(augment, "SHIFT_ROWS", 0.0)
    level = vary(rows, rng=np.random.default_rng(0)) - rows
    np.testing.assert_allclose(level, level[..., :1].expand_as(level), atol=1e-5)
    bends = np.abs(np.diff(level[:, :, :, 0].numpy(), n=2, axis=-1)) > 1e-4
    assert bends.any(axis=(0, 1)).sum() <= 12  # a knot between two rows bends the line at both
    assert 0.8 < level[:, :, 0, 0].std() / augment.RESPONSE < 1.2
    assert not np.allclose(level[:, 0], level[:, 1])  # channels have responses of their own


def test_a_variation_keeps_the_batch_it_was_given():
    heatmaps = torch.ones(2, 1, 32, 4)
    vary(heatmaps, rng=np.random.default_rng(0))
    assert (heatmaps == 1).all()


def test_an_unshifted_view_is_the_window_with_noise():
    windows = np.random.default_rng(0).standard_normal((3, 1, 4096)).astype(np.float32)
    made, parent = views(windows, 12, rng=np.random.default_rng(1), shifted=False)
    noise = made - windows[parent]
    assert 0 < noise.std() < augment.NOISE * 1.05
    assert abs(np.corrcoef(noise.ravel(), windows[parent].ravel())[0, 1]) < 0.02
