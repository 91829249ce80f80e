"""How much each expert of a fusion counts: fitted on what experts said of what they never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

ALIKE = 0.05  # how strongly weights are pulled towards the given ones, relative to their mean
_MOST = 3.0  # of a weight


def fit_weights(
    said: NDArray[np.floating[Any]],
    labels: NDArray[Any],
    weight: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weights of experts that make left-out windows most likely.

    Parameters
    ----------
    said : array, shape (experts, n, K)
        Log-probabilities of left-out windows.
    labels : array, shape (n,)
        Class of each window.
    weight : array, shape (n,), 1 in all
        Of each window.
    start : array, shape (experts,), >= 0
        What the weights are pulled towards, up to a factor; an expert that starts at 0 stays there.

    Returns
    -------
    array, shape (experts,), >= 0; the mean of those that count is 1: how sure they are together is
    the temperature's matter.
    """
    n, counts = np.arange(len(labels)), start > 0
    told, towards = said[counts].astype(np.float64), start[counts] / start[counts].mean()

    def loss(v: NDArray[np.float64]) -> float:
        likely = log_softmax(np.tensordot(v, told, axes=1), axis=1)[n, labels]
        away = v / max(v.mean(), 1e-2) - towards
        return float(-(weight * likely).sum() + ALIKE * (away**2).sum())

    first = towards / len(towards)
    found = minimize(loss, first, bounds=[(0, _MOST)] * len(first), method="L-BFGS-B").x
    weights = np.zeros(len(start))
    weights[counts] = found / max(found.mean(), 1e-6)
    return weights
