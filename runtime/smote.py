"""SMOTE and nearest neighbours for NumPy, CuPy and torch arrays, each on its own device.

Written against the Python array API. Random indices and weights are drawn on the host with NumPy,
so that a seed gives the same choice everywhere. Source: Chawla, Bowyer, Hall, Kegelmeyer, "SMOTE:
Synthetic Minority Over-sampling Technique", JAIR 16 (2002).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_cupy_array, is_torch_array, to_device

from dlrsd.runtime.errors import InputError

Array = Any  # NumPy, CuPy, torch or another array of the standard

# Distances are computed block by block: at most this many at once (64 MiB of float32).
_BLOCK = 1 << 24


def nearest(
    queries: Array, references: Array, *, k: int = 1, exclude_self: bool = False
) -> tuple[Array, Array]:
    """The k nearest references of every query, by Euclidean distance.

    Parameters
    ----------
    queries : array [shape=(n, ...)], float
    references : array [shape=(m, ...)], float, same trailing shape
    k : int, 1 <= k <= m
    exclude_self : bool
        Query i is reference i and no neighbour of itself (needs n == m and k < m).

    Returns
    -------
    distances : array [shape=(n, k)], ascending
    indices : array [shape=(n, k)], integer

    Raises
    ------
    InputError
        If there are fewer references than neighbours asked for.
    """
    xp = array_namespace(queries, references)
    q, r = flatten(queries), flatten(references)
    available = r.shape[0] - int(exclude_self)
    if not 1 <= k <= available:
        raise InputError(
            f"got k = {k} neighbours of {r.shape[0]} samples: expected 1 to {available}; "
            "lower k or give more samples"
        )
    # Centring keeps the cancellation in |q|^2 - 2 q.r + |r|^2 small.
    centre = xp.mean(r, axis=0, keepdims=True)
    r_centred = r - centre
    r_norm = xp.sum(r_centred * r_centred, axis=1)
    columns = xp.arange(r.shape[0], device=device(r))
    rows_per_block = max(1, _BLOCK // r.shape[0])
    found_d, found_i = [], []
    for start in range(0, q.shape[0], rows_per_block):
        block = q[start : min(start + rows_per_block, q.shape[0]), :]
        centred = block - centre
        # |q|^2 is the same along a row and does not change the order.
        d = r_norm[None, :] - 2 * (centred @ xp.matrix_transpose(r_centred))
        if exclude_self:
            own = xp.arange(start, start + block.shape[0], device=device(r))
            d = xp.where(columns[None, :] == own[:, None], float("inf"), d)
        chosen = []
        for _ in range(k):
            best = xp.argmin(d, axis=1)
            chosen.append(best)
            d = xp.where(columns[None, :] == best[:, None], float("inf"), d)
        index = xp.stack(chosen, axis=1)
        # Exact distances of the few that were chosen, then their exact order.
        gap = xp.take(r, xp.reshape(index, (-1,)), axis=0)
        gap = xp.reshape(gap, (block.shape[0], k, -1)) - block[:, None, :]
        exact = xp.sqrt(xp.sum(gap * gap, axis=2))
        order = xp.argsort(exact, axis=1)
        found_d.append(xp.take_along_axis(exact, order, axis=1))
        found_i.append(xp.take_along_axis(index, order, axis=1))
    return xp.concat(found_d, axis=0), xp.concat(found_i, axis=0)


def smote(x: Array, count: int, *, k_neighbors: int = 5, random_state: int = 0) -> Array:
    """New samples of one class on the lines between samples and their nearest neighbours.

    Parameters
    ----------
    x : array [shape=(n, ...)], float, n >= 2
        All samples of the class.
    count : int >= 0
        How many to make.
    k_neighbors : int > 0
        Neighbours to choose from; a class of n samples offers at most n - 1.
    random_state : int
        Seed of the choice of sample, neighbour and position (uniform in [0, 1)).

    Returns
    -------
    array [shape=(count, ...)], of the same library, device and type as ``x``

    Raises
    ------
    InputError
        If the class has a single sample: there is no partner to interpolate with.
    """
    xp = array_namespace(x)
    n = x.shape[0]
    if n < 2:
        raise InputError(
            f"got a class of {n} sample: SMOTE interpolates between at least 2; "
            "record more of this class or leave it out"
        )
    _, neighbours = nearest(x, x, k=min(k_neighbors, n - 1), exclude_self=True)
    rng = np.random.default_rng(random_state)
    base = rng.integers(0, n, count)
    column = rng.integers(0, neighbours.shape[1], count)
    position = rng.random(count)
    flat_neighbours = xp.reshape(neighbours, (-1,))
    partner = xp.take(flat_neighbours, _indices(base * neighbours.shape[1] + column, x))
    return interpolate(xp.take(x, _indices(base, x), axis=0), xp.take(x, partner, axis=0), position)


def interpolate(a: Array, b: Array, position: np.ndarray) -> Array:
    """``a + position * (b - a)``, sample by sample.

    Parameters
    ----------
    a, b : array [shape=(n, ...)], float
    position : numpy array [shape=(n,)], from 0 (a) to 1 (b)
    """
    xp = array_namespace(a, b)
    t = xp.asarray(position, dtype=a.dtype, device=device(a))
    return a + xp.reshape(t, (-1,) + (1,) * (a.ndim - 1)) * (b - a)


def flatten(x: Array) -> Array:
    """The same samples as rows, shape (n, features)."""
    xp = array_namespace(x)
    return xp.reshape(x, (x.shape[0], -1))


def to_host(x: Array) -> np.ndarray:
    """The array as NumPy's, copied off its device where it lies on one."""
    return np.asarray(to_device(x, "cpu") if is_cupy_array(x) or is_torch_array(x) else x)


def _indices(values: np.ndarray, like: Array) -> Array:
    return array_namespace(like).asarray(values.astype(np.int64), device=device(like))
