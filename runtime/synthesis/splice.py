"""Splices: between two windows by taking some times from one and the others from the other.

SMOTE blends two samples value by value. Of two heatmaps that makes a third one that no machine
writes: noise is averaged away, and an impulse in one alone becomes half an impulse. A splice moves
from one to the other as well, by its share of the time, and all but the columns at its two seams
stay real ones.
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from dlrsd.runtime.synthesis.neighbours import Array


def random_runs(count: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Runs of time, around the window's end: of random start, and as long as a random share.

    Parameters
    ----------
    count : int >= 0

    Returns
    -------
    array, shape (count, 2), start and length, each uniform from 0 to 1 windows
    """
    return rng.random((count, 2))


def splice(a: Array, b: Array, runs: NDArray[np.float64]) -> Array:
    """``b`` in the run, ``a`` elsewhere, and in a column that a run ends in so much of each.

    Parameters
    ----------
    a, b : array, shape (n, ..., columns), float
        Of the same library and device; columns are blocks of time.
    runs : array on the host, shape (n, 2)
        As :func:`random_runs` gives them; the same for latents and for heatmaps of any width.

    Returns
    -------
    array, shape (n, ..., columns)
    """
    xp = array_namespace(a, b)
    columns = a.shape[-1]
    start = runs[:, :1] * columns
    stop = start + runs[:, 1:] * columns
    column = np.arange(columns)
    share = sum(
        np.clip(np.minimum(stop, at + 1) - np.maximum(start, at), 0, 1)
        for at in (column, column + columns)  # the latter for runs around the end
    )
    shape = (a.shape[0], *(1,) * (a.ndim - 2), columns)
    weight = xp.asarray(np.reshape(share, shape), dtype=a.dtype, device=device(a))
    return a + weight * (b - a)
