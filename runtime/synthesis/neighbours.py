"""Exact nearest neighbours by matrix products, for NumPy, CuPy and torch arrays on their device.

Half the squared distance of two points a and b is |a|^2/2 - a.b + |b|^2/2: one matrix product per
tile of points, in float32, and between points of one set only for half of the tiles. A bound on
the rounding errors (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1)
then says for every query whether its neighbours are certain. Where two candidates are too close to
call, their differences decide in float64; where the candidates themselves are in doubt, as between
tight clusters far apart, the query is searched again in float64.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_cupy_array, is_torch_array, to_device

from dlrsd.runtime.base.errors import InputError

Array = Any  # NumPy, CuPy, torch or another array of the standard

_TILE = 2048  # points on a side of a matrix product: 16 MiB of float32 at most
_SPARE = 4  # candidates beyond those asked for
_GROUP = 4  # columns of which the least stands for all at first
_EXACT = 1 << 18  # values whose differences are taken at once: few enough for a CPU's cache


def nearest(
    queries: Array, references: Array, *, k: int = 1, exclude_self: bool = False
) -> tuple[Array, Array]:
    """The k nearest references of every query, by Euclidean distance.

    Parameters
    ----------
    queries : array, shape (n, ...), float
    references : array, shape (m, ...), float, same trailing shape
    k : int, 1 <= k <= m
    exclude_self : bool
        Query i is reference i and no neighbour of itself (needs n == m and k < m).

    Returns
    -------
    distances : array, shape (n, k), ascending
    indices : array, shape (n, k), integer

    Raises
    ------
    InputError
        If there are fewer references than neighbours asked for.
    """
    xp = array_namespace(queries, references)
    q, r = flatten(queries), flatten(references)
    columns = neighbours(q, r, k=k, exclude_self=exclude_self)
    distances = _distances(q, r, columns)
    order = xp.argsort(distances, axis=1)
    distances = xp.take_along_axis(distances, order, axis=1)
    return xp.astype(distances, r.dtype), xp.take_along_axis(columns, order, axis=1)


def neighbours(
    queries: Array, references: Array, *, k: int = 1, exclude_self: bool = False
) -> Array:
    """The indices that :func:`nearest` gives, shape (n, k), but in no particular order.

    Cheaper, since most of them are certain without a distance.
    """
    xp = array_namespace(queries, references)
    q, r = flatten(queries), flatten(references)
    available = r.shape[0] - int(exclude_self)
    if not 1 <= k <= available:
        raise InputError(
            f"got k = {k} neighbours of {r.shape[0]} samples: expected 1 to {available}; "
            "lower k or give more samples"
        )
    own = xp.arange(q.shape[0], device=device(q)) if exclude_self else None
    columns, contained, settled = candidates(q, r, k, own, xp.float32)
    doubtful = np.flatnonzero(~to_host(contained))
    if len(doubtful):
        own = take(own, doubtful) if exclude_self else None
        better, _, _ = candidates(take(q, doubtful), r, k, own, xp.float64, symmetric=False)
        columns = _replaced(columns, doubtful, better)
    close = np.flatnonzero(~to_host(settled))
    if len(close):
        found = take(columns, close)
        order = xp.argsort(_distances(take(q, close), r, found), axis=1)
        columns = _replaced(columns, close, xp.take_along_axis(found, order, axis=1))
    return columns[:, :k]


def flatten(x: Array) -> Array:
    """The same samples as rows, shape (n, features)."""
    return array_namespace(x).reshape(x, (x.shape[0], prod(x.shape[1:])))


def tiles(n: int) -> list[slice]:
    """Equal parts of n samples, few enough for a matrix product of two parts; one where n is 0."""
    size = max(1, -(-n // max(1, -(-n // _TILE))))
    return [slice(at, min(at + size, n)) for at in range(0, max(n, 1), size)]


def take(x: Array, index: np.ndarray) -> Array:
    """The samples at these places, which are counted on the host."""
    xp = array_namespace(x)
    return xp.take(x, xp.asarray(index, dtype=xp.int64, device=device(x)), axis=0)


def to_host(x: Array) -> np.ndarray:
    """The array as NumPy's, copied off its device where it lies on one."""
    return np.asarray(to_device(x, "cpu") if is_cupy_array(x) or is_torch_array(x) else x)


