"""Novelty: a Mahalanobis distance whose threshold passes what it promises."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from dlrsd.training.novelty import fit_novelty

RNG = np.random.default_rng(0)
CENTRES = np.array([[0, 0, 0], [10, 0, 0]], np.float32)
LABELS = np.repeat([0, 1], 500)


def embeddings(n_each: int) -> np.ndarray:
    noise = RNG.standard_normal((2 * n_each, 3)) * [1, 2, 0.5]
    return (CENTRES.repeat(n_each, 0) + noise).astype(np.float32)


def test_99_of_100_validation_windows_pass():
    held = embeddings(1000)
    novelty = fit_novelty(embeddings(500), LABELS, held, n_classes=2)
    assert abs((novelty(held) <= 1).mean() - 0.99) < 0.002
    assert (novelty(np.array([[5, 20, 9]], np.float32)) > 3).all()


def test_it_is_the_mahalanobis_distance_to_the_nearest_centre():
    train, held = embeddings(500), embeddings(50)
    novelty = fit_novelty(train, LABELS, held, n_classes=2)
    means = [train[LABELS == c].mean(axis=0) for c in (0, 1)]
    centred = train - np.stack(means)[LABELS]
    inverse = np.linalg.inv(LedoitWolf(assume_centered=True).fit(centred).covariance_)
    want = np.array([min(mahalanobis(e, m, inverse) for m in means) for e in held])
    np.testing.assert_allclose(novelty(held), want / np.quantile(want, 0.99), rtol=1e-3)
