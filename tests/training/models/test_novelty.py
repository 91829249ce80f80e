"""Novelty: a Mahalanobis distance whose threshold passes what it promises."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from dlrsd.training.models.novelty import fit_novelty, scaled, threshold

RNG = np.random.default_rng(0)
CENTRES = np.array([[0, 0, 0], [10, 0, 0]], np.float32)


def embeddings(n: int, spread: float = 1.0) -> list[np.ndarray]:
    shape = spread * np.array([1, 2, 0.5])
    return [(c + RNG.standard_normal((n, 3)) * shape).astype(np.float32) for c in CENTRES]


def test_it_is_the_mahalanobis_distance_to_the_nearest_centre():
    train, queries = embeddings(500), np.concatenate(embeddings(50))
    means = [own.mean(axis=0) for own in train]
    centred = np.concatenate([own - mean for own, mean in zip(train, means, strict=True)])
    inverse = np.linalg.inv(LedoitWolf(assume_centered=True).fit(centred).covariance_)
    want = np.array([min(mahalanobis(e, m, inverse) for m in means) for e in queries])
    novelty = fit_novelty(train)
    np.testing.assert_allclose(novelty(queries), want, rtol=1e-3)
    np.testing.assert_allclose(scaled(novelty, 4.0)(queries), want / 4, rtol=1e-3)


def test_99_of_100_left_out_windows_pass():
    novelty, held = fit_novelty(embeddings(500)), embeddings(1000)
    known = scaled(novelty, threshold(novelty, held))
    assert abs((known(np.concatenate(held)) <= 1).mean() - 0.99) < 0.002
    assert (known(np.array([[5, 20, 9]], np.float32)) > 2).all()


def test_every_class_weighs_the_same():
    novelty = fit_novelty(embeddings(500))
    tight, wide = embeddings(2000, 0.2)[0], embeddings(1000, 5.0)[1]
    distance = novelty(wide)
    # 1 % of the weight is 2 % of the wide class, however many the tight one has
    assert np.isclose(threshold(novelty, [tight, wide]), np.sort(distance)[980], rtol=0.02)
