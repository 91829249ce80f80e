"""Over-sampling in rounds: new samples lie between views of different windows of their class."""

from __future__ import annotations

import dataclasses

import numpy as np
from imblearn.over_sampling import SMOTE

from dlrsd.training.balance import over_sampling
from dlrsd.training.balance.materials import Materials
from dlrsd.training.balance.over_sampling import each_class, in_rounds
from dlrsd.training.balance.pools import RealPool


def with_pools(real: Materials, pools: list[RealPool]) -> Materials:
    data = dataclasses.replace(real.data, classes=real.data.classes[: len(pools)])
    return dataclasses.replace(real, data=data, pools=pools)


def pool_of(corners: np.ndarray, seed: int = 0) -> RealPool:
    """Windows at these corners (n, d), views that stray from theirs by up to 0.01."""
    parent = np.concatenate([np.arange(len(corners)), np.repeat(np.arange(len(corners)), 6)])
    stray = np.random.default_rng(seed).uniform(-0.01, 0.01, (len(parent), corners.shape[1]))
    heatmaps = (corners[parent] + stray).astype(np.float32)
    return RealPool(heatmaps.reshape(len(parent), 1, 1, -1), parent, len(corners))


def three_corners(materials):
    """A class of three far windows beside a large one far from all of them."""
    large = np.random.default_rng(1).uniform(99, 101, (40, 3))
    return with_pools(materials, [pool_of(large), pool_of(np.eye(3))])


def test_smote_makes_points_on_lines_between_different_windows(materials):
    made = over_sampling.smote(three_corners(materials), target=300, seed=0)
    assert made.synthetic[1].shape == (297, 1, 1, 3)
    assert made.counts[1] == {"k_neighbors": 2}
    points = made.synthetic[1].reshape(-1, 3)
    # On an edge of the triangle of unit vectors: two weights that sum to 1, no third.
    np.testing.assert_allclose(points.sum(axis=1), 1, atol=0.05)
    weights = np.sort(points, axis=1)
    np.testing.assert_allclose(weights[:, 0], 0, atol=0.02)
    # Along all of it, and along every edge.
    position = weights[:, 1]
    assert np.quantile(position, 0.9) > 0.4
    assert np.mean(position > 0.05) > 0.8  # between views of one window: none
    edges = np.bincount(points.argmin(axis=1), minlength=3)
    assert edges.min() > 60


def test_every_round_shows_each_window_once_by_its_views(materials):
    seen, wanted = [], []

    def sampler(rows, labels, want, seed):
        seen.append((rows, labels))
        wanted.append(want)
        return {}

    made = in_rounds(three_corners(materials), sampler, target=45, seed=0)
    assert [sum(want.get(c, 0) for want in wanted) for c in (0, 1)] == [5, 42]
    assert {want.get(1) for want in wanted} == {4, 5}
    assert len(seen) == over_sampling.ROUNDS
    corners = []
    for rows, labels in seen:
        assert np.bincount(labels).tolist() == [40, 3]
        np.testing.assert_allclose(rows[40:], np.eye(3), atol=0.011)
        corners.append(rows[40])
    assert len(np.unique(corners, axis=0)) > 3
    assert [len(s) for s in made.synthetic] == [0, 0]


def test_what_a_sampler_refuses_is_said_and_left(materials):
    made = over_sampling.adasyn(three_corners(materials), target=40, seed=0)
    assert len(made.synthetic[1]) == 0
    name = materials.data.classes[1]
    assert made.notes == [
        f"class '{name}': nothing made in 10 of 10 rounds (Not any neigbours belong to the "
        "majority class), its own windows' views instead"
    ]


def test_no_window_near_another_class_makes_nothing_by_borderline_smote(materials):
    large = np.random.default_rng(1).uniform(99, 101, (40, 12))
    # Ten neighbours of its own.
    apart = with_pools(materials, [pool_of(large), pool_of(np.eye(12))])
    made = over_sampling.borderline_smote(apart, target=40, seed=0)
    assert [len(synthetic) for synthetic in made.synthetic] == [0, 0]
    assert "nothing made in 10 of 10 rounds (no window is near another class)" in made.notes[0]


def test_it_is_imbalanced_learn_that_samples():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 5)).astype(np.float32)
    labels = np.repeat([0, 1], [24, 6])
    sampler = each_class(
        lambda k, n, want, seed: SMOTE(sampling_strategy=want, k_neighbors=k, random_state=seed)
    )
    (new,) = sampler(rows, labels, {1: 9}, 4).values()
    reference = SMOTE(sampling_strategy={1: 15}, k_neighbors=5, random_state=5)
    np.testing.assert_array_equal(new, reference.fit_resample(rows, labels)[0][30:])


def test_waveforms_between_waveforms(materials, monkeypatch):
    """Of two windows that only differ in loudness, all between are as loud as something between."""
    monkeypatch.setattr("dlrsd.training.fitting.augment.NOISE", 0.0)
    wave = materials.windows[1][:1]
    windows = [materials.windows[0], np.concatenate([wave, 9 * wave])]
    pools = [RealPool(materials.frontend.heatmaps(w), np.arange(len(w)), len(w)) for w in windows]
    two = dataclasses.replace(with_pools(materials, pools), windows=windows)
    made = over_sampling.smote_waveform(two, target=30, seed=0)
    assert [len(s) for s in made.synthetic] == [0, 28]
    level = made.synthetic[1].mean(axis=(1, 2, 3))
    low, high = pools[1].heatmaps.mean(axis=(1, 2, 3))
    assert low - 0.05 < level.min() < level.max() < high + 0.05
    assert level.max() - level.min() > 0.5 * (high - low)
    assert made.counts[1] == {"k_neighbors": 1}
