"""Views are shifts of drawn windows with a little noise, and nothing else."""

from __future__ import annotations

import numpy as np

from dlrsd.training import augment
from dlrsd.training.augment import views


def test_without_noise_a_view_is_a_circular_shift(monkeypatch):
    monkeypatch.setattr(augment, "NOISE", 0.0)
    windows = np.random.default_rng(0).standard_normal((3, 2, 16)).astype(np.float32)
    made, parent = views(windows, 30, rng=np.random.default_rng(1))
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
