"""How much each expert of a fusion counts: fitted on what experts said of what they never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

ALIKE = 0.05  # how strongly weights are pulled towards the given ones, relative to their mean
_MOST = 3.0  # of a weight


def group_weights(labels: NDArray[Any], groups: NDArray[Any]) -> NDArray[np.float64]:
    """A weight of every window, shape (n,), that sums to 1: classes weigh the same, and so do the
    groups (bearings, loads) of a class."""
    weight = np.zeros(len(labels))
    for label in np.unique(labels):
        own = labels == label
        kinds = np.unique(groups[own])
        for kind in kinds:
            members = own & (groups == kind)
            weight[members] = 1 / (len(kinds) * members.sum())
    return weight / weight.sum()


def fit_weights(
    said: NDArray[np.floating[Any]],
    labels: NDArray[Any],
    groups: NDArray[Any],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Weights of experts that make left-out windows most likely.

    Parameters
    ----------
    said : array, shape (experts, n, K)
        Log-probabilities of left-out windows.
    labels, groups : arrays, shape (n,)
        Class of each window, and the bearing, load or rig that was left out with it.
    start : array, shape (experts,), >= 0
        What the weights are pulled towards, up to a factor; an expert that starts at 0 stays there.

    Returns
    -------
    array, shape (experts,), >= 0; the mean of those that count is 1: how sure they are together is
    the temperature's matter.
    """
    weight, n = group_weights(labels, groups), np.arange(len(labels))
    counts = start > 0
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