def candidates(
    q: Array, r: Array, k: int, own: Array | None, dtype: Any, *, symmetric: bool = True
) -> tuple[Array, Array, Array]:
    """Some more than k references of every query, probably nearest first; whether its k nearest
    surely are among them; whether they surely are the first k.

    ``own`` is the reference that each query is itself; with ``symmetric`` these are all references
    in order.
    """
    xp = array_namespace(q, r)
    symmetric = symmetric and own is not None
    available = r.shape[0] - (own is not None)
    count = min(k + _SPARE, available)
    # Centring keeps the norms, and with them the rounding errors, small; any point near will do.
    wide = xp.result_type(q.dtype, r.dtype, dtype)
    centre = xp.astype(xp.mean(r, axis=0, keepdims=True), wide)
    tiles_r, tiles_q = tiles(r.shape[0]), tiles(q.shape[0])

    def prepared(x: Array, tile: slice) -> Array:
        return xp.astype(xp.astype(x[tile, :], wide, copy=False) - centre, dtype, copy=False)

    def half_norms(x: Array, parts: list[slice]) -> Array:
        centred = (prepared(x, part) for part in parts)
        return xp.concat([xp.vecdot(part, part) / 2 for part in centred])

    with np.errstate(over="ignore", invalid="ignore"):  # then nothing is certain
        half = half_norms(r, tiles_r)
        half_q = half if symmetric else half_norms(q, tiles_q)
        # Both products and norms are off by at most half this share of the two half norms, and
        # the rounding of the centred points by a little more. Less the references' part of it,
        # a candidate's value is a lower bound up to a constant of the query.
        bound = (r.shape[1] + 8) * float(xp.finfo(dtype).eps)
        low = (1 - bound) * half
        found: list[tuple[Array, Array] | None] = [None] * len(tiles_q)
        wanted = count + (own is not None)
        for i, rows in enumerate(tiles_q):
            left = prepared(q, rows)
            for j, columns in enumerate(tiles_r):
                if symmetric and j < i:
                    continue
                # The same object on both sides lets BLAS compute one triangle only.
                right = left if symmetric and j == i else prepared(r, columns)
                product = left @ xp.matrix_transpose(right)
                new = _smallest(low[None, columns] - product, wanted, columns.start)
                found[i] = _merged(found[i], new, wanted)
                if symmetric and j > i:
                    other = low[None, rows] - xp.matrix_transpose(product)
                    new = _smallest(other, wanted, rows.start)
                    found[j] = _merged(found[j], new, wanted)
        value, column = (xp.concat(part, axis=0) for part in zip(*found, strict=True))
        if own is not None:
            value = xp.where(column == own[:, None], xp.asarray(float("inf"), dtype=dtype), value)
            value, column = _least(value, column, count)
        spread = 2 * bound * xp.take(half, xp.reshape(column[:, :k], (-1,)))
        upper = (
            xp.max(value[:, :k] + xp.reshape(spread, (q.shape[0], k)), axis=1) + 2 * bound * half_q
        )
        upper = upper + r.shape[1] * float(xp.finfo(dtype).smallest_normal)
    sure = xp.ones(q.shape[0], dtype=xp.bool, device=device(q))
    contained = sure if count == available else upper < value[:, -1]
    settled = sure if count == k else upper < value[:, k]
    return column, contained, settled


def _smallest(values: Array, count: int, offset: int) -> tuple[Array, Array]:
    """The least values of every row, ascending, and their columns counted from ``offset``."""
    xp = array_namespace(values)
    n, m = values.shape
    columns = xp.arange(m, device=device(values))
    width = m // _GROUP
    if width <= 2 * count:
        return _least(values, xp.broadcast_to(columns + offset, (n, m)), count)
    # The least values lie in the groups with the least minima: all else needs no sorting.
    groups = xp.reshape(values[:, : width * _GROUP], (n, _GROUP, width))
    _, best = _smallest(xp.min(groups, axis=1), count, 0)
    within = xp.reshape(columns[: width * _GROUP : width], (1, _GROUP, 1))
    inside = xp.reshape(best[:, None, :] + within, (n, _GROUP * best.shape[1]))
    rest = columns[width * _GROUP :]
    chosen = xp.concat([inside, xp.broadcast_to(rest, (n, rest.shape[0]))], axis=1)
    return _least(xp.take_along_axis(values, chosen, axis=1), chosen + offset, count)


def _least(values: Array, columns: Array, count: int) -> tuple[Array, Array]:
    xp = array_namespace(values)
    order = xp.argsort(values, axis=1, stable=False)[:, :count]
    return xp.take_along_axis(values, order, axis=1), xp.take_along_axis(columns, order, axis=1)


def _merged(
    old: tuple[Array, Array] | None, new: tuple[Array, Array], count: int
) -> tuple[Array, Array]:
    if old is None:
        return new
    xp = array_namespace(new[0])
    value, column = (xp.concat(pair, axis=1) for pair in zip(old, new, strict=True))
    return _least(value, column, count)


def _distances(q: Array, r: Array, columns: Array) -> Array:
    """Distances (n, k) of the queries to these references, from their differences in float64."""
    xp = array_namespace(q, r)
    n, k = columns.shape
    rows = max(1, _EXACT // (k * r.shape[1]))
    parts = []
    for at in range(0, max(n, 1), rows):
        some = slice(at, min(at + rows, n))
        block = xp.astype(q[some, :], xp.float64)
        index = xp.reshape(columns[some, :], (-1,))
        gap = xp.astype(xp.take(r, index, axis=0), xp.float64)
        gap = xp.reshape(gap, (block.shape[0], k, r.shape[1])) - block[:, None, :]
        parts.append(xp.sqrt(xp.vecdot(gap, gap)))
    return xp.concat(parts, axis=0)


def _replaced(x: Array, rows: np.ndarray, new: Array) -> Array:
    """``x`` with these rows replaced: the array API has no assignment by index."""
    source = np.arange(x.shape[0])
    source[rows] = x.shape[0] + np.arange(len(rows))
    return take(array_namespace(x).concat([x, new], axis=0), source)
