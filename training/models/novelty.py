"""How far a window lies from everything trained on: a scaled distance of what is known of it.

A network forgets what does not tell its own classes apart, so that a fault which it has never seen
may look like one of them. Where the columns of a heatmap are times, the distance is therefore of
the embedding together with the mean and the standard deviation of every row over time. Not so in a
model for other loads or bearings than it was trained on: there every row is another one.

Source: Lee, Lee, Lee, Shin, "A Simple Unified Framework for Detecting Out-of-Distribution Samples
and Adversarial Attacks", NeurIPS 2018 (Mahalanobis distance with one covariance for all classes,
of features before the last as well). The rows themselves, in place of the features of each layer,
are ours: they were chosen on faults of CWRU's fan end (`benchmarks/accuracy/unknown_fault.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

QUANTILE = 0.99  # of validation windows that pass


@dataclass(frozen=True)
class Novelty:
    """Distance to the nearest class centre after whitening; 1.0 is the threshold.

    ``whiten`` (D, D) includes the scale; ``centres`` (classes, D) are whitened. D is the number of
    traits: the embedding's width, or more where rows count as well (`traits`).
    """

    whiten: NDArray[np.float32]
    centres: NDArray[np.float32]

    def __call__(self, own: NDArray[np.float32]) -> NDArray[np.float32]:
        """Traits (n, D) -> novelty (n,), >= 0."""
        gap = (own @ self.whiten)[:, None, :] - self.centres
        return np.sqrt((gap**2).sum(axis=2)).min(axis=1)

    def of(
        self, embedding: NDArray[np.float32], heatmaps: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Embeddings (n, E) and heatmaps (n, channels, F, T) -> novelty (n,), >= 0."""
        counts_rows = len(self.whiten) > embedding.shape[1]
        return self(traits(embedding, heatmaps) if counts_rows else embedding)


def traits(embedding: NDArray[np.float32], heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Embedding, and mean and standard deviation over time of every channel's rows.

    Parameters
    ----------
    embedding : array, shape (n, E)
    heatmaps : array, shape (n, channels, F, T)

    Returns
    -------
    array, shape (n, E + 2 * channels * F)
    """
    rows = (heatmaps.mean(axis=3), heatmaps.std(axis=3))
    return np.concatenate([embedding, *(own.reshape(len(own), -1) for own in rows)], axis=1)


def fit_novelty(groups: list[NDArray[np.float32]]) -> Novelty:
    """Centres and covariance from training windows, not yet scaled.

    Parameters
    ----------
    groups : list of arrays [shape=(n_c, D)]
        Traits of every class's windows and their views.
    """
    means = np.stack([own.mean(axis=0) for own in groups])
    centred = np.concatenate([own - mean for own, mean in zip(groups, means, strict=True)])
    covariance = LedoitWolf(assume_centered=True).fit(centred).covariance_
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(np.maximum(values, 1e-6 * values.max()))).astype(np.float32)
    return Novelty(whiten, (means @ whiten).astype(np.float32))


def threshold(novelty: Novelty, held: list[NDArray[np.float32]]) -> float:
    """The distance that ``QUANTILE`` of left-out windows stay below, every class weighing the same.

    Parameters
    ----------
    held : list of arrays [shape=(m_c, D)]
        Traits of every class's windows that were not trained on.
    """
    groups = [novelty(own) for own in held]
    values = np.concatenate(groups)
    weight = np.concatenate([np.full(len(group), 1 / len(group)) for group in groups])
    return float(np.quantile(values, QUANTILE, weights=weight, method="inverted_cdf"))


def scaled(novelty: Novelty, unit: float) -> Novelty:
    """The same distance counted in ``unit``, so that 1.0 lies there."""
    return Novelty(novelty.whiten / np.float32(unit), novelty.centres / np.float32(unit))
