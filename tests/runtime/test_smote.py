"""SMOTE against imbalanced-learn, neighbours against scikit-learn, under the strict API too."""

from __future__ import annotations

import numpy as np
import pytest

from dlrsd.runtime.errors import InputError
from dlrsd.runtime.smote import nearest, smote


def samples(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32) + 3


@pytest.mark.parametrize("exclude_self", [False, True])
def test_neighbours_equal_a_float64_search(exclude_self):
    x = samples(300)
    queries = x if exclude_self else samples(50, seed=1)
    distances, indices = nearest(queries, x, k=5, exclude_self=exclude_self)
    full = np.linalg.norm(queries[:, None].astype(float) - x[None].astype(float), axis=2)
    if exclude_self:
        np.fill_diagonal(full, np.inf)
    want = np.argsort(full, axis=1)[:, :5]
    np.testing.assert_array_equal(indices, want)
    np.testing.assert_allclose(distances, np.take_along_axis(full, want, axis=1), rtol=1e-5)


def test_neighbours_do_not_depend_on_the_block(monkeypatch):
    x = samples(200)
    whole = nearest(x, x, k=3, exclude_self=True)
    monkeypatch.setattr("dlrsd.runtime.smote._BLOCK", 200 * 7)
    parts = nearest(x, x, k=3, exclude_self=True)
    np.testing.assert_array_equal(whole[1], parts[1])


def test_samples_lie_between_a_sample_and_one_of_its_neighbours():
    x = samples(40).reshape(40, 2, 3)
    made = smote(x, 500, k_neighbors=3, random_state=7)
    assert made.shape == (500, 2, 3)
    assert made.dtype == x.dtype
    _, neighbours = nearest(x, x, k=3, exclude_self=True)
    a = x.reshape(40, -1)
    for row in made.reshape(500, -1):
        # on a segment, the detour over the sample is no detour
        detour = min(
            np.linalg.norm(row - a[i]) + np.linalg.norm(row - a[j]) - np.linalg.norm(a[i] - a[j])
            for i in range(40)
            for j in neighbours[i]
        )
        assert detour < 1e-4


def test_distribution_equals_imbalanced_learn():
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    stats = pytest.importorskip("scipy.stats")
    minority, majority = samples(60), samples(2060, seed=5) - 6
    x = np.concatenate([majority, minority])
    y = np.repeat([0, 1], [len(majority), len(minority)])
    theirs = over_sampling.SMOTE(random_state=0).fit_resample(x, y)[0][len(x) :]
    ours = smote(minority, len(theirs), random_state=1)
    for axis in range(x.shape[1]):
        assert stats.ks_2samp(ours[:, axis], theirs[:, axis]).pvalue > 1e-3


def test_same_seed_same_samples_in_strict_array_api():
    strict = pytest.importorskip("array_api_strict")
    x = samples(30)
    made = smote(x, 64, random_state=3)
    np.testing.assert_array_equal(made, smote(x, 64, random_state=3))
    np.testing.assert_allclose(
        np.asarray(smote(strict.asarray(x), 64, random_state=3)), made, rtol=1e-5, atol=1e-5
    )


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="class of 1 sample"):
        smote(samples(1), 3)
    with pytest.raises(InputError, match="expected 1 to 3"):
        nearest(samples(4), samples(4), k=4, exclude_self=True)
