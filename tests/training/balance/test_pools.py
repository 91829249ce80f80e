"""The balanced set: counts add up, nothing is nearly a copy, every sample has two parents."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.dsp.scalogram_config import ScalogramConfig
from dlrsd.runtime.synthesis.filtering import Thresholds
from dlrsd.training.balance.pools import balance_class, real_pool
from dlrsd.training.fitting.generator import new_generator
from dlrsd.training.frontends.scalogram import Scalogram

LABEL = 1
TARGET = 90


@pytest.fixture(scope="module")
def untrained():
    """Decodes everything to the same heatmap: of a blend, texture makes a copy of one parent."""
    return new_generator("edge", n_classes=4, channels=1, size=(32, 32), seed=0).eval()


@pytest.fixture(scope="module")
def pool(materials):
    return materials.pools[LABEL]


def nearest_over_spacing(synthetic, drawn):
    """Distance to the nearest drawn window over the typical one between those, in float64."""
    flat, flat_drawn = (np.float64(x).reshape(len(x), -1) for x in (synthetic, drawn))
    between = cdist(flat_drawn, flat_drawn) + np.diag(np.full(len(drawn), np.inf))
    return cdist(flat, flat_drawn).min(axis=1) / np.median(between.min(axis=1))


def test_counts_add_up_and_no_near_copy_survives(trained, pool):
    made = balance_class(trained, pool, LABEL, TARGET, seed=0)
    counts = made.counts
    assert counts["drawn"] == pool.n_drawn == 18
    assert counts["decoded"] + counts["smote"] == len(made.synthetic) == TARGET - 18
    assert counts["decoded"] > 0.8 * len(made.synthetic)
    assert set(counts["rejected"]) == {"non_finite", "near_copy", "unlike_real", "unrecognised"}
    assert sum(counts["rejected"].values()) <= 1.5 * (TARGET - 18) - counts["decoded"]
    assert made.synthetic.shape[1:] == pool.heatmaps.shape[1:]
    assert made.synthetic.dtype == np.float32
    assert nearest_over_spacing(made.synthetic, pool.drawn).min() >= Thresholds().copy_distance


def test_where_all_decoded_are_copies_smote_makes_the_class_without_copies(untrained, pool):
    every = Thresholds(posterior=0)
    made = balance_class(untrained, pool, LABEL, 400, seed=0, thresholds=every, spliced=False)
    assert made.counts["rejected"]["near_copy"] == int(1.5 * (400 - 18))
    assert (made.counts["decoded"], made.counts["smote"]) == (0, 400 - 18)
    assert nearest_over_spacing(made.synthetic, pool.drawn).min() >= Thresholds().copy_distance


@pytest.mark.parametrize("target", [0, 10, 18])
def test_a_class_that_has_enough_gets_nothing(trained, pool, target):
    made = balance_class(trained, pool, LABEL, target, seed=0)
    assert made.synthetic.shape == (0, 1, 32, 32)
    assert made.counts == {"drawn": 18, "decoded": 0, "smote": 0, "rejected": {}}


def test_the_seed_decides(trained, pool):
    one, two, other = (balance_class(trained, pool, LABEL, 40, seed=s).synthetic for s in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert not np.isin(one[:, 0, 0, 0], other[:, 0, 0, 0]).any()


def test_a_single_window_is_refused(trained):
    frontend = Scalogram(ScalogramConfig(), 1e-3, (0.0,) * 32, (1.0,) * 32)
    rng = np.random.default_rng(0)
    one = real_pool(rng.standard_normal((1, 1, 1024)).astype(np.float32), frontend, rng=rng)
    with pytest.raises(InputError, match=r"a single window: .*; record more") as caught:
        balance_class(trained, one, 0, 5, seed=0)
    assert "\n" not in str(caught.value)
    assert len(balance_class(trained, one, 0, 1, seed=0).synthetic) == 0


@pytest.mark.parametrize(("n", "offered"), [(3, 40), (30, 60)])
def test_a_pool_is_the_drawn_windows_and_views_of_each(n, offered):
    frontend = Scalogram(ScalogramConfig(), 1e-6, (0.0,) * 32, (1.0,) * 32)
    rng = np.random.default_rng(0)
    # A window's loudness tells it from the others, and a view has the loudness of its window.
    loudness = 4.0 ** np.arange(n)[:, None, None]
    windows = (loudness * rng.standard_normal((n, 1, 1024))).astype(np.float32)
    pool = real_pool(windows, frontend, rng=rng, least=40)
    assert (len(pool.heatmaps), len(pool.parent), pool.n_drawn) == (offered, offered, n)
    # A product of another batch size may round differently in its last bits.
    np.testing.assert_allclose(pool.drawn, frontend.heatmaps(windows), rtol=1e-3, atol=1e-5)
    assert pool.parent[:n].tolist() == list(range(n))
    views = np.bincount(pool.parent[n:], minlength=n)
    assert views.max() - views.min() <= 1
    level = pool.heatmaps.mean(axis=(1, 2, 3))
    assert np.abs(level - level[pool.parent]).max() < np.log(4) / 2
