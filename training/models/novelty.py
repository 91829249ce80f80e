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


def fit_novelty(embeddings: list[NDArray[np.float32]]) -> Novelty:
    """Centres and covariance from training windows, not yet scaled.

    Parameters
    ----------
    embeddings : list of arrays [shape=(n_c, E)]
        Of every class's windows and their views.
    """
    means = np.stack([own.mean(axis=0) for own in embeddings])
    centred = np.concatenate([own - mean for own, mean in zip(embeddings, means, strict=True)])
    covariance = LedoitWolf(assume_centered=True).fit(centred).covariance_
    values, vectors = np.linalg.eigh(covariance)
    whiten = (vectors / np.sqrt(np.maximum(values, 1e-6 * values.max()))).astype(np.float32)
    return Novelty(whiten, (means @ whiten).astype(np.float32))


def threshold(novelty: Novelty, held: list[NDArray[np.float32]]) -> float:
    """The distance that ``QUANTILE`` of left-out windows stay below, every class weighing the same.

    Parameters
    ----------
    held : list of arrays [shape=(m_c, E)]
        Embeddings of every class's windows that were not trained on.
    """
    groups = [novelty(own) for own in held]
    values = np.concatenate(groups)
    weight = np.concatenate([np.full(len(group), 1 / len(group)) for group in groups])
    return float(np.quantile(values, QUANTILE, weights=weight, method="inverted_cdf"))


def scaled(novelty: Novelty, unit: float) -> Novelty:
    """The same distance counted in ``unit``, so that 1.0 lies there."""
    return Novelty(novelty.whiten / np.float32(unit), novelty.centres / np.float32(unit))
