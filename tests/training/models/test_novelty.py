"""Novelty: a Mahalanobis distance whose threshold passes what it promises."""

from __future__ import annotations

from statistics import fmean, pstdev

import numpy as np
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from dlrsd.training.models.novelty import fit_novelty, scaled, threshold, traits

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


def test_traits_are_the_embedding_and_mean_and_spread_over_time_of_every_row():
    embedding = RNG.standard_normal((3, 5)).astype(np.float32)
    heatmaps = RNG.standard_normal((3, 2, 4, 7)).astype(np.float32)
    own = traits(embedding, heatmaps)
    assert own.shape == (3, 5 + 2 * 2 * 4)
    for n in range(3):
        rows = [heatmaps[n, channel, f].tolist() for channel in range(2) for f in range(4)]
        want = [fmean(row) for row in rows] + [pstdev(row) for row in rows]
        np.testing.assert_allclose(own[n], [*embedding[n], *want], rtol=1e-4, atol=1e-6)


def test_a_row_that_the_embedding_forgets_is_novel():
    """Two classes that differ in one row; in the unknown windows another row is louder."""
    heatmaps = RNG.standard_normal((2, 300, 1, 4, 32)).astype(np.float32)
    heatmaps[1, :, :, 0] += 3
    embedding = heatmaps[..., 0, 0, :].mean(axis=2, keepdims=True)
    unknown = heatmaps[0, :50].copy()
    unknown[:, :, 2] += 4
    forgets = fit_novelty(list(embedding))
    sees = fit_novelty(list(map(traits, embedding, heatmaps)))
    for novelty, is_seen in ((forgets, False), (sees, True)):
        usual, strange = (novelty.of(embedding[0, :50], h) for h in (heatmaps[0, :50], unknown))
        assert (strange.min() > 2 * usual.max()) == is_seen
        assert (strange == usual).all() != is_seen
