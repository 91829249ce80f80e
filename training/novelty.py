"""How far a window lies from everything trained on: a scaled distance of its embedding.

Source: Lee, Lee, Lee, Shin, "A Simple Unified Framework for Detecting Out-of-Distribution Samples
and Adversarial Attacks", NeurIPS 2018 (Mahalanobis distance with one covariance for all classes).
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

    ``whiten`` (E, E) includes the scale; ``centres`` (classes, E) are whitened.
    """

    whiten: NDArray[np.float32]
    centres: NDArray[np.float32]

    def __call__(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings (n, E) -> novelty (n,), >= 0."""
        gap = (embedding @ self.whiten)[:, None, :] - self.centres
        return np.sqrt((gap**2).sum(axis=2)).min(axis=1)


def fit_novelty(
    embedding: NDArray[np.float32],
    labels: NDArray[np.int64],
    validation: NDArray[np.float32],
    *,
    n_classes: int,
) -> Novelty:
    """Centres and covariance from training windows, scale from validation windows.

    Parameters
    ----------
    embedding : array [shape=(n, E)], with ``labels`` (n,)
    validation : array [shape=(m, E)]
        Training-side windows that were not trained on: ``QUANTILE`` of them shall pass.
    """
    means = np.stack([embedding[labels == c].mean(axis=0) for c in range(n_classes)])
    covariance = LedoitWolf(assume_centered=True).fit(embedding - means[labels]).covariance_
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(np.maximum(values, 1e-6 * values.max()))).astype(np.float32)
    unscaled = Novelty(whiten, (means @ whiten).astype(np.float32))
    scale = np.float32(max(np.quantile(unscaled(validation), QUANTILE), 1e-6))
    return Novelty(whiten / scale, unscaled.centres / scale)
